//! When a batch is complete: by count, by bytes, or by age.

use std::time::Duration;

use tokio::time::Instant;

use super::spool::Owed;
use crate::Record;
use crate::journal::Appended;
use crate::store::Batch;

/// The limits of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchLimits {
    pub(super) max_size: usize,
    pub(super) max_bytes: usize,
    pub(super) max_delay: Duration,
}

/// A batch that is being gathered.
#[derive(Debug)]
pub(super) struct BatchBuilder {
    limits: BatchLimits,
    records: Vec<Record>,
    bytes: usize,
    since: Option<Instant>,
    owed: Owed,
}

impl BatchBuilder {
    pub(super) fn new(limits: BatchLimits) -> Self {
        Self {
            limits,
            records: Vec::new(),
            bytes: 0,
            since: None,
            owed: Owed::default(),
        }
    }

    /// Adds records that came from `bytes` raw bytes.
    pub(super) fn extend(&mut self, records: Vec<Record>, bytes: usize, now: Instant) {
        if !records.is_empty() {
            self.since.get_or_insert(now);
        }
        self.records.extend(records);
        self.bytes += bytes;
    }

    /// Takes note that records of this batch are on disk, too.
    pub(super) fn owe(&mut self, appended: &Appended) {
        self.owed.add(appended);
    }

    /// What of this batch is on disk, which then is nobody's note any more.
    pub(super) fn take_owed(&mut self) -> Owed {
        std::mem::take(&mut self.owed)
    }

    /// Takes note that these alone are on disk: the first records of this batch.
    pub(super) fn owe_again(&mut self, appended: &Appended) {
        self.owed.add_again(appended);
    }

    /// The records so far.
    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    /// How many records and raw bytes there is room for.
    pub(super) fn room(&self) -> (usize, usize) {
        (
            self.limits.max_size.saturating_sub(self.records.len()),
            self.limits.max_bytes.saturating_sub(self.bytes),
        )
    }

    pub(super) fn limits(&self) -> BatchLimits {
        self.limits
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        let (records, bytes) = self.room();
        records == 0 || bytes == 0
    }

    /// When the oldest record has waited long enough.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.since.map(|since| since + self.limits.max_delay)
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.is_full() || self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// The batch, and what of it is on disk.
    pub(super) fn take(&mut self) -> (Batch, Owed) {
        self.bytes = 0;
        self.since = None;
        let batch = Batch::new(std::mem::take(&mut self.records));
        (batch, std::mem::take(&mut self.owed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Sanitizer};

    fn builder() -> BatchBuilder {
        BatchBuilder::new(BatchLimits {
            max_size: 3,
            max_bytes: 100,
            max_delay: Duration::from_millis(200),
        })
    }

    fn record() -> Record {
        Sanitizer::default().record(Event::activity("test"))
    }

    #[test]
    fn a_batch_is_due_by_count() {
        let (mut builder, now) = (builder(), Instant::now());
        for _ in 0..2 {
            builder.extend(vec![record()], 1, now);
            assert!(!builder.is_due(now));
        }
        builder.extend(vec![record()], 1, now);
        assert!(builder.is_due(now));
        assert_eq!(builder.take().0.len(), 3);
        assert!(builder.is_empty() && !builder.is_due(now));
    }

    #[test]
    fn a_batch_is_due_by_bytes() {
        let (mut builder, now) = (builder(), Instant::now());
        builder.extend(vec![record()], 100, now);
        assert!(builder.is_due(now));
    }

    #[test]
    fn a_batch_is_due_when_its_oldest_record_is() {
        let (mut builder, now) = (builder(), Instant::now());
        builder.extend(vec![record()], 1, now);
        builder.extend(vec![record()], 1, now + Duration::from_millis(150));
        assert!(!builder.is_due(now + Duration::from_millis(199)));
        assert!(builder.is_due(now + Duration::from_millis(200)));
    }
}
