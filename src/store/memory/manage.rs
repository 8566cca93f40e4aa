//! What somebody in charge may do to records in memory.

use async_trait::async_trait;

use super::MemoryStore;
use crate::store::{AuditManager, Flag};
use crate::{Error, EventId};

#[async_trait]
impl AuditManager for MemoryStore {
    async fn set_flag(&self, id: EventId, flag: Flag<'_>) -> Result<bool, Error> {
        let records = &mut self.lock().records;
        let record = records.get_mut(&id);
        let is_stored = record.is_some();
        if let Some(record) = record {
            record.set_flag(flag.is_up(), flag.reason());
        }
        Ok(is_stored)
    }

    async fn delete(&self, ids: &[EventId]) -> Result<u64, Error> {
        let records = &mut self.lock().records;
        let deleted = ids.iter().filter(|id| records.remove(id).is_some());
        Ok(deleted.count() as u64)
    }
}
