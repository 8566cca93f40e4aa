//! What the tests share.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tower_audit::store::{Admission, Batch};
use tower_audit::{
    AuditQuarantine, AuditReader, AuditStore, Auditor, AuditorBuilder, Error, EventId, Kind,
    MemoryStore, Page, PageRequest, Quarantined, Record, Stats,
};

/// How a [`GatedStore`] answers.
#[derive(Clone, Debug)]
pub enum Gate {
    /// Does nothing and asks for another attempt.
    Fail,
    /// Does what it was asked for, but says that it failed.
    StoreAndFail,
    /// Never answers.
    Never,
    /// Does nothing and says that the set-up is wrong.
    Forbid,
    /// Answers late.
    Slow(Duration),
    Panic,
}

/// A memory store whose first attempts go as told, and all later ones well.
/// It refuses records with the tag `poison`, until it is told to take them.
#[derive(Clone, Default)]
pub struct GatedStore {
    pub memory: MemoryStore,
    gates: Arc<Mutex<VecDeque<Gate>>>,
    /// Those of a quarantine; without them there is none.
    quarantine: Option<Arc<Mutex<VecDeque<Gate>>>>,
    takes_poison: Arc<AtomicBool>,
    attempts: Arc<Mutex<Vec<Attempt>>>,
    names_poison: bool,
    refuses_gaps: bool,
}

/// An attempt that a [`GatedStore`] has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub records: usize,
    pub is_retry: bool,
}

impl GatedStore {
    pub fn new(gates: impl IntoIterator<Item = Gate>) -> Self {
        Self {
            gates: Arc::new(Mutex::new(gates.into_iter().collect())),
            ..Self::default()
        }
    }

    /// Keeps the records in this store.
    pub fn over(memory: MemoryStore) -> Self {
        Self {
            memory,
            ..Self::default()
        }
    }

    /// Sets that a refusal names the record.
    pub fn naming_poison(mut self) -> Self {
        self.names_poison = true;
        self
    }

    /// Gives it the memory store's quarantine, whose first calls go as told.
    pub fn quarantining(mut self, gates: impl IntoIterator<Item = Gate>) -> Self {
        self.quarantine = Some(Arc::new(Mutex::new(gates.into_iter().collect())));
        self
    }

    /// Takes the poison from now on.
    pub fn take_poison(&self) {
        self.takes_poison.store(true, Ordering::Relaxed);
    }

    fn refuses(&self, record: &Record) -> bool {
        let is_poison = record.tags.contains(&"poison".to_owned())
            || (self.refuses_gaps && record.kind == Kind::Gap);
        is_poison && !self.takes_poison.load(Ordering::Relaxed)
    }

    /// Sets that gap events are poison, too.
    pub fn refusing_gaps(mut self) -> Self {
        self.refuses_gaps = true;
        self
    }

    pub fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().unwrap().clone()
    }
}

#[async_trait]
impl AuditStore for GatedStore {
    async fn append(&self, batch: &Batch) -> Result<(), Error> {
        self.attempts.lock().unwrap().push(Attempt {
            records: batch.len(),
            is_retry: batch.is_retry(),
        });
        let poison = batch.iter().position(|record| self.refuses(record));
        pass(&self.gates, async {
            if let Some(index) = poison {
                let index = self.names_poison.then_some(index);
                return Err(Error::rejected(index, "poison").because("p0150"));
            }
            self.memory.append(batch).await
        })
        .await
    }

    fn quarantine(&self) -> Option<Arc<dyn AuditQuarantine>> {
        let gates = self.quarantine.clone()?;
        let store = self.clone();
        let held = self.memory.quarantine().unwrap();
        Some(Arc::new(GatedQuarantine { store, gates, held }))
    }

    fn reader(&self) -> Option<Arc<dyn AuditReader>> {
        self.memory.reader()
    }
}

/// Does the work, as the next gate tells.
async fn pass<T>(
    gates: &Mutex<VecDeque<Gate>>,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let gate = gates.lock().unwrap().pop_front();
    match gate {
        None => {}
        Some(Gate::Fail) => return Err(Error::unavailable("the gate is closed")),
        Some(Gate::Forbid) => return Err(Error::configuration("the gate is not yours")),
        Some(Gate::StoreAndFail) => {
            work.await?;
            return Err(Error::unavailable("the gate fell shut behind the batch"));
        }
        Some(Gate::Never) => std::future::pending().await,
        Some(Gate::Slow(delay)) => tokio::time::sleep(delay).await,
        Some(Gate::Panic) => panic!("the gate broke"),
    }
    work.await
}

struct GatedQuarantine {
    store: GatedStore,
    gates: Arc<Mutex<VecDeque<Gate>>>,
    held: Arc<dyn AuditQuarantine>,
}

#[async_trait]
impl AuditQuarantine for GatedQuarantine {
    async fn put(&self, refused: &Quarantined) -> Result<Admission, Error> {
        pass(&self.gates, self.held.put(refused)).await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<Quarantined>, Error> {
        pass(&self.gates, self.held.list(page)).await
    }

    async fn count(&self) -> Result<u64, Error> {
        pass(&self.gates, self.held.count()).await
    }

    async fn requeue(&self, ids: &[EventId]) -> Result<Vec<EventId>, Error> {
        let all = PageRequest::new(PageRequest::MAX_LIMIT).unwrap();
        let held = self.held.list(&all).await?.items;
        let wanted = |held: &&Quarantined| ids.contains(&held.record.id);
        let refused = held
            .iter()
            .filter(wanted)
            .any(|held| self.store.refuses(&held.record));
        if refused {
            return Err(Error::rejected(None, "poison").because("p0150"));
        }
        pass(&self.gates, self.held.requeue(ids)).await
    }

    async fn note_refusal(&self, id: EventId, refusal: &Error) -> Result<(), Error> {
        pass(&self.gates, self.held.note_refusal(id, refusal)).await
    }

    async fn discard(&self, ids: &[EventId]) -> Result<Vec<EventId>, Error> {
        pass(&self.gates, self.held.discard(ids)).await
    }
}

/// A running trail in memory, whose writer has a thread of its own.
pub async fn started() -> (Auditor, MemoryStore) {
    let store = MemoryStore::new();
    let builder = Auditor::builder().store(store.clone());
    (builder.start().await.unwrap(), store)
}

/// A trail over the store, whose writer runs on the test's own (paused) clock.
pub fn run_here(builder: AuditorBuilder) -> Auditor {
    let (auditor, writer) = builder.build().unwrap();
    tokio::spawn(writer.run());
    auditor
}

/// Asserts, once all is settled, that every event is accounted for, and that the store agrees.
#[track_caller]
pub fn assert_accounted(stats: Stats, records: &[Record]) {
    assert_eq!(
        stats.offered,
        stats.stored + stats.quarantined + stats.dropped + stats.pending,
        "{stats:?}"
    );
    assert_eq!(
        (stats.pending, stats.queued, stats.queued_bytes),
        (0, 0, 0),
        "{stats:?}"
    );
    assert_eq!(stats.stored, records.len() as u64, "{stats:?}");
    assert!(records.is_sorted_by(|a, b| a.id < b.id), "ids are distinct");
}
