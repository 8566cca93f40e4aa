//! Where the refused records wait: in a table of the same file.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::error::Classify;
use super::place::Place;
use super::{SqliteStore, append, values};
use crate::event::Value;
use crate::query::{Filter, Page, PageRequest, Window};
use crate::store::quarantine::{
    Capacity, from_text, reason, refused_as_unreadable, to_text, unreadable,
};
use crate::store::{Admission, AuditQuarantine, Quarantined};
use crate::{Error, EventId, Record, Timestamp};

/// The quarantine of an [`SqliteStore`].
pub(super) struct SqliteQuarantine(pub(super) SqliteStore);

#[async_trait]
impl AuditQuarantine for SqliteQuarantine {
    async fn put(&self, refused: &Quarantined) -> Result<Admission, Error> {
        let (refused, capacity) = (refused.clone(), self.0.capacity);
        let work = move |connection: &mut Connection, place: &Place| {
            put(connection, &refused, capacity, place)
        };
        self.0.database.write(work).await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<Quarantined>, Error> {
        let window = page.window(&Filter::new());
        let work = move |connection: &Connection, place: &Place| list(connection, &window, place);
        let fetched = self.0.database.read(self.0.query_timeout, work).await?;
        Ok(Page::new(page, fetched))
    }

    async fn count(&self) -> Result<u64, Error> {
        let work = |connection: &Connection, place: &Place| {
            let count = connection.query_row("SELECT count(*) FROM audit_quarantine", [], |row| {
                row.get::<_, i64>(0)
            });
            Ok(count.classify(place)?.unsigned_abs())
        };
        self.0.database.read(self.0.query_timeout, work).await
    }

    async fn requeue(&self, ids: &[EventId]) -> Result<Vec<EventId>, Error> {
        let (ids, search) = (ids.to_vec(), self.0.search);
        let ringer = self.0.ringer.clone();
        let work = move |connection: &mut Connection, place: &Place| {
            let moved = requeue(connection, &ids, search, place)?;
            ringer.stored(moved.iter().copied());
            Ok(moved)
        };
        self.0.database.write(work).await
    }

    async fn note_refusal(&self, id: EventId, refusal: &Error) -> Result<(), Error> {
        let (reason, message) = (reason(refusal).to_owned(), refusal.to_string());
        let work = move |connection: &mut Connection, place: &Place| {
            let now = Value::Time(Timestamp::now());
            let values = params![text_of(id), reason, message, values::to_sql(&now)];
            connection.execute(NOTE, values).classify(place).map(drop)
        };
        self.0.database.write(work).await
    }

    async fn discard(&self, ids: &[EventId]) -> Result<Vec<EventId>, Error> {
        let ids = ids.to_vec();
        let work = move |connection: &mut Connection, place: &Place| {
            let transaction = begin(connection, place)?;
            let mut discarded = Vec::new();
            for id in ids {
                if transaction.execute(DELETE, [text_of(id)]).classify(place)? > 0 {
                    discarded.push(id);
                }
            }
            transaction.commit().classify(place)?;
            Ok(discarded)
        };
        self.0.database.write(work).await
    }
}

const NOTE: &str = "UPDATE audit_quarantine SET reason = ?2, message = ?3, attempts = attempts + 1,
    last_refused_at = ?4 WHERE id = ?1";
const DELETE: &str = "DELETE FROM audit_quarantine WHERE id = ?";

fn put(
    connection: &mut Connection,
    refused: &Quarantined,
    capacity: Capacity,
    place: &Place,
) -> Result<Admission, Error> {
    let transaction = begin(connection, place)?;
    let id = text_of(refused.record.id);
    let record = to_text(&refused.record);
    let (is_held, held, held_bytes): (bool, i64, i64) = transaction
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM audit_quarantine WHERE id = ?),
                count(*), coalesce(sum(record_bytes), 0) FROM audit_quarantine",
            [&id],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .classify(place)?;
    if is_held {
        return Ok(Admission::Held);
    }
    let count = |number| usize::try_from(number).unwrap_or(usize::MAX);
    if !capacity.has_room(record.len(), count(held), count(held_bytes)) {
        return Ok(Admission::Full);
    }
    let (first, last) = (
        Value::Time(refused.first_refused_at),
        Value::Time(refused.last_refused_at),
    );
    let values = params![
        id,
        refused.reason,
        refused.message,
        refused.attempts,
        values::to_sql(&first),
        values::to_sql(&last),
        record.len() as i64,
        record
    ];
    transaction
        .execute(
            "INSERT INTO audit_quarantine VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        .classify(place)?;
    transaction.commit().classify(place)?;
    Ok(Admission::Held)
}

fn list(
    connection: &Connection,
    window: &Window,
    place: &Place,
) -> Result<Vec<Quarantined>, Error> {
    let order = if window.newest_first { "DESC" } else { "ASC" };
    let query = format!(
        "SELECT id, reason, message, attempts, first_refused_at, last_refused_at, record
         FROM audit_quarantine WHERE id >= ? AND id < ? ORDER BY id {order} LIMIT {}",
        window.fetch
    );
    let mut statement = connection.prepare(&query).classify(place)?;
    let ids = [text_of(window.ids.start), text_of(window.ids.end)];
    let mut rows = statement.query(ids).classify(place)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().classify(place)? {
        found.push(quarantined(row, place)?);
    }
    Ok(found)
}

fn quarantined(row: &Row<'_>, place: &Place) -> Result<Quarantined, Error> {
    let text = |index| row.get::<_, String>(index).classify(place);
    let id = text(0)?;
    let time = |index| text(index)?.parse().map_err(|_| unreadable(&id));
    Ok(Quarantined {
        reason: text(1)?,
        message: text(2)?,
        attempts: row.get(3).classify(place)?,
        first_refused_at: time(4)?,
        last_refused_at: time(5)?,
        record: from_text(&text(6)?).ok_or_else(|| unreadable(&id))?,
    })
}

/// One transaction: on any error it is rolled back when it is dropped.
fn requeue(
    connection: &mut Connection,
    ids: &[EventId],
    search: bool,
    place: &Place,
) -> Result<Vec<EventId>, Error> {
    let transaction = begin(connection, place)?;
    let mut moved: Vec<EventId> = Vec::new();
    let mut records: Vec<Record> = Vec::new();
    for id in ids {
        let text = transaction
            .query_row(
                "DELETE FROM audit_quarantine WHERE id = ? RETURNING record",
                [text_of(*id)],
                |row| row.get::<_, String>(0),
            )
            .optional()
            .classify(place)?;
        if let Some(text) = text {
            records.push(from_text(&text).ok_or_else(refused_as_unreadable)?);
            moved.push(*id);
        }
    }
    append::insert_missing(&transaction, &records, search, place)?;
    transaction.commit().classify(place)?;
    Ok(moved)
}

fn begin<'a>(
    connection: &'a mut Connection,
    place: &Place,
) -> Result<rusqlite::Transaction<'a>, Error> {
    connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .classify(place)
}

fn text_of(id: EventId) -> String {
    id.as_uuid().to_string()
}
