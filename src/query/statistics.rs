//! Sums over the records that pass a filter.

use serde::Serialize;

use super::{Dimension, Filter};
#[cfg(feature = "admin")]
use crate::Scope;
use crate::{Error, Timestamp};

/// What to sum up: the records that pass a filter, all together and by a [`Dimension`].
///
/// ```
/// use std::time::Duration;
/// use tower_audit::Filter;
/// use tower_audit::query::{Dimension, StatsOrder, StatsQuery};
///
/// # fn main() -> Result<(), tower_audit::Error> {
/// // The five slowest routes of the last week.
/// let query = StatsQuery::new(Filter::new().last(Duration::from_secs(7 * 86_400)))
///     .by(Dimension::Route)
///     .order(StatsOrder::P95)
///     .top(5)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct StatsQuery {
    filter: Filter,
    by: Option<Dimension>,
    top: u16,
    order: StatsOrder,
}

/// By what the values of a dimension are ranked, the greatest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatsOrder {
    /// The number of events.
    #[default]
    Events,
    /// The number of failures.
    Failures,
    /// The duration that 95 % of the events do not exceed.
    P95,
}

impl StatsQuery {
    /// The values of a dimension that are told unless asked for otherwise.
    pub const DEFAULT_TOP: u16 = 10;
    /// The most values of a dimension that are told.
    pub const MAX_TOP: u16 = 100;

    /// The records that pass `filter`, all together.
    pub fn new(filter: Filter) -> Self {
        Self {
            filter,
            by: None,
            top: Self::DEFAULT_TOP,
            order: StatsOrder::default(),
        }
    }

    /// Sets what they are broken down by. Defaults to nothing.
    #[must_use]
    pub fn by(mut self, dimension: Dimension) -> Self {
        self.by = Some(dimension);
        self
    }

    /// Sets how many values of the dimension are told. Defaults to [`Self::DEFAULT_TOP`].
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

    /// Sets by what the values are ranked. Defaults to the number of events.
    #[must_use]
    pub fn order(mut self, order: StatsOrder) -> Self {
        self.order = order;
        self
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

    /// By what the values are ranked.
    pub fn ranking(&self) -> StatsOrder {
        self.order
    }
}

/// The answer to a [`StatsQuery`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Statistics {
    /// All records that pass the filter.
    pub totals: Totals,
    /// The foremost values of the dimension.
    pub groups: Vec<Group>,
    /// Whether the dimension has more values than those.
    pub has_more_groups: bool,
    /// How far the store looked, from the newest record on, where the time
    /// was over before all were counted: what is older is in none of the sums.
    pub scanned_until: Option<Timestamp>,
}

/// The records that have one value of a dimension.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Group {
    /// The value; `None` for the records that have none.
    pub value: Option<String>,
    /// Their sums.
    #[serde(flatten)]
    pub totals: Totals,
}

/// Sums of some records. Each counts as many times as it stands for
/// [events](crate::Fields::sample_weight), where events were sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Totals {
    /// The events.
    pub events: f64,
    /// Those that did not succeed.
    pub failures: f64,
    /// Those that were flagged.
    pub flagged: f64,
    /// How long they took; `None` if none of them tells.
    pub latency: Option<Latency>,
}

/// How long events took, in microseconds. Events that do not tell do not count.
///
/// A percentile is the smallest duration that so many of the events do not
/// exceed, to within 5 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Latency {
    /// The mean.
    pub avg_us: f64,
    /// The shortest.
    pub min_us: i64,
    /// The longest.
    pub max_us: i64,
    /// What half of them do not exceed.
    pub p50_us: i64,
    /// What 95 % of them do not exceed.
    pub p95_us: i64,
    /// What 99 % of them do not exceed.
    pub p99_us: i64,
}

impl StatsOrder {
    /// The order of two groups, the greater first; groups of the same size go by their values.
    pub(crate) fn compare(self, a: &Group, b: &Group) -> std::cmp::Ordering {
        let size = |group: &Group| match self {
            Self::Events => group.totals.events,
            Self::Failures => group.totals.failures,
            Self::P95 => group
                .totals
                .latency
                .map_or(-1.0, |latency| latency.p95_us as f64),
        };
        size(b)
            .total_cmp(&size(a))
            .then_with(|| a.value.cmp(&b.value))
    }
}
