//! The handle to the records that the store refuses.

use std::fmt;
use std::sync::Arc;

use super::auditor::Auditor;
use super::losses::{Loss, Losses};
use crate::query::{Page, PageRequest};
use crate::store::{AuditQuarantine, Quarantined};
use crate::{Error, EventId, Timestamp};

/// The records that the store refuses for good and that wait beside the
/// others, for somebody to look at them; made by [`Auditor::quarantine`].
///
/// What is refused, and why, shows in [`list`](Self::list). Once the cause is
/// gone, such as a constraint that somebody added, [`requeue`](Self::requeue)
/// stores what it has kept back. The quarantine is part of the store: it
/// outlives the process, and other processes on the same store see it, too.
///
/// ```no_run
/// # async fn example(auditor: tower_audit::Auditor) -> Result<(), tower_audit::Error> {
/// use tower_audit::PageRequest;
///
/// if let Some(quarantine) = auditor.quarantine() {
///     let page = quarantine.list(&PageRequest::default()).await?;
///     for held in &page.items {
///         println!("{} {} {}", held.record.id, held.reason, held.attempts);
///     }
///     let ids: Vec<_> = page.items.iter().map(|held| held.record.id).collect();
///     let outcome = quarantine.requeue(&ids).await?;
///     println!("{} stored, {} refused again", outcome.stored.len(), outcome.refused.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Quarantine {
    auditor: Auditor,
    store: Arc<dyn AuditQuarantine>,
}

/// Records that are stored in one transaction: each may have a megabyte.
const REQUEUED_AT_ONCE: usize = 100;
/// Records that are deleted in one transaction.
const DISCARDED_AT_ONCE: usize = 1_000;

/// What became of records that were requeued. An id that is in neither list was not held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requeued {
    /// Those that are stored now.
    pub stored: Vec<EventId>,
    /// Those that the store still refuses. They wait on.
    pub refused: Vec<EventId>,
}

impl Auditor {
    /// The records that the store refuses, if it has a place for them. All
    /// stores of this crate have one.
    pub fn quarantine(&self) -> Option<Quarantine> {
        let store = self.inner.quarantine.clone()?;
        let auditor = self.clone();
        Some(Quarantine { auditor, store })
    }
}

impl Quarantine {
    /// A page of the records that are held, newest first, each with all its columns.
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long.
    ///
    /// # Cancel safety
    /// Dropping the future gives the query up; nothing else depends on it.
    pub async fn list(&self, page: &PageRequest) -> Result<Page<Quarantined>, Error> {
        self.store.list(page).await
    }

    /// How many records are held, by whichever process they were refused.
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long.
    ///
    /// # Cancel safety
    /// Dropping the future gives the query up; nothing else depends on it.
    pub async fn count(&self) -> Result<u64, Error> {
        self.store.count().await
    }

    /// Tries to store these records after all. Those that the store takes are
    /// held no longer; those that it still refuses wait on, with one attempt more.
    ///
    /// [`Stats`](crate::Stats) of the process that had set a record aside
    /// count it as stored from then on, if it is that process that requeues it.
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long. What was stored by
    /// then is stored; the call can be repeated with the same ids.
    ///
    /// # Cancel safety
    /// A record is held or stored at any moment. Of a transaction whose end
    /// nobody has seen, [`Stats`](crate::Stats) go on to count the records as quarantined.
    pub async fn requeue(&self, ids: &[EventId]) -> Result<Requeued, Error> {
        let mut outcome = Requeued::default();
        let mut waiting: Vec<&[EventId]> = ids.chunks(REQUEUED_AT_ONCE).rev().collect();
        while let Some(ids) = waiting.pop() {
            let refusal = match self.store.requeue(ids).await {
                Ok(moved) => {
                    self.auditor.inner.counters.requeued(&moved);
                    outcome.stored.extend(moved);
                    continue;
                }
                Err(error) if error.is_rejected() => error,
                Err(error) => return Err(error),
            };
            if let [id] = ids {
                self.store.note_refusal(*id, &refusal).await?;
                outcome.refused.push(*id);
            } else {
                let (first, rest) = ids.split_at(ids.len() / 2);
                waiting.extend([rest, first]);
            }
        }
        Ok(outcome)
    }

    /// Deletes these records for good, and returns how many of them were
    /// held. A gap event tells how many are missing from the trail because
    /// of that; those that this process had set aside count as dropped.
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long. What was deleted by
    /// then is gone; the call can be repeated with the same ids.
    ///
    /// # Cancel safety
    /// What was deleted by then is gone, and the last of it may be told by no gap event.
    pub async fn discard(&self, ids: &[EventId]) -> Result<u64, Error> {
        let mut discarded = 0;
        for ids in ids.chunks(DISCARDED_AT_ONCE) {
            let gone = self.store.discard(ids).await?;
            self.auditor.inner.counters.discarded(&gone);
            let mut losses = Losses::default();
            losses.add(Loss::Discarded, gone.len() as u64, Timestamp::now());
            for event in losses.gap_events() {
                self.auditor.push(event.as_bytes(), Loss::QueueFull);
            }
            discarded += gone.len() as u64;
        }
        Ok(discarded)
    }
}

impl fmt::Debug for Quarantine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quarantine").finish_non_exhaustive()
    }
}
