//! How a batch gets into the table.

use std::sync::LazyLock;

use rusqlite::{Connection, Statement, Transaction, TransactionBehavior};

use super::error::{Classify, rejection};
use super::place::Place;
use super::{rollup, schema, search, values};
use crate::event::Column;
use crate::store::{Batch, sql};
use crate::{Error, Record};

/// One transaction: on any error it is rolled back when it is dropped.
pub(super) fn append(
    connection: &mut Connection,
    batch: &Batch,
    search: bool,
    place: &Place,
) -> Result<(), Error> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .classify(place)?;
    if batch.is_retry() {
        insert_missing(&transaction, batch, search, place)?;
    } else {
        insert_all(&transaction, &INSERT, batch, search, place)?;
        rollup::add(&transaction, batch.iter(), place)?;
    }
    transaction.commit().classify(place)
}

/// Adds those records that are not stored yet, and sums them up.
pub(super) fn insert_missing(
    transaction: &Transaction<'_>,
    records: &[Record],
    search: bool,
    place: &Place,
) -> Result<(), Error> {
    let is_new = insert_all(transaction, &INSERT_IF_MISSING, records, search, place)?;
    let new = records.iter().zip(is_new).filter(|(_, is_new)| *is_new);
    rollup::add(transaction, new.map(|(record, _)| record), place)
}

/// Says of each record whether a row was made of it.
fn insert_all(
    transaction: &Transaction<'_>,
    text: &str,
    records: &[Record],
    search: bool,
    place: &Place,
) -> Result<Vec<bool>, Error> {
    let mut is_new = Vec::with_capacity(records.len());
    let mut statement = transaction.prepare_cached(text).classify(place)?;
    for (index, record) in records.iter().enumerate() {
        let result = insert(&mut statement, record);
        // The cause is left out: a trigger of the file's owner may quote the row in it.
        if let Some(reason) = result.as_ref().err().and_then(rejection) {
            let message = format!("{place} refuses a record");
            return Err(Error::rejected(Some(index), message).because(reason));
        }
        let new = result.classify(place)? > 0;
        if new && search {
            search::keep(transaction, record, place)?;
        }
        is_new.push(new);
    }
    let oldest = records.iter().map(|record| record.id).min();
    if let Some(oldest) = oldest.filter(|_| !search) {
        search::note_gap(transaction, oldest, place)?;
    }
    Ok(is_new)
}

fn insert(statement: &mut Statement<'_>, record: &Record) -> rusqlite::Result<usize> {
    for (index, column) in Column::all().iter().enumerate() {
        statement.raw_bind_parameter(index + 1, values::to_sql(&column.get(record)))?;
    }
    statement.raw_execute()
}

static INSERT: LazyLock<String> = LazyLock::new(|| {
    let columns = Column::all();
    format!(
        "INSERT INTO {} ({}) VALUES ({})",
        schema::TABLE,
        sql::names(columns.iter()),
        vec!["?"; columns.len()].join(", ")
    )
});

static INSERT_IF_MISSING: LazyLock<String> =
    LazyLock::new(|| format!("{} ON CONFLICT (id) DO NOTHING", *INSERT));
