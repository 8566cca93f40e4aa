//! A store for tests and for trying things out.

mod manage;
mod quarantine;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use self::quarantine::{Held, MemoryQuarantine};
use super::bell::{Bell, Ringer};
use super::quarantine::Capacity;
use super::rollup::{exact_series, exact_stats};
use super::{AuditManager, AuditQuarantine, AuditReader, AuditStore, Batch, export};
use crate::query::{
    Accuracy, Count, Cursor, Filter, Page, PageRequest, Series, SeriesQuery, Statistics, StatsQuery,
};
use crate::{Error, EventId, Record};

/// Keeps records in memory, for as long as the process lives and without bound.
///
/// Clones share the records.
#[derive(Clone, Default)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
    ringer: Ringer,
    capacity: Capacity,
}

#[derive(Default)]
struct Tables {
    records: BTreeMap<EventId, Record>,
    held: Held,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// All records, oldest first.
    pub fn records(&self) -> Vec<Record> {
        self.lock().records.values().cloned().collect()
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.lock().records.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.lock().records.is_empty()
    }

    /// Sets how many refused records the quarantine holds. Defaults to
    /// 10,000. When there are more, they are dropped and a gap event tells
    /// how many; 0 sets nothing aside.
    #[must_use]
    pub fn max_quarantine_size(mut self, records: usize) -> Self {
        self.capacity.records = records;
        self
    }

    /// Sets how many bytes of refused records, as JSON, the quarantine holds.
    /// Defaults to 256 MiB. When there are more, they are dropped and a gap
    /// event tells how many.
    #[must_use]
    pub fn max_quarantine_bytes(mut self, bytes: usize) -> Self {
        self.capacity.bytes = bytes;
        self
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        // Nothing that runs under the lock can leave the maps half changed.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
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
        let records = &mut self.lock().records;
        if !batch.is_retry() {
            let mut new = HashSet::with_capacity(batch.len());
            if let Some(index) = batch
                .iter()
                .position(|record| records.contains_key(&record.id) || !new.insert(record.id))
            {
                return Err(Error::rejected(Some(index), "the id is stored already"));
            }
        }
        store_missing(records, batch.iter());
        self.ringer.stored(batch.iter().map(|record| record.id));
        Ok(())
    }

    fn quarantine(&self) -> Option<Arc<dyn AuditQuarantine>> {
        Some(Arc::new(MemoryQuarantine(self.clone())))
    }

    fn manager(&self) -> Option<Arc<dyn AuditManager>> {
        Some(Arc::new(self.clone()))
    }

    fn reader(&self) -> Option<Arc<dyn AuditReader>> {
        Some(Arc::new(self.clone()))
    }
}

#[async_trait]
impl AuditReader for MemoryStore {
    async fn list(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Record>, Error> {
        let window = page.window(filter);
        let records = &self.lock().records;
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
                .map(Record::compact)
                .collect()
        } else {
            range
                .filter(passing)
                .take(window.fetch)
                .map(Record::compact)
                .collect()
        };
        Ok(Page::new(page, fetched))
    }

    async fn count(&self, filter: &Filter) -> Result<Count, Error> {
        let records = &self.lock().records;
        let passing = records.values().filter(|record| filter.matches(record));
        Ok(Count {
            records: passing.count() as u64,
            accuracy: Accuracy::Exact,
        })
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Statistics, Error> {
        let records = &self.lock().records;
        let passing = records
            .values()
            .filter(|record| query.filter().matches(record));
        Ok(exact_stats(query, passing))
    }

    async fn timeseries(&self, query: &SeriesQuery) -> Result<Series, Error> {
        let records = &self.lock().records;
        let passing = records
            .values()
            .filter(|record| query.filter().matches(record));
        exact_series(query, passing)
    }

    async fn get(&self, id: EventId) -> Result<Option<Record>, Error> {
        Ok(self.lock().records.get(&id).cloned())
    }

    async fn export(
        &self,
        filter: &Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<Record>, Error> {
        let ids = export::ids(filter, cursor)?;
        let none_left = ids.start..ids.start;
        if ids.is_empty() {
            return Ok(export::page(Vec::new(), false, &none_left));
        }
        let records = &self.lock().records;
        let passing = records
            .range(ids)
            .rev()
            .map(|(_, record)| record)
            .filter(|record| filter.matches(record));
        let (mut items, mut bytes) = (Vec::new(), 0);
        for record in passing.take(limit) {
            bytes += body_bytes(record);
            if bytes > export::PAGE_BYTES && !items.is_empty() {
                return Ok(export::page(items, true, &none_left));
            }
            items.push(record.clone());
        }
        let is_full = items.len() >= limit;
        Ok(export::page(items, is_full, &none_left))
    }

    fn bell(&self) -> Bell {
        self.ringer.bell(None)
    }
}

/// Adds what is not there yet, as a retry does.
fn store_missing<'a>(
    records: &mut BTreeMap<EventId, Record>,
    new: impl Iterator<Item = &'a Record>,
) {
    for record in new {
        if let Entry::Vacant(entry) = records.entry(record.id) {
            entry.insert(record.clone());
        }
    }
}

/// What makes a record large, if anything does.
fn body_bytes(record: &Record) -> usize {
    let bodies = [&record.request_body, &record.response_body];
    bodies.into_iter().flatten().map(String::len).sum()
}
