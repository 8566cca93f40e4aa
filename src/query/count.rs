//! How many records pass a filter.

use serde::Serialize;

/// How many records pass a filter, as far as it is worth the time to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The number of records.
    pub records: u64,
    /// How far it can be relied on.
    pub accuracy: Accuracy,
}

/// How far a [`Count`] can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Accuracy {
    /// There are just as many.
    Exact,
    /// There are at least as many.
    AtLeast,
    /// The database expects as many, and there are more than [`Count::EXACT_LIMIT`]
    /// or it takes too long to count them.
    Estimate,
}

impl Count {
    /// Up to so many records are counted one by one.
    pub const EXACT_LIMIT: u64 = 10_000;
}
