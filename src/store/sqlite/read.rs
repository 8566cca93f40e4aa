//! How records come out of the table.

use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, Row};

use super::error::Classify;
use super::place::Place;
use super::{schema, values};
use crate::event::{Column, Value};
use crate::store::scan::{Fetched, Room};
use crate::store::sql::{self, Query};
use crate::{Error, EventId, Record};

/// The records of a query, with their compact columns; `found` are the ids of
/// the only ones to look at, as [`search::FOUND`](super::search::FOUND) has them.
pub(super) fn list(
    connection: &Connection,
    query: &Query,
    found: Option<&str>,
    place: &Place,
) -> Result<Vec<Record>, Error> {
    let mut statement = prepare(connection, query, found, place)?;
    let mut rows = statement.raw_query();
    let mut records = Vec::new();
    while let Some(row) = rows.next().classify(place)? {
        records.push(record(row, Column::is_compact, place)?);
    }
    Ok(records)
}

/// The records of a query with all their columns, as many as fit on a page.
pub(super) fn export(
    connection: &Connection,
    query: &Query,
    found: Option<&str>,
    place: &Place,
) -> Result<Fetched, Error> {
    let mut statement = prepare(connection, query, found, place)?;
    let mut rows = statement.raw_query();
    let (mut fetched, mut room) = (Fetched::default(), Room::default());
    while let Some(row) = rows.next().classify(place)? {
        if !room.takes(bytes(row, place)?) {
            fetched.is_cut = true;
            break;
        }
        fetched.records.push(record(row, |_| true, place)?);
    }
    Ok(fetched)
}

/// The bytes of all texts of a row.
fn bytes(row: &Row<'_>, place: &Place) -> Result<usize, Error> {
    let mut bytes = 0;
    for index in 0..Column::all().len() {
        if let ValueRef::Text(text) = row.get_ref(index).classify(place)? {
            bytes += text.len();
        }
    }
    Ok(bytes)
}

/// The number that a query gives.
pub(super) fn count(
    connection: &Connection,
    query: &Query,
    found: Option<&str>,
    place: &Place,
) -> Result<u64, Error> {
    let mut statement = prepare(connection, query, found, place)?;
    let mut rows = statement.raw_query();
    match rows.next().classify(place)? {
        Some(row) => row.get::<_, i64>(0).classify(place).map(i64::unsigned_abs),
        None => Ok(0),
    }
}

pub(super) fn prepare<'a>(
    connection: &'a Connection,
    query: &Query,
    found: Option<&str>,
    place: &Place,
) -> Result<CachedStatement<'a>, Error> {
    let mut statement = connection.prepare_cached(&query.text).classify(place)?;
    for (index, (_, value)) in query.parameters.iter().enumerate() {
        // To SQLite `$1` is a name like any other, not a place.
        let name = format!("${}", index + 1);
        statement
            .raw_bind_parameter(name.as_str(), values::to_sql(value))
            .classify(place)?;
    }
    if let Some(found) = found {
        statement
            .raw_bind_parameter("$found", found)
            .classify(place)?;
    }
    Ok(statement)
}

/// One record with all its columns.
pub(super) fn get(
    connection: &Connection,
    id: EventId,
    place: &Place,
) -> Result<Option<Record>, Error> {
    let mut statement = connection
        .prepare_cached(&sql::get(schema::TABLE))
        .classify(place)?;
    let mut rows = statement
        .query([values::to_sql(&Value::Uuid(id.as_uuid()))])
        .classify(place)?;
    match rows.next().classify(place)? {
        Some(row) => record(row, |_| true, place).map(Some),
        None => Ok(None),
    }
}

/// The record of a row that holds the selected columns, in the order of [`Column::all`].
fn record(row: &Row<'_>, selected: fn(&Column) -> bool, place: &Place) -> Result<Record, Error> {
    let mut index = 0;
    Record::from_columns(|column| {
        if !selected(column) {
            return Ok(Value::Null);
        }
        let value = row.get_ref(index).classify(place)?;
        index += 1;
        values::from_sql(column, value)
    })
}
