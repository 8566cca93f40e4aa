//! Which segments there are, and what is still owed to each. Plain data.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

use super::replay::Damage;
use crate::EventId;

/// A segment. Older ones come first: by the age of their process, then by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SegmentId {
    pub(super) home: EventId,
    pub(super) number: u64,
}

/// Records that were appended to one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) segment: SegmentId,
    /// One for each record, in order.
    pub(crate) sequences: Range<u64>,
}

/// Where records were appended to, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) parts: Vec<Part>,
}

/// All segments of this process and of those that it has adopted.
#[derive(Default)]
pub(super) struct Segments {
    all: BTreeMap<SegmentId, Segment>,
    /// Those that nothing is owed to any more.
    done: BTreeSet<SegmentId>,
    bytes: u64,
    pending: u64,
}

/// What is known of one segment.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// Records that are not settled yet, as far as known.
    pub(super) pending: u64,
    /// Nothing is written to it any more.
    pub(super) is_sealed: bool,
    /// Nobody knows its records before it has been read to the end.
    pub(super) is_unread: bool,
    /// It is to be kept for somebody to look at.
    pub(super) is_damaged: bool,
    /// Pending records that are to be read back.
    pub(super) deferred: Vec<Range<u64>>,
    /// Its fsync has failed, and somebody was told.
    pub(super) is_suspect: bool,
    /// Its removal has failed, and somebody was told.
    pub(super) is_stuck: bool,
}

impl Part {
    pub(crate) fn records(&self) -> u64 {
        self.sequences.end - self.sequences.start
    }
}

impl Appended {
    /// How many records.
    pub(crate) fn records(&self) -> u64 {
        self.parts.iter().map(Part::records).sum()
    }

    pub(super) fn push(&mut self, part: Part) {
        match self.parts.last_mut() {
            Some(last) if last.segment == part.segment => last.sequences.end = part.sequences.end,
            _ => self.parts.push(part),
        }
    }
}

impl Segments {
    /// Adds a segment that is being written.
    pub(super) fn begin(&mut self, id: SegmentId, path: PathBuf) {
        self.insert(id, path, 0, false);
    }

    /// Adds a segment of a process that is gone.
    pub(super) fn adopt(&mut self, id: SegmentId, path: PathBuf, bytes: u64) {
        self.insert(id, path, bytes, true);
    }

    fn insert(&mut self, id: SegmentId, path: PathBuf, bytes: u64, is_adopted: bool) {
        self.bytes += bytes;
        let segment = Segment {
            path,
            bytes,
            pending: 0,
            is_sealed: is_adopted,
            is_unread: is_adopted,
            is_damaged: false,
            deferred: Vec::new(),
            is_suspect: false,
            is_stuck: false,
        };
        self.all.insert(id, segment);
    }

    /// Counts what was written to a segment.
    pub(super) fn grew(&mut self, id: SegmentId, bytes: u64, records: u64) {
        if let Some(segment) = self.all.get_mut(&id) {
            segment.bytes += bytes;
            segment.pending += records;
            self.bytes += bytes;
            self.pending += records;
        }
    }

    pub(super) fn seal(&mut self, id: SegmentId) {
        self.change(id, |segment| segment.is_sealed = true);
    }

    /// Counts records as settled; says whether that many were pending.
    pub(super) fn settle(&mut self, id: SegmentId, records: u64) -> bool {
        let Some(segment) = self.all.get_mut(&id) else {
            return records == 0;
        };
        let settled = records.min(segment.pending);
        segment.pending -= settled;
        self.pending -= settled;
        self.change(id, |_| {});
        settled == records
    }

    /// Marks pending records as to be read back.
    pub(super) fn defer(&mut self, part: &Part) {
        let sequences = part.sequences.clone();
        self.change(part.segment, |segment| match segment.deferred.last_mut() {
            Some(last) if last.end == sequences.start => last.end = sequences.end,
            _ => segment.deferred.push(sequences),
        });
    }

    /// Gives up what was to be read back from the segments of one process;
    /// says how many records that were.
    pub(super) fn forget_deferred(&mut self, home: EventId) -> u64 {
        let mut forgotten = 0;
        let ids: Vec<_> = self.of(home).map(|(id, _)| *id).collect();
        for id in ids {
            let Some(segment) = self.all.get_mut(&id) else {
                continue;
            };
            let deferred = std::mem::take(&mut segment.deferred);
            let records = deferred.iter().map(|range| range.end - range.start).sum();
            self.settle(id, records);
            forgotten += records;
        }
        forgotten
    }

    /// The oldest segment that there is something to be read of.
    pub(super) fn next_to_read(&self) -> Option<SegmentId> {
        let waits = |segment: &Segment| segment.is_unread || !segment.deferred.is_empty();
        self.all
            .iter()
            .find(|(_, segment)| waits(segment))
            .map(|(id, _)| *id)
    }

    /// Takes note that a segment was read to the end: `missing` of the records
    /// that should have been there were not.
    pub(super) fn was_read(&mut self, id: SegmentId, missing: u64, damage: Damage) {
        self.change(id, |segment| {
            segment.is_unread = false;
            segment.is_damaged |= damage.is_serious();
        });
        self.settle(id, missing);
    }

    fn change(&mut self, id: SegmentId, change: impl FnOnce(&mut Segment)) {
        let Some(segment) = self.all.get_mut(&id) else {
            return;
        };
        change(segment);
        let is_owed = segment.pending > 0 || segment.is_unread || !segment.deferred.is_empty();
        if segment.is_sealed && !is_owed {
            self.done.insert(id);
        }
    }

    /// Segments that nothing is owed to any more, and which may go.
    pub(super) fn done(&self) -> Vec<SegmentId> {
        self.done.iter().copied().collect()
    }

    pub(super) fn remove(&mut self, id: SegmentId) {
        self.done.remove(&id);
        if let Some(segment) = self.all.remove(&id) {
            self.bytes -= segment.bytes;
            self.pending -= segment.pending;
        }
    }

    pub(super) fn get(&self, id: SegmentId) -> Option<&Segment> {
        self.all.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: SegmentId) -> Option<&mut Segment> {
        self.all.get_mut(&id)
    }

    /// The segments of one process.
    pub(super) fn of(&self, home: EventId) -> impl Iterator<Item = (&SegmentId, &Segment)> {
        let first = SegmentId { home, number: 0 };
        let last = SegmentId {
            home,
            number: u64::MAX,
        };
        self.all.range(first..=last)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn pending(&self) -> u64 {
        self.pending
    }

    pub(super) fn unread(&self) -> usize {
        self.all
            .values()
            .filter(|segment| segment.is_unread)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> SegmentId {
        SegmentId {
            home: EventId::from_bits(1),
            number,
        }
    }

    fn part(number: u64, sequences: Range<u64>) -> Part {
        Part {
            segment: id(number),
            sequences,
        }
    }

    #[test]
    fn a_segment_is_done_once_it_is_sealed_and_settled() {
        let mut segments = Segments::default();
        segments.begin(id(1), PathBuf::new());
        segments.grew(id(1), 100, 2);
        assert!(segments.settle(id(1), 2) && segments.done().is_empty());
        segments.grew(id(1), 50, 1);
        segments.seal(id(1));
        assert_eq!((segments.bytes(), segments.pending()), (150, 1));
        assert!(segments.done().is_empty());
        assert!(!segments.settle(id(1), 2));
        assert_eq!(segments.done(), [id(1)]);
        segments.remove(id(1));
        assert_eq!((segments.bytes(), segments.pending()), (0, 0));
        assert!(segments.done().is_empty() && !segments.settle(id(1), 1));
    }

    #[test]
    fn an_adopted_segment_is_done_once_it_is_read_and_settled() {
        let mut segments = Segments::default();
        segments.adopt(id(1), PathBuf::new(), 100);
        assert_eq!(segments.next_to_read(), Some(id(1)));
        segments.grew(id(1), 0, 3);
        segments.settle(id(1), 3);
        assert!(segments.done().is_empty());
        segments.was_read(id(1), 0, Damage::default());
        assert_eq!(
            (segments.next_to_read(), segments.done()),
            (None, vec![id(1)])
        );
    }

    #[test]
    fn deferred_records_keep_their_segment_and_missing_ones_do_not() {
        let mut segments = Segments::default();
        segments.begin(id(1), PathBuf::new());
        segments.grew(id(1), 100, 4);
        segments.seal(id(1));
        segments.defer(&part(1, 0..1));
        segments.defer(&part(1, 1..2));
        segments.defer(&part(1, 3..4));
        let deferred = std::mem::take(&mut segments.get_mut(id(1)).unwrap().deferred);
        assert_eq!(deferred, [0..2, 3..4]);
        segments.settle(id(1), 3);
        segments.was_read(id(1), 1, Damage::default());
        assert_eq!(segments.done(), [id(1)]);
    }

    #[test]
    fn the_oldest_is_read_first_by_process_and_then_by_number() {
        let mut segments = Segments::default();
        let younger = SegmentId {
            home: EventId::from_bits(2),
            number: 1,
        };
        for id in [younger, id(9), id(10)] {
            segments.adopt(id, PathBuf::new(), 0);
        }
        for expected in [id(9), id(10), younger] {
            assert_eq!(segments.next_to_read(), Some(expected));
            segments.was_read(expected, 0, Damage::default());
        }
        assert_eq!(segments.unread(), 0);
    }
}
