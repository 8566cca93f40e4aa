//! One batch on its way into the store, however often that takes.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::backoff::Backoff;
use super::log_limit::LogLimit;
use super::losses::{Loss, Losses};
use super::stats::Counters;
use crate::event::Timestamp;
use crate::store::{AuditStore, Batch};
use crate::{Error, Kind, Record};

/// Stores batches, and knows how to go on when that fails.
#[derive(Clone)]
pub(super) struct Delivery {
    pub(super) store: Arc<dyn AuditStore>,
    pub(super) counters: Arc<Counters>,
    pub(super) append_timeout: Duration,
    pub(super) log: Arc<LogLimit>,
}

/// A task that ends with the wait for it.
struct Attempt(JoinHandle<Result<(), Error>>);

impl Drop for Attempt {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Delivery {
    /// Stores a batch. Returns once every record is stored or refused for
    /// good, and tells what was refused. While the store fails, it tries
    /// again without end.
    ///
    /// # Cancel safety
    /// The records that were not stored yet are gone with the future.
    pub(super) async fn deliver(self, batch: Batch) -> Losses {
        let mut refused = Losses::default();
        let mut waiting = vec![batch];
        let mut backoff = Backoff::default();
        while let Some(batch) = waiting.pop() {
            if batch.is_empty() {
                continue;
            }
            let (batch, result) = self.attempt(batch).await;
            let error = match result {
                Ok(()) => {
                    self.counters.stored(batch.len() as u64);
                    backoff = Backoff::default();
                    continue;
                }
                Err(error) => error,
            };
            self.counters.failed_attempt();
            if self.log.is_due() {
                tracing::warn!(code = error.code(), %error, records = batch.len(), "audit records could not be stored");
            }
            if error.is_rejected() {
                self.set_aside(batch, error.rejected_index(), &mut waiting, &mut refused);
            } else {
                waiting.push(batch.retry());
                tokio::time::sleep(backoff.next()).await;
            }
        }
        refused
    }

    /// One attempt, on a task of its own: a store that panics or hangs costs the attempt and nothing else.
    async fn attempt(&self, batch: Batch) -> (Batch, Result<(), Error>) {
        let batch = Arc::new(batch);
        let (store, shared) = (Arc::clone(&self.store), Arc::clone(&batch));
        let mut task = Attempt(tokio::spawn(async move { store.append(&shared).await }));
        let result = match timeout(self.append_timeout, &mut task.0).await {
            Ok(Ok(result)) => result,
            // What it panicked with may hold data of a record.
            Ok(Err(_)) => Err(Error::unavailable("the store panicked")),
            Err(_) => Err(Error::timed_out("the store took too long to take a batch")),
        };
        drop(task);
        (Arc::unwrap_or_clone(batch), result)
    }

    /// Separates what the store refuses from what it may still take.
    fn set_aside(
        &self,
        mut batch: Batch,
        index: Option<usize>,
        waiting: &mut Vec<Batch>,
        refused: &mut Losses,
    ) {
        match index.filter(|index| *index < batch.len()) {
            Some(index) => {
                let record = batch.remove(index);
                self.refuse(&record, refused);
                waiting.push(batch.retry());
            }
            None if batch.len() == 1 => {
                let record = batch.remove(0);
                self.refuse(&record, refused);
            }
            None => {
                let (first, second) = batch.retry().split();
                waiting.extend([second, first]);
            }
        }
    }

    fn refuse(&self, record: &Record, refused: &mut Losses) {
        if self.log.is_due() {
            tracing::error!(id = %record.id, "the store refuses an audit record for good");
        }
        self.counters.dropped(Loss::Rejected, 1);
        // A gap event about a gap event would never end.
        if record.kind != Kind::Gap {
            refused.add(Loss::Rejected, 1, Timestamp::now());
        }
    }
}
