//! What somebody in charge may do to rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_postgres::types::{ToSql, Type};

use super::append::Writer;
use super::error;
use super::values::Parameter;
use crate::event::Value;
use crate::store::rollup::Hour;
use crate::store::{AuditManager, Flag};
use crate::{Error, EventId};

/// Changes rows over connections that live as long as the change.
pub(super) struct Manager {
    writer: Arc<Writer>,
}

impl Manager {
    pub(super) fn new(writer: Arc<Writer>) -> Self {
        Self { writer }
    }

    /// Has the sums of the hours of these events follow what has changed.
    async fn repair(&self, ids: &[EventId]) -> Result<(), Error> {
        let hours: BTreeSet<_> = ids.iter().copied().map(Hour::of).collect();
        for hour in hours {
            self.writer.repair(hour).await?;
        }
        Ok(())
    }

    /// The number of rows that a statement changes.
    async fn execute(&self, text: &str, values: &[(Value<'_>, Type)]) -> Result<u64, Error> {
        let parameters: Vec<_> = values.iter().map(|(value, _)| Parameter(value)).collect();
        let typed: Vec<_> = parameters
            .iter()
            .zip(values)
            .map(|(parameter, (_, wire))| (parameter as &(dyn ToSql + Sync), wire.clone()))
            .collect();
        let change = async {
            let connection = self.writer.apart().await?;
            let changed = connection.client.execute_typed(text, &typed).await;
            changed.map_err(error::statement)
        };
        self.writer.in_time(change).await
    }
}

#[async_trait]
impl AuditManager for Manager {
    async fn set_flag(&self, id: EventId, flag: Flag<'_>) -> Result<bool, Error> {
        let text = format!(
            "UPDATE {} SET flagged = $2, flag_reason = $3 WHERE id = $1",
            self.writer.schema.table("events")
        );
        let reason = flag.reason();
        let values = [
            (Value::Uuid(id.as_uuid()), Type::UUID),
            (Value::Bool(flag.is_up()), Type::BOOL),
            (
                reason.map_or(Value::Null, |reason| Value::Text(reason.into())),
                Type::TEXT,
            ),
        ];
        let is_there = self.execute(&text, &values).await? > 0;
        if is_there {
            self.repair(&[id]).await?;
        }
        Ok(is_there)
    }

    async fn delete(&self, ids: &[EventId]) -> Result<u64, Error> {
        let text = format!(
            "DELETE FROM {} WHERE id = ANY ($1::text[]::uuid[])",
            self.writer.schema.table("events")
        );
        let texts: Vec<_> = ids.iter().map(EventId::to_string).collect();
        let values = [(Value::TextList(texts.into()), Type::TEXT_ARRAY)];
        let deleted = self.execute(&text, &values).await?;
        self.repair(ids).await?;
        Ok(deleted)
    }
}
