//! What a store is given at once.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::Record;

/// Records to be stored together, and whether it is the first attempt. A clone shares the records.
#[derive(Clone)]
pub struct Batch {
    records: Arc<Vec<Record>>,
    attempts: u32,
    is_recovered: bool,
}

impl Batch {
    /// A batch that nobody has tried to store yet.
    pub fn new(records: Vec<Record>) -> Self {
        Self {
            records: Arc::new(records),
            attempts: 0,
            is_recovered: false,
        }
    }

    /// The same batch, as an earlier process left it behind.
    #[must_use]
    pub fn recovered(self) -> Self {
        Self {
            is_recovered: true,
            ..self.retry()
        }
    }

    /// The same batch after a failed attempt.
    #[must_use]
    pub fn retry(mut self) -> Self {
        self.attempts = self.attempts.saturating_add(1);
        self.is_recovered = false;
        self
    }

    /// Whether an earlier attempt may have stored some or all of the records.
    pub fn is_retry(&self) -> bool {
        self.attempts > 0
    }

    /// Whether this is a retry only because an earlier process had the
    /// records: most likely either all of them are stored already, or none.
    pub fn is_recovered(&self) -> bool {
        self.is_recovered
    }

    /// The failed attempts so far. Those of an earlier process count as one.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The first half and the rest.
    pub(crate) fn split(self) -> (Self, Self) {
        let attempts = self.attempts;
        let mut first = Arc::unwrap_or_clone(self.records);
        let rest = first.split_off(first.len() / 2);
        let batch = |records| Self {
            records: Arc::new(records),
            attempts,
            is_recovered: self.is_recovered,
        };
        (batch(first), batch(rest))
    }

    pub(crate) fn remove(&mut self, index: usize) -> Record {
        Arc::make_mut(&mut self.records).remove(index)
    }
}

impl Deref for Batch {
    type Target = [Record];

    fn deref(&self) -> &[Record] {
        &self.records
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("len", &self.len())
            .field("attempts", &self.attempts)
            .finish()
    }
}
