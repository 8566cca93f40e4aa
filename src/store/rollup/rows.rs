//! How records are summed up by a database.

use std::ops::Range;

use super::histogram::Histogram;
use super::measures::Measures;
use crate::EventId;
use crate::query::{Dimension, Filter};
use crate::store::sql::{self, Dialect, Query};

/// What records are put together by.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Grouping {
    pub(in crate::store) by: Option<Dimension>,
    /// The length of the buckets of time, in microseconds.
    pub(in crate::store) bucket_us: Option<i64>,
}

/// What databases put differently.
pub(in crate::store) struct Expressions {
    /// The bin of `duration_us`.
    pub(in crate::store) bin: &'static str,
    /// The start of a record's bucket of time of this length.
    pub(in crate::store) bucket: fn(i64) -> String,
}

/// The query for the sums of those records of some ids that pass a filter: a
/// row for each value, bucket of time and bin of durations, with these three
/// and what [`Bin`] has.
pub(in crate::store) fn group(
    table: &str,
    filter: &Filter,
    ids: &Range<EventId>,
    grouping: Grouping,
    dialect: &Dialect,
    expressions: &Expressions,
) -> Query {
    const SUMS: &str = "count(*), sum(sample_weight), \
         sum(sample_weight) FILTER (WHERE NOT success), sum(sample_weight) FILTER (WHERE flagged), \
         sum(sample_weight * duration_us), min(duration_us), max(duration_us)";
    let value = match grouping.by {
        None => "NULL".to_owned(),
        Some(Dimension::StatusClass) => "(status / 100) || 'xx'".to_owned(),
        Some(Dimension::Status) => "status || ''".to_owned(),
        Some(dimension) => dimension.column().name().to_owned(),
    };
    let bucket = grouping.bucket_us.map(expressions.bucket);
    let bucket = bucket.unwrap_or_else(|| "NULL".to_owned());
    let columns = format!("{value}, {bucket}, {}, {SUMS}", expressions.bin);
    let mut query = sql::select(&columns, table, filter, ids, dialect);
    query.text.push_str(" GROUP BY 1, 2, 3");
    query
}

/// The sums of records whose durations are in one bin.
pub(in crate::store) struct Bin {
    /// `None` for those that have no duration.
    pub(in crate::store) bin: Option<i64>,
    pub(in crate::store) rows: i64,
    pub(in crate::store) events: f64,
    pub(in crate::store) failures: Option<f64>,
    pub(in crate::store) flagged: Option<f64>,
    pub(in crate::store) duration_sum: Option<f64>,
    pub(in crate::store) duration_min: Option<i64>,
    pub(in crate::store) duration_max: Option<i64>,
}

impl From<Bin> for Measures {
    fn from(row: Bin) -> Self {
        let none = Self::default();
        let mut durations = Histogram::default();
        if let Some(bin) = row.bin.and_then(|bin| bin.try_into().ok()) {
            durations.add(bin, row.events);
        }
        Self {
            rows: row.rows,
            events: row.events,
            failures: row.failures.unwrap_or_default(),
            flagged: row.flagged.unwrap_or_default(),
            duration_sum: row.duration_sum.unwrap_or_default(),
            duration_min: row.duration_min.unwrap_or(none.duration_min),
            duration_max: row.duration_max.unwrap_or(none.duration_max),
            durations,
        }
    }
}
