//! What a store in memory has set aside.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{MemoryStore, store_missing};
use crate::query::{Filter, Page, PageRequest};
use crate::store::quarantine::{Capacity, to_text};
use crate::store::{Admission, AuditQuarantine, Quarantined};
use crate::{Error, EventId};

/// The records that are held, and how many bytes their texts would have.
#[derive(Default)]
pub(super) struct Held {
    records: BTreeMap<EventId, Quarantined>,
    bytes: usize,
}

impl Held {
    fn put(&mut self, refused: &Quarantined, capacity: Capacity) -> Admission {
        let id = refused.record.id;
        if self.records.contains_key(&id) {
            return Admission::Held;
        }
        let bytes = to_text(&refused.record).len();
        if !capacity.has_room(bytes, self.records.len(), self.bytes) {
            return Admission::Full;
        }
        self.bytes += bytes;
        self.records.insert(id, refused.clone());
        Admission::Held
    }

    fn take(&mut self, ids: &[EventId]) -> Vec<Quarantined> {
        let taken: Vec<_> = ids
            .iter()
            .filter_map(|id| self.records.remove(id))
            .collect();
        let bytes: usize = taken.iter().map(|held| to_text(&held.record).len()).sum();
        self.bytes -= bytes;
        taken
    }
}

/// The quarantine of a [`MemoryStore`].
pub(super) struct MemoryQuarantine(pub(super) MemoryStore);

#[async_trait]
impl AuditQuarantine for MemoryQuarantine {
    async fn put(&self, refused: &Quarantined) -> Result<Admission, Error> {
        Ok(self.0.lock().held.put(refused, self.0.capacity))
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<Quarantined>, Error> {
        let window = page.window(&Filter::new());
        let tables = self.0.lock();
        if window.ids.is_empty() {
            return Ok(Page::new(page, Vec::new()));
        }
        let range = tables.held.records.range(window.ids);
        let range = range.map(|(_, held)| held.clone());
        let fetched = if window.newest_first {
            range.rev().take(window.fetch).collect()
        } else {
            range.take(window.fetch).collect()
        };
        Ok(Page::new(page, fetched))
    }

    async fn count(&self) -> Result<u64, Error> {
        Ok(self.0.lock().held.records.len() as u64)
    }

    async fn requeue(&self, ids: &[EventId]) -> Result<Vec<EventId>, Error> {
        // One lock for both: a record is never in neither.
        let mut tables = self.0.lock();
        let taken = tables.held.take(ids);
        let moved: Vec<_> = taken.iter().map(EventId::from).collect();
        let records = taken.iter().map(|held| &held.record);
        store_missing(&mut tables.records, records);
        self.0.ringer.stored(moved.iter().copied());
        Ok(moved)
    }

    async fn note_refusal(&self, id: EventId, refusal: &Error) -> Result<(), Error> {
        if let Some(held) = self.0.lock().held.records.get_mut(&id) {
            held.refused_again(refusal);
        }
        Ok(())
    }

    async fn discard(&self, ids: &[EventId]) -> Result<Vec<EventId>, Error> {
        let taken = self.0.lock().held.take(ids);
        Ok(taken.iter().map(EventId::from).collect())
    }
}
