//! Records read back, oldest first: those of processes that are gone, and
//! those of our own that are not held in memory any more.

use std::fs::File;
use std::ops::Range;

use super::journal::Journal;
use super::replay::{Damage, SegmentReader};
use super::segments::{Appended, SegmentId};
use crate::Record;

/// Records of one segment.
#[derive(Debug)]
pub(crate) struct Backlog {
    pub(crate) segment: SegmentId,
    /// To be settled with the segment, each of them, sooner or later.
    pub(crate) records: Vec<Record>,
    /// Whether a process that is gone wrote them: they may be stored already.
    pub(crate) is_adopted: bool,
    /// What was found beside them; there is nothing to be settled of it.
    pub(crate) damage: Damage,
}

/// A segment that is being read.
pub(super) struct Reading {
    id: SegmentId,
    /// `None` if the file cannot be opened.
    reader: Option<SegmentReader<File>>,
    /// Which records are to be read; of an adopted segment, all.
    deferred: Option<Vec<Range<u64>>>,
    /// Those of them that have not come yet.
    awaited: u64,
    /// All that was found, for the judgement on the file.
    found: Damage,
}

impl Journal {
    /// Leaves appended records to the journal: the caller does not hold them
    /// any more, and they will come back from [`read_backlog`](Self::read_backlog), once.
    pub(crate) fn defer(&mut self, appended: &Appended) {
        for part in &appended.parts {
            self.segments.defer(part);
        }
    }

    /// The next records to be stored, oldest first: at most `max_records` of
    /// them, and no more once they have `max_bytes` bytes. `None` if there are none now.
    ///
    /// It streams: what is held is one batch and one frame. Damage never
    /// stops it; a batch may bring nothing but word of that.
    pub(crate) fn read_backlog(&mut self, max_records: usize, max_bytes: usize) -> Option<Backlog> {
        loop {
            let mut reading = match self.reading.take() {
                Some(reading) => reading,
                None => self.begin_reading()?,
            };
            let mut backlog = Backlog {
                segment: reading.id,
                records: Vec::new(),
                is_adopted: reading.deferred.is_none(),
                damage: Damage::default(),
            };
            let is_at_end = self.read(&mut reading, &mut backlog, max_records.max(1), max_bytes);
            let is_adopted = backlog.is_adopted;
            if is_adopted {
                self.segments
                    .grew(reading.id, 0, backlog.records.len() as u64);
            }
            if is_at_end {
                if !is_adopted {
                    // What stands between deferred records is held in memory, too: no loss.
                    backlog.damage.records = reading.awaited;
                }
                self.segments
                    .was_read(reading.id, reading.awaited, reading.found);
                self.sweep();
            } else {
                self.reading = Some(reading);
            }
            if !backlog.records.is_empty() || backlog.damage != Damage::default() {
                return Some(backlog);
            }
        }
    }

    fn begin_reading(&mut self) -> Option<Reading> {
        let id = self.segments.next_to_read()?;
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.id == id)
        {
            self.seal();
        }
        let segment = self.segments.get_mut(id)?;
        // What is deferred from now on is for another time.
        let deferred = (!segment.is_unread).then(|| std::mem::take(&mut segment.deferred));
        let awaited = deferred
            .iter()
            .flatten()
            .map(|range| range.end - range.start);
        Some(Reading {
            id,
            awaited: awaited.sum(),
            reader: match SegmentReader::open(&segment.path, &mut self.layouts) {
                Ok(reader) => Some(reader),
                Err(error) => {
                    tracing::warn!(%error, "a segment of the audit journal cannot be opened");
                    None
                }
            },
            deferred,
            found: Damage::default(),
        })
    }

    /// Reads records into a batch; says whether the segment is at its end.
    fn read(
        &mut self,
        reading: &mut Reading,
        backlog: &mut Backlog,
        max_records: usize,
        max_bytes: usize,
    ) -> bool {
        let mut bytes = 0;
        let mut is_at_end = false;
        while !is_at_end && backlog.records.len() < max_records && bytes < max_bytes.max(1) {
            let next = match &mut reading.reader {
                Some(reader) => reader.next(&self.layouts),
                None => Err(std::io::ErrorKind::NotFound.into()),
            };
            match next {
                Ok(None) => is_at_end = true,
                Ok(Some(replayed)) if reading.wants(replayed.sequence) => {
                    bytes += replayed.bytes;
                    backlog.records.push(replayed.record);
                }
                Ok(Some(_)) => {}
                Err(error) => {
                    tracing::warn!(%error, "a segment of the audit journal cannot be read to its end");
                    let size = self
                        .segments
                        .get(reading.id)
                        .map_or(0, |segment| segment.bytes);
                    let read = reading.reader.as_ref().map_or(0, SegmentReader::consumed);
                    backlog.damage.bytes += size.saturating_sub(read);
                    backlog.damage.records += 1;
                    is_at_end = true;
                }
            }
        }
        if let Some(reader) = &mut reading.reader {
            backlog.damage.add(reader.take_damage());
        }
        reading.found.add(backlog.damage);
        if reading.deferred.is_some() {
            // Counted at the end, when it is known which did not come.
            backlog.damage.records = 0;
        }
        is_at_end
    }
}

impl Reading {
    /// Whether a record is to be read, which then has come.
    fn wants(&mut self, sequence: u64) -> bool {
        let Some(deferred) = &self.deferred else {
            return true;
        };
        let is_deferred = deferred.iter().any(|range| range.contains(&sequence));
        self.awaited = self.awaited.saturating_sub(u64::from(is_deferred));
        is_deferred
    }
}
