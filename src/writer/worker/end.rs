//! What becomes of what is pending at the end.

use super::{Command, Loop};
use crate::Record;
use crate::writer::losses::Loss;
use crate::writer::queue::Frames;
use crate::writer::spool::Owed;

/// Records that are written to disk in one go.
const SAVED_AT_ONCE: usize = 256;

impl Loop {
    pub(super) async fn end(&mut self) {
        if self.aborted {
            if self.writer.spool.is_there() {
                self.save_the_rest();
            } else {
                self.give_up_the_rest();
            }
        }
        if let Some(syncing) = &mut self.syncing {
            // On its own thread; the journal cannot be closed before it is told.
            let synced = (&mut syncing.handle).await.ok();
            self.synced(synced);
        }
        if !self.aborted {
            // What has replaced them is in the store.
            self.settle_replaced();
        }
        self.writer.spool.close();
        self.answer_the_rest();
    }

    /// Writes to disk what is only in memory. What finds no room there is lost.
    fn save_the_rest(&mut self) {
        let mut lost = 0;
        self.keep_home();
        if !self.writer.spool.has_home() {
            // It may only just be back when they are written.
            self.disown();
        }
        if let Some(in_flight) = self.in_flight.take() {
            lost += self.save(&in_flight.batch, &in_flight.owed);
        }
        let (batch, owed) = self.batch.take();
        lost += self.save(&batch, &owed);
        let mut rest = std::mem::take(&mut self.held);
        loop {
            let is_empty = self.reading.is_empty() && !self.take_next_shard();
            if is_empty || rest.len() >= SAVED_AT_ONCE {
                lost += self.save(&rest, &Owed::default());
                rest.clear();
            }
            if is_empty {
                break;
            }
            if self.writer.progress.is_some() && self.take_in_staged() {
                continue;
            }
            rest.extend(self.read_frame().map(|(record, _)| record));
        }
        lost += self.save_losses();
        if !self.writer.spool.has_home() {
            lost += self.writer.spool.forget_deferred();
        }
        let counters = &self.writer.delivery.counters;
        // Of the batch under way some may be stored although its fate is not known.
        let pending = counters.snapshot(&self.writer.queue).pending;
        self.give_up(lost.min(pending));
    }

    /// Writes to disk what the trail was not told of yet that was lost; says how much of that has no room.
    fn save_losses(&mut self) -> u64 {
        self.losses.merge(self.writer.queue.take_losses());
        let events: Vec<_> = std::mem::take(&mut self.losses).gap_events().collect();
        let records = events.into_iter().map(|event| self.own_record(event));
        let records: Vec<_> = records.collect();
        self.save(&records, &Owed::default())
    }

    /// Writes records to disk unless they are there; says how many may not be.
    /// Some may be there twice then, or stored too, which does no harm.
    fn save(&mut self, records: &[Record], owed: &Owed) -> u64 {
        let count = records.len() as u64;
        if owed.records() >= count {
            return 0;
        }
        count - self.writer.spool.append(records).0.records()
    }

    /// Counts what is still pending as lost.
    fn give_up_the_rest(&mut self) {
        self.in_flight = None;
        for shard in 0..self.read.len() {
            self.writer.queue.take(shard, Frames::default());
        }
        let counters = &self.writer.delivery.counters;
        let pending = counters.snapshot(&self.writer.queue).pending;
        self.give_up(pending);
    }

    fn give_up(&mut self, events: u64) {
        if events == 0 {
            return;
        }
        self.writer
            .delivery
            .counters
            .dropped(Loss::ShutdownTimeout, events);
        tracing::error!(
            events,
            "audit events were lost at the end of the shutdown's time"
        );
    }

    /// Answers who has asked for a flush in the meantime: nothing is pending any more.
    fn answer_the_rest(&mut self) {
        if self.aborted {
            // They are told by their channel's end that not everything was stored.
            return;
        }
        self.writer.commands.close();
        while let Ok(command) = self.writer.commands.try_recv() {
            if let Command::Flush(caller) = command {
                // A caller that does not wait any more misses nothing.
                let _ = caller.send(());
            }
        }
    }
}
