//! Sums over time.

use std::time::Duration;

use serde::Serialize;

use super::{Dimension, Filter, Totals};
#[cfg(feature = "admin")]
use crate::Scope;
use crate::{Error, Timestamp};

/// What to sum up over time: the records that pass a filter, all together
/// and by a [`Dimension`], in buckets of one length.
///
/// ```
/// use std::time::Duration;
/// use tower_audit::Filter;
/// use tower_audit::query::{Dimension, SeriesQuery};
///
/// # fn main() -> Result<(), tower_audit::Error> {
/// // The last day by the hour, and each class of status for itself.
/// let query = SeriesQuery::new(Filter::new().last(Duration::from_secs(86_400)))
///     .bucket(Duration::from_secs(3_600))?
///     .by(Dimension::StatusClass);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesQuery {
    filter: Filter,
    by: Option<Dimension>,
    top: u16,
    bucket: Option<Duration>,
}

impl SeriesQuery {
    /// The shortest bucket.
    pub const MIN_BUCKET: Duration = Duration::from_secs(1);
    /// The longest bucket: 366 days.
    pub const MAX_BUCKET: Duration = Duration::from_secs(366 * 86_400);
    /// The most buckets.
    pub const MAX_BUCKETS: usize = 1_000;
    /// The values of a dimension that are told unless asked for otherwise.
    pub const DEFAULT_TOP: u16 = 5;
    /// The most values of a dimension that are told.
    pub const MAX_TOP: u16 = 20;

    /// The records that pass `filter`, all together.
    pub fn new(filter: Filter) -> Self {
        Self {
            filter,
            by: None,
            top: Self::DEFAULT_TOP,
            bucket: None,
        }
    }

    /// Sets the length of a bucket, in whole seconds. Buckets begin at
    /// multiples of it, counted from the start of 1970 in UTC. Defaults to a
    /// length of which the filter's time has about 60.
    ///
    /// Buckets of whole hours are answered for any time at about the same
    /// speed; shorter ones look at the records.
    ///
    /// # Errors
    /// If it is no whole number of seconds, below [`Self::MIN_BUCKET`] or above [`Self::MAX_BUCKET`].
    pub fn bucket(mut self, length: Duration) -> Result<Self, Error> {
        let allowed = Self::MIN_BUCKET..=Self::MAX_BUCKET;
        if !allowed.contains(&length) || length.subsec_nanos() != 0 {
            return Err(Error::invalid_input(
                "bucket",
                "out of range: expected whole seconds, up to 366 days",
            ));
        }
        self.bucket = Some(length);
        Ok(self)
    }

    /// Sets what they are broken down by. Defaults to nothing.
    #[must_use]
    pub fn by(mut self, dimension: Dimension) -> Self {
        self.by = Some(dimension);
        self
    }

    /// Sets how many values of the dimension are told: those with the most
    /// events. Defaults to [`Self::DEFAULT_TOP`].
    ///
    /// # Errors
    /// If `top` is 0 or above [`Self::MAX_TOP`].
    pub fn top(mut self, top: u16) -> Result<Self, Error> {
        if !(1..=Self::MAX_TOP).contains(&top) {
            let range = format!("out of range: expected 1 to {}", Self::MAX_TOP);
            return Err(Error::invalid_input("top", range));
        }
        self.top = top;
        Ok(self)
    }

    /// Which records count.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The same, of a scope only.
    #[cfg(feature = "admin")]
    pub(crate) fn within(mut self, scope: &Scope) -> Self {
        self.filter = self.filter.within(scope);
        self
    }

    /// What they are broken down by.
    pub fn dimension(&self) -> Option<Dimension> {
        self.by
    }

    /// How many values of the dimension are told.
    pub fn max_groups(&self) -> usize {
        self.top.into()
    }

    /// The length of a bucket in a time from `start` to `end`, in microseconds.
    ///
    /// # Errors
    /// If that makes more than [`Self::MAX_BUCKETS`].
    pub(crate) fn bucket_us(&self, start: Timestamp, end: Timestamp) -> Result<i64, Error> {
        let span = end.as_micros().saturating_sub(start.as_micros()).max(0);
        let Some(length) = self.bucket else {
            let fits = |length: &i64| span / (length * SECOND_US) <= AUTOMATIC_BUCKETS;
            let length = LENGTHS
                .into_iter()
                .find(fits)
                .unwrap_or(LENGTHS[LENGTHS.len() - 1]);
            return Ok(length * SECOND_US);
        };
        let length = length.as_secs().cast_signed() * SECOND_US;
        if span / length >= Self::MAX_BUCKETS as i64 {
            return Err(Error::invalid_input(
                "bucket",
                format!(
                    "too short: the time has more than {} of it",
                    Self::MAX_BUCKETS
                ),
            ));
        }
        Ok(length)
    }
}

const SECOND_US: i64 = 1_000_000;
/// The most buckets where nobody says how long they are.
const AUTOMATIC_BUCKETS: i64 = 60;
/// Their lengths, in seconds. From a quarter of an hour on it goes by hours,
/// which do not have to look at the records. The last one has no end.
const LENGTHS: [i64; 14] = [
    1,
    5,
    15,
    60,
    300,
    900,
    3_600,
    3 * 3_600,
    6 * 3_600,
    12 * 3_600,
    86_400,
    7 * 86_400,
    28 * 86_400,
    364 * 86_400,
];

/// The answer to a [`SeriesQuery`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Series {
    /// The length of a bucket, in seconds.
    pub bucket_seconds: u64,
    /// All records that pass the filter: every bucket of the filter's time,
    /// oldest first, also those without records. Where the filter leaves the
    /// start or the end of its time open, the records set it.
    pub points: Vec<Point>,
    /// The values of the dimension with the most events, each in the same buckets.
    pub groups: Vec<SeriesGroup>,
    /// Whether the dimension has more values than those.
    pub has_more_groups: bool,
    /// How far the store looked, from the newest record on, where the time
    /// was over before all were counted: what is older is in none of the sums.
    pub scanned_until: Option<Timestamp>,
}

/// The records of one value of a dimension.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SeriesGroup {
    /// The value; `None` for the records that have none.
    pub value: Option<String>,
    /// Its buckets.
    pub points: Vec<Point>,
}

/// A bucket of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Point {
    /// When it begins.
    pub start: Timestamp,
    /// The sums of its records.
    #[serde(flatten)]
    pub totals: Totals,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_bucket_goes_with_the_time() {
        let query = SeriesQuery::new(Filter::new());
        let start = Timestamp::from_micros(0);
        for (seconds, expected) in [
            (0, 1),
            (60, 1),
            (600, 15),
            (3_600, 60),
            (86_400, 3_600),
            (7 * 86_400, 3 * 3_600),
            (60 * 86_400, 86_400),
            (100 * 366 * 86_400, 364 * 86_400),
        ] {
            let end = start.plus(Duration::from_secs(seconds));
            let length = query.bucket_us(start, end).unwrap();
            assert_eq!(length, expected * SECOND_US, "{seconds}");
        }
    }

    #[test]
    fn too_many_buckets_are_refused() {
        let query = SeriesQuery::new(Filter::new())
            .bucket(Duration::from_secs(1))
            .unwrap();
        let start = Timestamp::from_micros(0);
        assert!(
            query
                .bucket_us(start, start.plus(Duration::from_secs(999)))
                .is_ok()
        );
        let error = query.bucket_us(start, start.plus_days(1)).unwrap_err();
        assert_eq!(error.parameter(), Some("bucket"));
        for length in [Duration::ZERO, Duration::from_millis(1_500), Duration::MAX] {
            assert!(SeriesQuery::new(Filter::new()).bucket(length).is_err());
        }
    }
}
