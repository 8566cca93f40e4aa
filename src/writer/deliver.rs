//! One batch on its way into the store, however often that takes.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::backoff::Backoff;
use super::condition::Condition;
use super::log_limit::LogLimit;
use super::losses::{Loss, Losses};
use super::metrics;
use super::stats::Counters;
use crate::event::Timestamp;
use crate::store::{Admission, AuditStore, Batch, Quarantined};
use crate::{Error, Kind};

/// Stores batches, and knows how to go on when that fails.
#[derive(Clone)]
pub(super) struct Delivery {
    pub(super) store: Arc<dyn AuditStore>,
    pub(super) counters: Arc<Counters>,
    pub(super) append_timeout: Duration,
    pub(super) log: Arc<LogLimit>,
    pub(super) condition: Arc<Condition>,
}

/// A task that ends with the wait for it.
struct Attempt<T>(JoinHandle<Result<T, Error>>);

impl<T> Drop for Attempt<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Delivery {
    /// Stores a batch. Returns once every record is stored, set aside or
    /// dropped, and tells what was dropped. While the store fails, it tries
    /// again without end.
    ///
    /// # Cancel safety
    /// The records that were neither stored nor set aside yet are gone with the future.
    pub(super) async fn deliver(self, batch: Batch) -> Losses {
        let mut refused = Vec::new();
        let mut waiting = vec![batch];
        let mut backoff = Backoff::default();
        while let Some(batch) = waiting.pop() {
            if batch.is_empty() {
                continue;
            }
            let started = Instant::now();
            let (batch, result) = self.append(batch).await;
            let error = match result {
                Ok(()) => {
                    self.counters.stored(batch.len() as u64);
                    metrics::stored(batch.len(), started.elapsed());
                    self.condition.store_works(true);
                    backoff = Backoff::default();
                    continue;
                }
                Err(error) => error,
            };
            self.counters.failed_attempt();
            if error.is_rejected() {
                self.condition.store_works(true);
                separate(batch, &error, &mut waiting, &mut refused);
            } else {
                self.condition.store_works(false);
                if self.log.is_due() {
                    tracing::warn!(code = error.code(), %error, records = batch.len(), "audit records could not be stored");
                }
                waiting.push(batch.retry());
                tokio::time::sleep(backoff.next()).await;
            }
        }
        // Last, so that no record that the store takes waits for one that it refuses.
        let mut losses = Losses::default();
        for refused in refused {
            self.set_aside(refused, &mut losses).await;
        }
        losses
    }

    async fn append(&self, batch: Batch) -> (Batch, Result<(), Error>) {
        let (store, shared) = (Arc::clone(&self.store), batch.clone());
        let attempt = self.attempt(async move { store.append(&shared).await });
        let result = attempt.await;
        (batch, result)
    }

    /// One attempt, on a task of its own: a store that panics or hangs costs the attempt and nothing else.
    async fn attempt<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let mut task = Attempt(tokio::spawn(work));
        match timeout(self.append_timeout, &mut task.0).await {
            Ok(Ok(result)) => result,
            // What it panicked with may hold data of a record.
            Ok(Err(_)) => Err(Error::unavailable("the store panicked")),
            Err(_) => Err(Error::timed_out("the store took too long to take a batch")),
        }
    }

    /// Puts a refused record into quarantine, or drops it where there is no room for it.
    async fn set_aside(&self, refused: Quarantined, losses: &mut Losses) {
        let refused = Arc::new(refused);
        let (id, reason) = (refused.record.id, refused.reason.as_str());
        if self.is_held(&refused).await {
            self.counters.quarantined(id);
            if self.log.is_due() {
                tracing::error!(%id, reason, "the store refuses an audit record; it waits in quarantine");
            }
            return;
        }
        if self.log.is_due() {
            tracing::error!(%id, reason, "the store refuses an audit record, and it is lost");
        }
        self.counters.dropped(Loss::Rejected, 1);
        // A gap event about a gap event would never end.
        if refused.record.kind != Kind::Gap {
            losses.add(Loss::Rejected, 1, Timestamp::now());
        }
    }

    /// Whether the quarantine holds the record. An outage is waited for;
    /// but one record must not hold up all others for as long as a right is missing.
    async fn is_held(&self, refused: &Arc<Quarantined>) -> bool {
        let Some(quarantine) = self.store.quarantine() else {
            return false;
        };
        let mut backoff = Backoff::default();
        loop {
            let (quarantine, refused) = (Arc::clone(&quarantine), Arc::clone(refused));
            let put = self.attempt(async move { quarantine.put(&refused).await });
            let error = match put.await {
                Ok(admission) => {
                    self.condition.store_works(true);
                    return admission == Admission::Held;
                }
                Err(error) => error,
            };
            self.counters.failed_attempt();
            if self.log.is_due() {
                tracing::warn!(code = error.code(), %error, "a refused audit record could not be set aside");
            }
            if !error.is_transient() {
                return false;
            }
            self.condition.store_works(false);
            tokio::time::sleep(backoff.next()).await;
        }
    }
}

/// Separates what the store refuses from what it may still take.
fn separate(
    mut batch: Batch,
    refusal: &Error,
    waiting: &mut Vec<Batch>,
    refused: &mut Vec<Quarantined>,
) {
    let named = refusal
        .rejected_index()
        .filter(|index| *index < batch.len());
    let alone = (batch.len() == 1).then_some(0);
    if let Some(index) = named.or(alone) {
        let attempts = batch.attempts().saturating_add(1);
        let record = batch.remove(index);
        refused.push(Quarantined::new(record, refusal, attempts));
        waiting.push(batch.retry());
    } else {
        let (first, second) = batch.retry().split();
        waiting.extend([second, first]);
    }
}
