//! What somebody in charge may do to records in a file.

use std::collections::BTreeSet;

use async_trait::async_trait;
use rusqlite::{TransactionBehavior, params};

use super::error::Classify;
use super::{SqliteStore, rollup, schema};
use crate::store::rollup::Hour;
use crate::store::{AuditManager, Flag};
use crate::{Error, EventId};

#[async_trait]
impl AuditManager for SqliteStore {
    async fn set_flag(&self, id: EventId, flag: Flag<'_>) -> Result<bool, Error> {
        let (is_up, reason) = (flag.is_up(), flag.reason().map(str::to_owned));
        let update = format!(
            "UPDATE {} SET flagged = ?, flag_reason = ? WHERE id = ?",
            schema::TABLE
        );
        self.database
            .write(move |connection, place| {
                let values = params![is_up, reason, text_of(id)];
                let updated = connection.execute(&update, values).classify(place)?;
                if updated > 0 {
                    rollup::repair(connection, Hour::of(id), place)?;
                }
                Ok(updated > 0)
            })
            .await
    }

    async fn delete(&self, ids: &[EventId]) -> Result<u64, Error> {
        let ids = ids.to_vec();
        let delete = format!("DELETE FROM {} WHERE id = ?", schema::TABLE);
        self.database
            .write(move |connection, place| {
                let transaction = connection
                    .transaction_with_behavior(TransactionBehavior::Immediate)
                    .classify(place)?;
                let mut deleted = 0;
                let hours: BTreeSet<_> = ids.iter().copied().map(Hour::of).collect();
                for id in ids {
                    let mut statement = transaction.prepare_cached(&delete).classify(place)?;
                    deleted += statement.execute([text_of(id)]).classify(place)? as u64;
                }
                transaction.commit().classify(place)?;
                for hour in hours {
                    rollup::repair(connection, hour, place)?;
                }
                Ok(deleted)
            })
            .await
    }
}

fn text_of(id: EventId) -> String {
    id.as_uuid().to_string()
}
