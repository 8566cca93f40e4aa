//! Records on disk: ahead of the store, or where memory has no room for them.

mod owed;
mod unfinished;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub(super) use self::owed::Owed;
use super::condition::{Condition, JournalState};
use super::durability::Durability;
use super::log_limit::LogLimit;
use crate::journal::{
    Adopted, Appended, Backlog, Damage, Journal, Recovery, SegmentId, SyncHandle, Synced,
};
use crate::store::Batch;
use crate::{Error, EventId, Record};

/// The journal as the writer uses it, if there is one.
///
/// A trail is *behind* while records wait on disk that memory does not hold.
/// Newer records go behind them then, so that all reach the store in order.
pub(super) struct Spool {
    journal: Option<Journal>,
    durability: Durability,
    condition: Arc<Condition>,
    log: LogLimit,
    /// From so many bytes on, what only the disk holds is written without its bodies.
    high_water: u64,
    behind: bool,
    /// Early words of earlier processes, each with its segment, that may be
    /// followed by the event itself.
    unfinished: BTreeMap<EventId, (Record, SegmentId)>,
    /// What was there when the journal was opened.
    found: Option<Recovery>,
    /// Nothing is written before, after a failure.
    retry_at: Option<Instant>,
    /// When what was written is synced next.
    sync_at: Option<Instant>,
}

/// Records read back from disk.
pub(super) struct Chunk {
    pub(super) batch: Batch,
    pub(super) owed: Owed,
    /// Whether an earlier process wrote them.
    pub(super) is_recovered: bool,
    pub(super) damage: Damage,
}

/// How long the journal is left alone after a failure.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Spool {
    /// Without a journal there is no disk: memory is all there is.
    pub(super) fn new(
        journal: Option<(Journal, Recovery)>,
        durability: Durability,
        max_bytes: u64,
        condition: Arc<Condition>,
    ) -> Self {
        let (journal, found) = journal.unzip();
        Self {
            journal,
            found,
            durability,
            condition,
            log: LogLimit::default(),
            high_water: max_bytes / 4 * 3,
            behind: false,
            unfinished: BTreeMap::new(),
            retry_at: None,
            sync_at: None,
        }
    }

    pub(super) fn is_there(&self) -> bool {
        self.journal.is_some()
    }

    pub(super) fn is_behind(&self) -> bool {
        self.behind
    }

    /// Whether records that memory has no room for may be written at once.
    pub(super) fn writes_ahead(&self) -> bool {
        self.journal.is_some() && self.durability.writes_ahead()
    }

    /// Whether it is worth an attempt to write.
    pub(super) fn is_open(&self) -> bool {
        self.journal.is_some() && self.retry_at.is_none_or(|time| time <= Instant::now())
    }

    /// When to look again, after a failure.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Writes records that memory holds as well, where that is asked for.
    /// What cannot be written is as safe as memory is; the condition tells of it.
    pub(super) fn write_ahead(&mut self, records: &[Record]) -> Appended {
        if self.writes_ahead() && self.is_open() {
            self.append(records).0
        } else {
            Appended::default()
        }
    }

    /// Leaves records to the disk alone; gives back those that it has no
    /// room for, and counts those that it never will have.
    pub(super) fn defer(&mut self, mut records: Vec<Record>) -> (Vec<Record>, u64) {
        if self.is_above_high_water() {
            records.iter_mut().for_each(Record::leave_bodies_out);
        }
        let mut lost = 0;
        while !records.is_empty() && self.is_open() {
            let (appended, is_too_large) = self.append(&records);
            if let Some(journal) = &mut self.journal {
                journal.defer(&appended);
            }
            self.behind |= appended.records() > 0;
            records.drain(..appended.records() as usize);
            if is_too_large {
                records.remove(0);
                lost += 1;
            }
        }
        (records, lost)
    }

    fn is_above_high_water(&self) -> bool {
        let bytes = self.journal.as_ref().map_or(0, Journal::bytes);
        bytes > self.high_water
    }

    /// Writes as many of the records as it can, from the first one on. Says
    /// whether the next one is too large for any journal.
    pub(super) fn append(&mut self, records: &[Record]) -> (Appended, bool) {
        // Nothing tells nothing of the disk.
        let Some(journal) = self.journal.as_mut().filter(|_| !records.is_empty()) else {
            return (Appended::default(), false);
        };
        let error = match journal.append(records) {
            Ok(appended) => {
                self.retry_at = None;
                self.condition.journal_works(JournalState::Works);
                return (appended, false);
            }
            Err(error) => error,
        };
        let accepted = error.accepted.clone();
        let is_too_large = error.is_too_large();
        if !is_too_large {
            self.retry_at = Some(Instant::now() + RETRY_AFTER);
            self.condition.journal_works(if error.is_full() {
                JournalState::Full
            } else {
                JournalState::Fails
            });
        }
        let error = error.into_error();
        self.tell(&error, "audit records could not be written to the journal");
        (accepted, is_too_large)
    }

    /// The next records from disk, oldest first. With none left the trail is not behind any more.
    pub(super) fn read(&mut self, max_records: usize, max_bytes: usize) -> Option<Chunk> {
        let journal = self.journal.as_mut()?;
        let Some(backlog) = journal.read_backlog(max_records, max_bytes) else {
            if !self.unfinished.is_empty() {
                return Some(self.take_unfinished(max_records));
            }
            self.behind = false;
            // What was full is empty now; the next write will tell.
            self.retry_at = None;
            self.condition.journal_works(JournalState::Works);
            return None;
        };
        let Backlog {
            segment,
            records,
            damage,
            is_adopted,
        } = backlog;
        let records = if is_adopted {
            self.set_unfinished_aside(segment, records)
        } else {
            records
        };
        let mut owed = Owed::default();
        owed.add_part(segment, records.len() as u64);
        let batch = Batch::new(records);
        Some(Chunk {
            // What another process had in hand may be stored already.
            batch: if is_adopted { batch.recovered() } else { batch },
            owed,
            is_recovered: is_adopted,
            damage,
        })
    }

    /// The records are stored, set aside or lost: nobody needs them on disk any more.
    pub(super) fn settle(&mut self, owed: &Owed) {
        for (segment, records) in owed.parts() {
            self.settle_part(segment, records);
        }
    }

    fn settle_part(&mut self, segment: SegmentId, records: u64) {
        if let Some(journal) = &mut self.journal {
            journal.settle(segment, records);
        }
    }

    /// Ends a segment that nothing is owed to, so that nothing is left to be
    /// read again by another process. To be called when there is nothing to do.
    pub(super) fn tidy(&mut self) {
        if let Some(journal) = &mut self.journal
            && journal.records_pending() == 0
            && journal.bytes() > 0
        {
            journal.rotate();
            if self.condition.is_journal(JournalState::Full) {
                // It is empty now; the next write will tell.
                self.condition.journal_works(JournalState::Works);
            }
        }
    }

    /// Makes the journal's directory again if somebody has removed it. Says then
    /// how many records went with it that were nowhere else.
    pub(super) fn keep_home(&mut self) -> Option<u64> {
        if !self.is_open() {
            return None;
        }
        let error = match self.journal.as_mut()?.keep_home() {
            Ok(lost) => {
                if let Some(records) = lost {
                    tracing::error!(
                        records,
                        "the audit journal's directory was removed by somebody and is made again; records that only it had are lost"
                    );
                }
                return lost;
            }
            Err(error) => error,
        };
        self.retry_at = Some(Instant::now() + RETRY_AFTER);
        self.condition.journal_works(JournalState::Fails);
        self.tell(
            &error,
            "the audit journal's directory was removed by somebody and cannot be made again",
        );
        None
    }

    /// Whether what was written is where the next process will look for it.
    pub(super) fn has_home(&self) -> bool {
        self.journal.as_ref().is_some_and(Journal::has_home)
    }

    /// Gives up what only the disk holds; says how many records that are.
    pub(super) fn forget_deferred(&mut self) -> u64 {
        self.journal.as_mut().map_or(0, Journal::forget_deferred)
    }

    /// When what was written is to be synced, if there is anything.
    pub(super) fn sync_at(&mut self) -> Option<Instant> {
        let interval = self.durability.sync_interval()?;
        if !self.journal.as_ref()?.is_unsynced() {
            self.sync_at = None;
            return None;
        }
        Some(
            *self
                .sync_at
                .get_or_insert_with(|| Instant::now() + interval),
        )
    }

    /// Whether everything that was written is synced. Never again once a sync
    /// was lost with its thread.
    pub(super) fn is_synced(&self) -> bool {
        self.journal.as_ref().is_some_and(Journal::is_synced)
    }

    /// What is to be synced now, on another thread.
    pub(super) fn begin_sync(&mut self) -> Option<SyncHandle> {
        let is_due = self.sync_at().is_some_and(|time| time <= Instant::now());
        if !is_due {
            return None;
        }
        let handle = self.journal.as_mut()?.sync_handle()?;
        self.sync_at = None;
        Some(handle)
    }

    /// Takes note of a sync. After a failure it says that records may not be
    /// durable: those that memory still holds are to be written again.
    pub(super) fn synced(&mut self, synced: Synced) -> bool {
        let Some(journal) = &mut self.journal else {
            return true;
        };
        let Err(error) = journal.synced(synced) else {
            if self.condition.is_journal(JournalState::Fails) {
                self.condition.journal_works(JournalState::Works);
            }
            return true;
        };
        self.condition.journal_works(JournalState::Fails);
        let is_all_settled = error.suspect.is_empty();
        self.tell(&error.into_error(), "the audit journal could not be synced");
        is_all_settled
    }

    /// What the condition and the statistics tell of the journal.
    pub(super) fn measure(&self) {
        if let Some(journal) = &self.journal {
            self.condition
                .journal_holds(journal.bytes(), journal.records_pending(), self.behind);
        }
    }

    /// Takes over what processes have left that are gone; gives those whose
    /// end nobody knows of.
    pub(super) fn adopt(&mut self) -> Vec<Adopted> {
        let Some(journal) = &mut self.journal else {
            return Vec::new();
        };
        let recovery = match self.found.take() {
            Some(recovery) => Ok(recovery),
            None => journal.adopt(),
        };
        self.behind |= journal.unread_segments() > 0;
        let recovery = match recovery {
            Ok(recovery) => recovery,
            Err(error) => {
                self.tell(&error, "the audit journal's directory could not be read");
                return Vec::new();
            }
        };
        if let Some(warning) = recovery.warning() {
            self.tell(&warning, "a part of the audit journal cannot be used");
        }
        recovery.unclean().cloned().collect()
    }

    /// Takes note that the ends of earlier processes are in the trail.
    pub(super) fn recovery_noted(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.recovery_noted();
        }
    }

    /// Leaves what is pending to the next process.
    pub(super) fn close(&mut self) {
        self.measure();
        if let Some(journal) = self.journal.take()
            && let Err(error) = journal.close()
        {
            self.tell(&error, "the audit journal could not be closed");
        }
    }

    fn tell(&self, error: &Error, message: &'static str) {
        if self.log.is_due() {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(code = error.code(), %error, cause, "{message}");
        }
    }
}
