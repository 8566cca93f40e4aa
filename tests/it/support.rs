//! What the tests share.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tower_audit::store::Batch;
use tower_audit::{
    AuditReader, AuditStore, Auditor, AuditorBuilder, Error, MemoryStore, Record, Stats,
};

/// How a [`GatedStore`] answers an attempt.
#[derive(Clone, Debug)]
pub enum Gate {
    /// Stores nothing and asks for another attempt.
    Fail,
    /// Stores the batch, but says that it failed.
    StoreAndFail,
    /// Never answers.
    Never,
    /// Answers late.
    Slow(Duration),
    Panic,
}

/// A memory store whose first attempts go as told, and all later ones well.
/// It refuses records with the tag `poison`.
#[derive(Clone, Default)]
pub struct GatedStore {
    pub memory: MemoryStore,
    gates: Arc<Mutex<VecDeque<Gate>>>,
    attempts: Arc<Mutex<Vec<Attempt>>>,
    names_poison: bool,
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

    /// Sets that a refusal names the record.
    pub fn naming_poison(mut self) -> Self {
        self.names_poison = true;
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
        let gate = self.gates.lock().unwrap().pop_front();
        match gate {
            None => {}
            Some(Gate::Fail) => return Err(Error::unavailable("the gate is closed")),
            Some(Gate::StoreAndFail) => {
                self.memory.append(batch).await?;
                return Err(Error::unavailable("the gate fell shut behind the batch"));
            }
            Some(Gate::Never) => std::future::pending().await,
            Some(Gate::Slow(delay)) => tokio::time::sleep(delay).await,
            Some(Gate::Panic) => panic!("the gate broke"),
        }
        let poison = batch
            .iter()
            .position(|record| record.tags.contains(&"poison".to_owned()));
        if let Some(index) = poison {
            return Err(Error::rejected(
                self.names_poison.then_some(index),
                "poison",
            ));
        }
        self.memory.append(batch).await
    }

    fn reader(&self) -> Option<Arc<dyn AuditReader>> {
        self.memory.reader()
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
