//! How the writer's two ends are, for whoever asks: the store and the disk.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What the writer has last seen. Written by the writer, read by its handles.
#[derive(Debug, Default)]
pub(super) struct Condition {
    store_fails: AtomicBool,
    journal_state: AtomicU8,
    is_behind: AtomicBool,
    journal_bytes: AtomicU64,
    journal_records: AtomicU64,
    last_loss: Mutex<Option<Instant>>,
}

/// How the journal took what was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum JournalState {
    Works,
    Full,
    Fails,
}

/// A loss counts as present for so long.
const RECENT: Duration = Duration::from_secs(60);

impl Condition {
    pub(super) fn store_works(&self, works: bool) {
        self.store_fails.store(!works, Ordering::Relaxed);
    }

    pub(super) fn is_store_failing(&self) -> bool {
        self.store_fails.load(Ordering::Relaxed)
    }

    pub(super) fn journal_works(&self, state: JournalState) {
        self.journal_state.store(state as u8, Ordering::Relaxed);
    }

    pub(super) fn is_journal(&self, state: JournalState) -> bool {
        self.journal_state.load(Ordering::Relaxed) == state as u8
    }

    pub(super) fn journal_holds(&self, bytes: u64, records: u64, is_behind: bool) {
        self.journal_bytes.store(bytes, Ordering::Relaxed);
        self.journal_records.store(records, Ordering::Relaxed);
        self.is_behind.store(is_behind, Ordering::Relaxed);
    }

    pub(super) fn journal_bytes(&self) -> u64 {
        self.journal_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn journal_records(&self) -> u64 {
        self.journal_records.load(Ordering::Relaxed)
    }

    pub(super) fn is_behind(&self) -> bool {
        self.is_behind.load(Ordering::Relaxed)
    }

    pub(super) fn loses(&self) {
        *self.lock() = Some(Instant::now());
    }

    pub(super) fn has_lost_lately(&self) -> bool {
        self.lock().is_some_and(|time| time.elapsed() < RECENT)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        // Nothing that runs under the lock can leave the value half changed.
        self.last_loss
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
