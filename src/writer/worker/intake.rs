//! From the queue into memory, or onto disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::time::Instant;

use super::Loop;
use crate::event::{Event, Timestamp};
use crate::writer::losses::Loss;
use crate::{EventId, Record};

/// Frames that are read in one go; then others on the thread get their turn.
const SLICE: usize = 16;
/// The time for that, should frames be large ones.
const SLICE_TIME: Duration = Duration::from_millis(5);
/// How often losses are told while nothing can be stored, at most.
const TELL_LOSSES_EVERY: Duration = Duration::from_secs(10);

/// Where there is room for records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// In the batch: for so many records, and so many raw bytes.
    Memory(usize, usize),
    Disk,
}

impl Loop {
    /// Where the next records go; nowhere if they have to wait in the queue.
    pub(super) fn room(&self) -> Option<Room> {
        let spool = &self.writer.spool;
        if !self.held.is_empty() {
            return None;
        }
        if !spool.is_behind() && !self.batch.is_full() {
            let (records, bytes) = self.batch.room();
            return Some(Room::Memory(records, bytes));
        }
        let is_asked_for = spool.is_behind()
            || spool.writes_ahead()
            || self.closed
            || self.writer.queue.is_half_full();
        (spool.is_open() && is_asked_for).then_some(Room::Disk)
    }

    /// Reads some frames; says whether there are more that find room.
    pub(super) fn read_slice(&mut self) -> bool {
        self.take_in_held();
        self.note_losses();
        let Some(room) = self.room() else {
            self.tell_refusal();
            return false;
        };
        let (max_records, max_bytes) = match room {
            Room::Memory(records, bytes) => (records.min(SLICE), bytes),
            Room::Disk => (SLICE, usize::MAX),
        };
        let slice_end = Instant::now() + SLICE_TIME;
        let (mut records, mut bytes) = (Vec::with_capacity(max_records), 0);
        let mut more = true;
        while records.len() < max_records && bytes < max_bytes && Instant::now() <= slice_end {
            if self.reading.is_empty() && !self.take_next_shard() {
                more = false;
                break;
            }
            if self.writer.progress.is_some() && self.take_in_staged() {
                continue;
            }
            if let Some((record, size)) = self.read_frame() {
                records.push(record);
                bytes += size;
            }
        }
        self.take_in(records, bytes, room);
        self.flushes.read(&self.read, self.taken);
        more
    }

    /// Takes the frames of the next shard that has any.
    pub(super) fn take_next_shard(&mut self) -> bool {
        let shards = self.read.len();
        for _ in 0..shards {
            self.shard = (self.shard + 1) % shards;
            self.reading = self
                .writer
                .queue
                .take(self.shard, std::mem::take(&mut self.reading));
            if !self.reading.is_empty() {
                return true;
            }
        }
        false
    }

    /// The record of the next frame, and the frame's size.
    pub(super) fn read_frame(&mut self) -> Option<(Record, usize)> {
        let frame = self.reading.next()?;
        self.read[self.shard] += 1;
        let pipeline = &self.writer.pipeline;
        // A bug in a rule costs this one event, never the writer.
        match catch_unwind(AssertUnwindSafe(|| pipeline.record(frame))) {
            Ok(record) => {
                self.taken += 1;
                self.writer.sinks.send(&record);
                Some((record, frame.len()))
            }
            Err(_) => {
                self.lose(Loss::Unreadable, 1);
                None
            }
        }
    }

    /// Counts what will not be stored.
    fn lose(&mut self, loss: Loss, records: u64) {
        if records > 0 {
            self.writer.delivery.counters.dropped(loss, records);
            self.losses.add(loss, records, Timestamp::now());
        }
    }

    /// Counts what only the disk had, and has no more.
    pub(super) fn lose_from_disk(&mut self, records: u64) {
        if records > 0 {
            self.settled += records;
            self.writer.delivery.condition.loses();
            self.lose(Loss::JournalDamaged, records);
        }
    }

    fn take_in(&mut self, records: Vec<Record>, bytes: usize, room: Room) {
        match room {
            Room::Memory(..) => {
                let appended = self.writer.spool.write_ahead(&records);
                if appended.records() < records.len() as u64 {
                    self.tell_failure();
                }
                let ids = self.staged_among(&records[..appended.records() as usize]);
                self.replace_staged(ids);
                self.batch.owe(&appended);
                self.batch.extend(records, bytes, Instant::now());
            }
            Room::Disk => {
                let ids = self.staged_among(&records);
                let (held, lost) = self.writer.spool.defer(records);
                if !held.is_empty() || lost > 0 {
                    self.tell_failure();
                }
                let is_held = |id: &EventId| held.iter().any(|record| record.id == *id);
                self.replace_staged(ids.into_iter().filter(|id| !is_held(id)));
                self.held = held;
                self.settled += lost;
                self.lose(Loss::Unreadable, lost);
            }
        }
    }

    /// Finds room for records that had none.
    fn take_in_held(&mut self) {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() {
            return;
        }
        match self.room() {
            Some(room) => self.take_in(held, 0, room),
            None => self.held = held,
        }
    }

    /// Writes down what was lost, once the store takes records again, and now
    /// and then before, where that is on disk.
    fn note_losses(&mut self) {
        let lost = self.writer.queue.take_losses();
        if !lost.is_empty() {
            self.writer.delivery.condition.loses();
            self.losses.merge(lost);
        }
        if self.losses.is_empty() {
            return;
        }
        let told_lately = self
            .losses_told_at
            .is_some_and(|time| time.elapsed() < TELL_LOSSES_EVERY);
        let waits_for_store =
            self.in_flight.is_some() && (told_lately || !self.writer.spool.writes_ahead());
        let Some(room) = self.room().filter(|_| !waits_for_store) else {
            return;
        };
        self.losses_told_at = Some(Instant::now());
        if self.loss_log.is_due() {
            tracing::error!("audit events were lost; a gap event in the trail tells how many");
        }
        let events: Vec<_> = std::mem::take(&mut self.losses).gap_events().collect();
        let records = events.into_iter().map(|event| self.own_record(event));
        let records: Vec<_> = records.collect();
        self.taken += records.len() as u64;
        self.take_in(records, 0, room);
    }

    pub(super) fn own_record(&mut self, event: Event) -> Record {
        self.writer.delivery.counters.own_events(1);
        let record = self.writer.pipeline.own_record(event);
        self.writer.sinks.send(&record);
        record
    }
}
