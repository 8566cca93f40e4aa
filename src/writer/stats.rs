//! What the writer has done so far.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::budget::CaptureBudget;
use super::condition::Condition;
use super::losses::Loss;
use super::queue::Queue;
use crate::EventId;

/// A snapshot of what became of the events so far.
///
/// `offered = stored + quarantined + dropped + pending` always holds.
/// The trail's own gap events are counted like any others.
///
/// The numbers are about the events that were offered to this process. What
/// another process, or this one before its last start, has set aside is part
/// of [`Quarantine::count`](crate::Quarantine::count) and of nothing here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Events that were offered, from requests and by hand.
    pub offered: u64,
    /// Records that the store has confirmed.
    pub stored: u64,
    /// Records that were set aside because the store refuses them, less those
    /// that were requeued or discarded here since; these are stored, or dropped.
    pub quarantined: u64,
    /// Events that are lost, for any reason.
    pub dropped: u64,
    /// Of the dropped ones: the queue was full.
    pub dropped_queue_full: u64,
    /// Of the dropped ones: the queue was full, and the requests that they
    /// are about were refused for that reason, by [`Overflow::Reject`](crate::Overflow::Reject).
    pub dropped_request_refused: u64,
    /// Of the dropped ones: they came after the shutdown.
    pub dropped_closed: u64,
    /// Of the dropped ones: the store refused the record for good and had no room to set it aside.
    pub dropped_rejected: u64,
    /// Of the dropped ones: they could not be turned into a record.
    pub dropped_unreadable: u64,
    /// Of the dropped ones: they were pending when the shutdown's time was over.
    pub dropped_shutdown_timeout: u64,
    /// Of the dropped ones: somebody deleted the record from the quarantine.
    pub dropped_discarded: u64,
    /// Of the dropped ones: they were in the journal only, in a part that is damaged or that somebody has removed.
    pub dropped_journal_damaged: u64,
    /// Events on their way, in memory or in the journal. What an earlier
    /// process left in the journal counts from when it is read back.
    pub pending: u64,
    /// Of the pending ones: those in the queue.
    pub queued: u64,
    /// Bytes in the queue.
    pub queued_bytes: u64,
    /// Attempts to store a batch, or to set a record aside, that failed.
    pub failed_attempts: u64,
    /// Records in the journal that are not settled yet: pending ones that it
    /// holds, and copies of those in memory.
    pub journal_records: u64,
    /// Bytes of the journal on disk, at most the
    /// [`journal_max_bytes`](crate::AuditorBuilder::journal_max_bytes).
    pub journal_bytes: u64,
    /// Bytes of memory that hold bodies of requests in flight, at most the
    /// [`capture_budget`](crate::AuditorBuilder::capture_budget).
    pub capture_bytes: u64,
    /// Bodies of which only a part or nothing was kept because that budget was spent.
    pub captures_refused: u64,
}

impl Stats {
    /// The same with what the journal and the bodies in flight take.
    pub(super) fn with(self, condition: &Condition, capture_budget: &CaptureBudget) -> Self {
        Self {
            journal_records: condition.journal_records(),
            journal_bytes: condition.journal_bytes(),
            capture_bytes: capture_budget.held(),
            captures_refused: capture_budget.refused(),
            ..self
        }
    }
}

impl fmt::Display for Stats {
    /// `offered=N stored=N quarantined=N dropped=N pending=N`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            offered,
            stored,
            quarantined,
            dropped,
            pending,
            ..
        } = self;
        write!(
            f,
            "offered={offered} stored={stored} quarantined={quarantined} dropped={dropped} pending={pending}"
        )
    }
}

/// The counters behind [`Stats`]. The queue counts what it is offered, the writer the rest.
#[derive(Debug, Default)]
pub(super) struct Counters {
    own: AtomicU64,
    stored: AtomicU64,
    failed_attempts: AtomicU64,
    dropped: [AtomicU64; Loss::ALL.len()],
    quarantined: Mutex<SetAside>,
}

/// The records that this process has set aside.
#[derive(Debug, Default)]
struct SetAside {
    /// Those whose later fate can be told, and how often each came: the
    /// journal may bring a record more than once.
    ids: HashMap<EventId, u64>,
    /// How many there are in all.
    records: u64,
}

/// How many of them are known by their ids: 32 bytes each.
const REMEMBERED: usize = 100_000;

impl Counters {
    /// Counts events that the writer itself offers, or finds on disk from an earlier process.
    pub(super) fn own_events(&self, count: u64) {
        self.own.fetch_add(count, Ordering::Release);
    }

    pub(super) fn stored(&self, count: u64) {
        self.stored.fetch_add(count, Ordering::Release);
    }

    pub(super) fn dropped(&self, loss: Loss, count: u64) {
        self.dropped[loss as usize].fetch_add(count, Ordering::Release);
    }

    pub(super) fn quarantined(&self, id: EventId) {
        let mut set_aside = self.set_aside();
        set_aside.records += 1;
        if set_aside.ids.len() < REMEMBERED {
            *set_aside.ids.entry(id).or_default() += 1;
        }
    }

    pub(super) fn has_quarantined(&self) -> bool {
        self.set_aside().records > 0
    }

    /// Counts as stored what this process has set aside and somebody has requeued.
    pub(super) fn requeued(&self, ids: &[EventId]) {
        self.stored(self.forget(ids));
    }

    /// Counts as dropped what this process has set aside and somebody has discarded.
    pub(super) fn discarded(&self, ids: &[EventId]) {
        self.dropped(Loss::Discarded, self.forget(ids));
    }

    fn forget(&self, ids: &[EventId]) -> u64 {
        let mut set_aside = self.set_aside();
        let known = ids.iter().filter_map(|id| set_aside.ids.remove(id)).sum();
        set_aside.records -= known;
        known
    }

    fn set_aside(&self) -> MutexGuard<'_, SetAside> {
        // Nothing that runs under the lock can leave the numbers half changed.
        self.quarantined
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn failed_attempt(&self) {
        self.failed_attempts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self, queue: &Queue) -> Stats {
        // What has been settled is read before what was offered: an event
        // between the two reads counts as pending, never twice.
        let stored = self.stored.load(Ordering::Acquire);
        let mut dropped = Loss::ALL.map(|loss| self.dropped[loss as usize].load(Ordering::Acquire));
        // After those, too: what moves to them from here is missing for a moment, never there twice.
        let quarantined = self.set_aside().records;
        let gauge = queue.gauge();
        let offered = gauge.offered + self.own.load(Ordering::Acquire);
        for loss in [Loss::QueueFull, Loss::RequestRefused, Loss::Closed] {
            dropped[loss as usize] += gauge.lost[loss as usize];
        }
        let total: u64 = dropped.iter().sum();
        Stats {
            offered,
            stored,
            quarantined,
            dropped: total,
            dropped_queue_full: dropped[Loss::QueueFull as usize],
            dropped_request_refused: dropped[Loss::RequestRefused as usize],
            dropped_closed: dropped[Loss::Closed as usize],
            dropped_rejected: dropped[Loss::Rejected as usize],
            dropped_unreadable: dropped[Loss::Unreadable as usize],
            dropped_shutdown_timeout: dropped[Loss::ShutdownTimeout as usize],
            dropped_discarded: dropped[Loss::Discarded as usize],
            dropped_journal_damaged: dropped[Loss::JournalDamaged as usize],
            pending: offered - (stored + quarantined + total),
            queued: gauge.queued,
            queued_bytes: gauge.queued_bytes,
            failed_attempts: self.failed_attempts.load(Ordering::Relaxed),
            // Known elsewhere.
            journal_records: 0,
            journal_bytes: 0,
            capture_bytes: 0,
            captures_refused: 0,
        }
    }
}
