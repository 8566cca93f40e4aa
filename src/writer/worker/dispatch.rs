//! From memory and disk into the store.

use std::pin::Pin;

use tokio::time::Instant;

use super::Loop;
use crate::event::Timestamp;
use crate::journal::Damage;
use crate::store::Batch;
use crate::writer::losses::{Loss, Losses, gap_of};
use crate::writer::spool::{Chunk, Owed};

/// A batch on its way into the store.
pub(super) struct InFlight {
    delivery: Pin<Box<dyn Future<Output = Losses> + Send>>,
    pub(super) batch: Batch,
    pub(super) owed: Owed,
    /// How many of its records this process has taken in.
    own: u64,
    /// Once it is settled, the trail knows how earlier processes have ended.
    notes_recovery: bool,
}

impl InFlight {
    /// Whether it tells how earlier processes have ended.
    pub(super) fn is_telling(&self) -> bool {
        self.notes_recovery
    }
}

impl Loop {
    /// Sends off what is next, if it is due and nothing is under way. What is
    /// on disk is newer than the batch, and older than what comes into the next one.
    pub(super) fn dispatch(&mut self, more: bool) {
        self.flushes.settled(self.settled);
        if self.in_flight.is_some() {
            return;
        }
        if !self.unclean.is_empty() {
            self.send_unclean_ends();
            return;
        }
        if self.writer.spool.is_behind() {
            if self.batch.is_empty() {
                self.send_chunk();
            } else {
                self.send_batch();
            }
            return;
        }
        let urgent = !more && (self.closed || self.flushes.is_urgent());
        if !self.batch.is_empty() && (urgent || self.batch.is_due(Instant::now())) {
            self.send_batch();
        }
    }

    /// Has the ends of earlier processes stored that nobody was told of.
    fn send_unclean_ends(&mut self) {
        let unclean = std::mem::take(&mut self.unclean);
        let records: Vec<_> = unclean
            .iter()
            .map(|adopted| self.own_record(gap_of(adopted)))
            .collect();
        // They may be stored already: whoever told of them may have ended right
        // after. Nobody waits for them: they go before what was taken in earlier.
        self.send(Batch::new(records).retry(), Owed::default(), 0);
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.notes_recovery = true;
        }
    }

    fn send_batch(&mut self) {
        let (batch, owed) = self.batch.take();
        let own = batch.len() as u64;
        self.send(batch, owed, own);
    }

    /// Sends off the next records from disk, if there are any.
    fn send_chunk(&mut self) {
        let limits = self.batch.limits();
        while let Some(chunk) = self.writer.spool.read(limits.max_size, limits.max_bytes) {
            self.note_damage(&chunk);
            let Chunk {
                batch,
                owed,
                is_recovered,
                ..
            } = chunk;
            if batch.is_empty() {
                continue;
            }
            let records = batch.len() as u64;
            if is_recovered {
                // Whoever wrote them has counted them for the last time.
                self.writer.delivery.counters.own_events(records);
            }
            self.send(batch, owed, if is_recovered { 0 } else { records });
            return;
        }
        self.flushes.settled(self.settled);
    }

    /// Counts what was on disk and cannot be read any more.
    fn note_damage(&mut self, chunk: &Chunk) {
        let Damage { records, bytes, .. } = chunk.damage;
        if records == 0 && bytes == 0 {
            return;
        }
        if self.writer.delivery.log.is_due() {
            tracing::error!(
                records,
                bytes,
                "a part of the audit journal is damaged; its file is kept in quarantine"
            );
        }
        let counters = &self.writer.delivery.counters;
        if chunk.is_recovered {
            counters.own_events(records);
        } else {
            self.settled += records;
        }
        counters.dropped(Loss::JournalDamaged, records);
        self.losses
            .add(Loss::JournalDamaged, records, Timestamp::now());
    }

    fn send(&mut self, batch: Batch, owed: Owed, own: u64) {
        let delivery = self.writer.delivery.clone().deliver(batch.clone());
        self.in_flight = Some(InFlight {
            delivery: Box::pin(delivery),
            batch,
            owed,
            own,
            notes_recovery: false,
        });
    }

    /// The batch under way is stored, set aside or dropped.
    pub(super) fn settle(&mut self, losses: Losses) {
        if let Some(in_flight) = self.in_flight.take() {
            // Where the disk did not take the events, their early words are still there.
            let ids = self.staged_among(&in_flight.batch);
            self.settle_staged(ids);
            self.settled += in_flight.own;
            self.writer.spool.settle(&in_flight.owed);
            if in_flight.notes_recovery {
                self.writer.spool.recovery_noted();
            }
        }
        if !losses.is_empty() {
            self.writer.delivery.condition.loses();
            self.losses.merge(losses);
        }
    }
}

/// Waits for the batch under way, if there is one.
pub(super) async fn settle(in_flight: &mut Option<InFlight>) -> Losses {
    match in_flight {
        Some(in_flight) => in_flight.delivery.as_mut().await,
        None => std::future::pending().await,
    }
}
