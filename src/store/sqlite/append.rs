//! How a batch gets into the table.

use std::sync::LazyLock;

use rusqlite::{Connection, Statement, TransactionBehavior};

use super::error::{Classify, is_rejection};
use super::place::Place;
use super::{schema, values};
use crate::event::Column;
use crate::store::{Batch, sql};
use crate::{Error, Record};

/// One transaction: on any error it is rolled back when it is dropped.
pub(super) fn append(
    connection: &mut Connection,
    batch: &Batch,
    place: &Place,
) -> Result<(), Error> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .classify(place)?;
    let text = if batch.is_retry() {
        &*INSERT_IF_MISSING
    } else {
        &*INSERT
    };
    let mut statement = transaction.prepare_cached(text).classify(place)?;
    for (index, record) in batch.iter().enumerate() {
        match insert(&mut statement, record) {
            // The cause is left out: a trigger of the file's owner may quote the row in it.
            Err(error) if is_rejection(&error) => {
                let message = format!("{place} refuses a record");
                return Err(Error::rejected(Some(index), message));
            }
            result => result.classify(place)?,
        }
    }
    drop(statement);
    transaction.commit().classify(place)
}

fn insert(statement: &mut Statement<'_>, record: &Record) -> rusqlite::Result<()> {
    for (index, column) in Column::all().iter().enumerate() {
        statement.raw_bind_parameter(index + 1, values::to_sql(&column.get(record)))?;
    }
    statement.raw_execute().map(drop)
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
