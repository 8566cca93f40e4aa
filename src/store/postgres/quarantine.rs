//! Where the refused records wait: in a table of their own, as text.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{GenericClient, Row};

use super::append::Writer;
use super::connect::Connection;
use super::error::Failure;
use super::read::Reader;
use super::values::{Field, Parameter};
use super::{error, insert, partition};
use crate::event::{Column, Value};
use crate::query::{Filter, Page, PageRequest};
use crate::store::quarantine::{
    Capacity, from_text, reason, refused_as_unreadable, to_text, unreadable,
};
use crate::store::{Admission, AuditQuarantine, Quarantined};
use crate::{Error, EventId, Record, Timestamp};

/// The table `quarantine`.
pub(super) struct Quarantine {
    writer: Arc<Writer>,
    reader: Arc<Reader>,
    capacity: Capacity,
    table: String,
    put: String,
}

impl Quarantine {
    pub(super) fn new(writer: Arc<Writer>, reader: Arc<Reader>, capacity: Capacity) -> Self {
        let table = writer.schema.table("quarantine");
        // It needs no right but SELECT and INSERT, like the writer's other statements.
        let put = format!(
            "WITH put AS ( \
                 INSERT INTO {table} (id, reason, message, attempts, first_refused_at, last_refused_at, record_bytes, record) \
                 SELECT $1, $2, $3, $4, $5, $6, $7, $8 FROM {table} \
                 HAVING count(*) < $9 AND coalesce(sum(record_bytes), 0) + $7 <= $10 \
                 ON CONFLICT (id) DO NOTHING RETURNING id) \
             SELECT EXISTS (SELECT FROM put) OR EXISTS (SELECT FROM {table} WHERE id = $1)"
        );
        Self {
            writer,
            reader,
            capacity,
            table,
            put,
        }
    }

    async fn insert(&self, refused: &Quarantined) -> Result<Admission, Error> {
        let record = to_text(&refused.record);
        let number = |count: usize| Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
        let values = [
            (Value::Uuid(refused.record.id.as_uuid()), Type::UUID),
            (Value::Text(refused.reason.as_str().into()), Type::TEXT),
            (Value::Text(refused.message.as_str().into()), Type::TEXT),
            (Value::Int(refused.attempts.into()), Type::INT8),
            (Value::Time(refused.first_refused_at), Type::TIMESTAMPTZ),
            (Value::Time(refused.last_refused_at), Type::TIMESTAMPTZ),
            (number(record.len()), Type::INT8),
            (Value::Text(record.as_str().into()), Type::TEXT),
            (number(self.capacity.records), Type::INT8),
            (number(self.capacity.bytes), Type::INT8),
        ];
        let connection = self.writer.take().await?;
        let row = query(&connection.client, &self.put, &values).await?;
        let is_held = row.first().map(|row| row.try_get(0)).transpose();
        let is_held = is_held.map_err(error::statement)?.unwrap_or(false);
        self.writer.put_back(connection);
        Ok(if is_held {
            Admission::Held
        } else {
            Admission::Full
        })
    }

    /// One transaction: what is deleted here is stored there, and a record
    /// that somebody else moves at the same time is moved once.
    async fn move_back(&self, ids: &[EventId]) -> Result<Vec<EventId>, Error> {
        let mut connection = self.writer.apart().await?;
        let mut records = self.records(&connection, ids).await?;
        let days = partition::days(&records);
        partition::ensure(&mut connection.client, &self.writer.schema, &days).await?;
        let Connection { client, ledger, .. } = &mut connection;
        let transaction = client.transaction().await.map_err(error::statement)?;
        let moved = self.delete(&transaction, ids).await?;
        let deleted: HashSet<&EventId> = moved.iter().collect();
        records.retain(|record| deleted.contains(&record.id));
        let (insert, rollups) = (&self.writer.insert, &self.writer.rollups);
        let inserted = insert::insert_in(&transaction, ledger, insert, rollups, &records).await?;
        // What is checked only now may refuse the records, too.
        transaction.commit().await.map_err(Failure::from)?;
        ledger.commit(inserted.1);
        self.writer.announce(&connection.client, &records).await;
        Ok(moved)
    }

    async fn records(
        &self,
        connection: &Connection,
        ids: &[EventId],
    ) -> Result<Vec<Record>, Error> {
        let text = format!("SELECT record FROM {} WHERE {IS_ONE_OF}", self.table);
        let rows = query(&connection.client, &text, &[ids_of(ids)]).await?;
        rows.iter()
            .map(|row| {
                let text = row.try_get(0).map_err(error::statement)?;
                from_text(text).ok_or_else(refused_as_unreadable)
            })
            .collect()
    }

    async fn delete(
        &self,
        client: &impl GenericClient,
        ids: &[EventId],
    ) -> Result<Vec<EventId>, Error> {
        let text = format!(
            "DELETE FROM {} WHERE {IS_ONE_OF} RETURNING id::text",
            self.table
        );
        let rows = query(client, &text, &[ids_of(ids)]).await?;
        rows.iter()
            .map(|row| row.try_get::<_, &str>(0).map_err(error::statement)?.parse())
            .collect()
    }

    async fn update(&self, id: EventId, refusal: &Error) -> Result<(), Error> {
        let text = format!(
            "UPDATE {} SET reason = $2, message = $3, attempts = attempts + 1, last_refused_at = $4 WHERE id = $1",
            self.table
        );
        let values = [
            (Value::Uuid(id.as_uuid()), Type::UUID),
            (Value::Text(reason(refusal).into()), Type::TEXT),
            (Value::Text(refusal.to_string().into()), Type::TEXT),
            (Value::Time(Timestamp::now()), Type::TIMESTAMPTZ),
        ];
        let connection = self.writer.apart().await?;
        query(&connection.client, &text, &values).await.map(drop)
    }
}

#[async_trait]
impl AuditQuarantine for Quarantine {
    async fn put(&self, refused: &Quarantined) -> Result<Admission, Error> {
        self.writer.in_time(self.insert(refused)).await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<Quarantined>, Error> {
        let window = page.window(&Filter::new());
        let order = if window.newest_first { "DESC" } else { "ASC" };
        let text = format!(
            "SELECT id::text, reason, message, attempts, first_refused_at, last_refused_at, record \
             FROM {} WHERE id >= $1 AND id < $2 ORDER BY id {order} LIMIT {}",
            self.table, window.fetch
        );
        let id = &Column::all()[0];
        let bounds = [window.ids.start, window.ids.end];
        let bounds = bounds.map(|bound| (id, Value::Uuid(bound.as_uuid())));
        let rows = self.reader.query(&text, &bounds).await?;
        let fetched = rows.iter().map(quarantined);
        Ok(Page::new(page, fetched.collect::<Result<_, _>>()?))
    }

    async fn count(&self) -> Result<u64, Error> {
        let text = format!("SELECT count(*) FROM {}", self.table);
        let rows = self.reader.query(&text, &[]).await?;
        let count = rows.first().map(|row| row.try_get::<_, i64>(0)).transpose();
        let count = count.map_err(error::statement)?;
        Ok(count.unwrap_or_default().unsigned_abs())
    }

    async fn requeue(&self, ids: &[EventId]) -> Result<Vec<EventId>, Error> {
        self.writer.in_time(self.move_back(ids)).await
    }

    async fn note_refusal(&self, id: EventId, refusal: &Error) -> Result<(), Error> {
        self.writer.in_time(self.update(id, refusal)).await
    }

    async fn discard(&self, ids: &[EventId]) -> Result<Vec<EventId>, Error> {
        let delete = async {
            let connection = self.writer.apart().await?;
            self.delete(&connection.client, ids).await
        };
        self.writer.in_time(delete).await
    }
}

const IS_ONE_OF: &str = "id = ANY ($1::text[]::uuid[])";

fn ids_of(ids: &[EventId]) -> (Value<'static>, Type) {
    let ids: Vec<String> = ids.iter().map(EventId::to_string).collect();
    (Value::TextList(ids.into()), Type::TEXT_ARRAY)
}

async fn query(
    client: &impl GenericClient,
    text: &str,
    values: &[(Value<'_>, Type)],
) -> Result<Vec<Row>, Error> {
    let parameters: Vec<Parameter<'_>> = values.iter().map(|(value, _)| Parameter(value)).collect();
    let typed: Vec<(&(dyn ToSql + Sync), Type)> = parameters
        .iter()
        .zip(values)
        .map(|(parameter, (_, wire))| (parameter as _, wire.clone()))
        .collect();
    client
        .query_typed(text, &typed)
        .await
        .map_err(error::statement)
}

fn quarantined(row: &Row) -> Result<Quarantined, Error> {
    let id: &str = row.try_get(0).map_err(error::statement)?;
    let text = |place| row.try_get::<_, &str>(place).map_err(error::statement);
    let time = |place| {
        let field: Field<'_> = row.try_get(place).map_err(error::statement)?;
        field.time().map_err(|_| unreadable(id))
    };
    let attempts: i64 = row.try_get(3).map_err(error::statement)?;
    Ok(Quarantined {
        reason: text(1)?.to_owned(),
        message: text(2)?.to_owned(),
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        first_refused_at: time(4)?,
        last_refused_at: time(5)?,
        record: from_text(text(6)?).ok_or_else(|| unreadable(id))?,
    })
}
