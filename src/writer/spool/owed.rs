//! What segments are kept for.

use crate::journal::{Appended, SegmentId};

/// The records of a batch that segments of the journal hold until they are settled.
#[derive(Debug, Default)]
pub(in crate::writer) struct Owed {
    parts: Vec<(SegmentId, u64)>,
    /// How many of the records they hold, as far as that can be relied on.
    records: u64,
}

impl Owed {
    pub(in crate::writer) fn add(&mut self, appended: &Appended) {
        for part in &appended.parts {
            self.add_part(part.segment, part.records());
        }
    }

    /// Adds what was written because what was there may not be durable.
    pub(in crate::writer) fn add_again(&mut self, appended: &Appended) {
        self.records = 0;
        self.add(appended);
    }

    /// Adds what is owed for other records.
    pub(in crate::writer) fn join(&mut self, other: Self) {
        self.parts.extend(other.parts);
        self.records += other.records;
    }

    pub(super) fn add_part(&mut self, segment: SegmentId, records: u64) {
        self.parts.push((segment, records));
        self.records += records;
    }

    /// How many records are on disk.
    pub(in crate::writer) fn records(&self) -> u64 {
        self.records
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = (SegmentId, u64)> {
        self.parts.iter().copied()
    }
}
