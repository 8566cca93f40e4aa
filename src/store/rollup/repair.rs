//! The rollups of an hour, made anew out of its records.

use super::gather::Summed;
use super::hour::Hour;
use super::label::Label;
use super::measures::Measures;
use super::rows::{Expressions, Grouping, group};
use super::tally::{Key, is_too_odd, rolled_up};
use crate::query::{Dimension, Filter};
use crate::store::sql::{Dialect, Query};

/// One dimension of an hour, or all its records.
pub(in crate::store) struct Part {
    hour: Hour,
    dimension: Option<Dimension>,
    /// The query for its sums.
    pub(in crate::store) query: Query,
}

/// All that has to be summed up for an hour.
pub(in crate::store) fn parts(
    table: &str,
    hour: Hour,
    dialect: &Dialect,
    expressions: &Expressions,
) -> Vec<Part> {
    let part = |dimension| {
        let grouping = Grouping {
            by: dimension,
            bucket_us: None,
        };
        let (filter, ids) = (Filter::new(), hour.ids());
        Part {
            hour,
            dimension,
            query: group(table, &filter, &ids, grouping, dialect, expressions),
        }
    };
    let dimensions = rolled_up().map(Some);
    std::iter::once(None).chain(dimensions).map(part).collect()
}

impl Part {
    /// What a row of the query's answer adds to a rollup.
    pub(in crate::store) fn rollup(&self, row: Summed) -> (Key, Measures) {
        let label = match row.label {
            Label::Value(value) if is_too_odd(&value) => Label::Other,
            label => label,
        };
        let key = Key {
            hour: self.hour,
            dimension: self.dimension,
            label,
        };
        (key, row.sum)
    }
}
