//! A store for tests and for trying things out.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{AuditReader, AuditStore, Batch};
use crate::event::{Column, Fields};
use crate::query::{Filter, Page, PageRequest};
use crate::{Error, EventId, Record};

/// Keeps records in memory, for as long as the process lives and without bound.
///
/// Clones share the records.
#[derive(Clone, Default)]
pub struct MemoryStore {
    records: Arc<Mutex<BTreeMap<EventId, Record>>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// All records, oldest first.
    pub fn records(&self) -> Vec<Record> {
        self.lock().values().cloned().collect()
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<EventId, Record>> {
        // Nothing that runs under the lock can leave the map half changed.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore")
            .field("len", &self.len())
            .finish()
    }
}

#[async_trait]
impl AuditStore for MemoryStore {
    async fn append(&self, batch: &Batch) -> Result<(), Error> {
        let mut records = self.lock();
        if !batch.is_retry() {
            let mut new = HashSet::with_capacity(batch.len());
            if let Some(index) = batch
                .iter()
                .position(|record| records.contains_key(&record.id) || !new.insert(record.id))
            {
                return Err(Error::rejected(Some(index), "the id is stored already"));
            }
        }
        for record in batch.iter() {
            if let Entry::Vacant(entry) = records.entry(record.id) {
                entry.insert(record.clone());
            }
        }
        Ok(())
    }

    fn reader(&self) -> Option<Arc<dyn AuditReader>> {
        Some(Arc::new(self.clone()))
    }
}

#[async_trait]
impl AuditReader for MemoryStore {
    async fn list(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Record>, Error> {
        let window = page.window(filter);
        let records = self.lock();
        if window.ids.is_empty() {
            return Ok(Page::new(page, Vec::new()));
        }
        let range = records.range(window.ids).map(|(_, record)| record);
        let passing = |record: &&Record| filter.matches(record);
        let fetched = if window.newest_first {
            range
                .rev()
                .filter(passing)
                .take(window.fetch)
                .map(compact)
                .collect()
        } else {
            range
                .filter(passing)
                .take(window.fetch)
                .map(compact)
                .collect()
        };
        Ok(Page::new(page, fetched))
    }

    async fn get(&self, id: EventId) -> Result<Option<Record>, Error> {
        Ok(self.lock().get(&id).cloned())
    }
}

/// The record without the columns that lists leave out.
fn compact(record: &Record) -> Record {
    let mut fields = Box::new(Fields::new(record.id));
    for column in Column::all().iter().filter(|column| column.is_compact()) {
        column
            .set(&mut fields, column.get(record))
            .expect("a value fits the column that it came from");
    }
    Record::seal(fields)
}
