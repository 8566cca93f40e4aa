//! What was written, made durable.

use tokio::task::JoinHandle;

use super::Loop;
use crate::journal::Synced;
use crate::writer::spool::Owed;

/// The sync under way.
pub(super) struct Syncing {
    pub(super) handle: JoinHandle<Synced>,
    /// How many frames of each shard it covers.
    read: Vec<u64>,
    /// Early words that what it covers has replaced.
    replaced: Owed,
}

impl Loop {
    /// Has what was written synced, if that is due, on a thread where it may take its time.
    pub(super) fn sync(&mut self) {
        if self.syncing.is_none()
            && let Some(handle) = self.writer.spool.begin_sync()
        {
            self.syncing = Some(Syncing {
                handle: tokio::task::spawn_blocking(|| handle.sync()),
                read: self.read.clone(),
                replaced: std::mem::take(&mut self.replaced),
            });
        } else if self.syncing.is_none()
            && let Some(progress) = &self.writer.progress
            && self.writer.spool.is_synced()
        {
            // Nothing was written since, so all that was read is as durable as it will be.
            progress.are_durable(&self.read);
            if !self.sync_failed {
                self.settle_replaced();
            }
        }
    }

    /// Takes note of what became of it; `None` if its thread was lost.
    pub(super) fn synced(&mut self, synced: Option<Synced>) {
        let works = synced.is_some_and(|synced| self.writer.spool.synced(synced));
        self.sync_failed = !works;
        if let Some(Syncing { read, replaced, .. }) = self.syncing.take() {
            if let Some(progress) = &self.writer.progress {
                if works {
                    progress.are_durable(&read);
                } else {
                    progress.have_failed(&self.read);
                }
            }
            if works {
                self.writer.spool.settle(&replaced);
            } else {
                self.replaced.join(replaced);
            }
        }
        if works {
            return;
        }
        self.write_again();
    }

    /// Writes what is still in memory once more, to another segment.
    pub(super) fn write_again(&mut self) {
        let (appended, _) = self.writer.spool.append(self.batch.records());
        self.batch.owe_again(&appended);
        if let Some(in_flight) = &mut self.in_flight {
            let (appended, _) = self.writer.spool.append(&in_flight.batch);
            in_flight.owed.add_again(&appended);
        }
    }
}

/// Waits for the sync under way, if there is one.
pub(super) async fn synced(syncing: &mut Option<Syncing>) -> Option<Synced> {
    match syncing {
        Some(syncing) => (&mut syncing.handle).await.ok(),
        None => std::future::pending().await,
    }
}
