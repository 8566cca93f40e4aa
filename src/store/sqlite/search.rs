//! How a search is put to SQLite: a function that decides, and an index of
//! words that says beforehand which few records to look at.
//!
//! The index is kept in the transaction of each batch. Where it is not, be
//! it that a store is told so, that a file is older or that somebody has changed
//! a row, the file notes from where on words may be missing; nothing is looked
//! up until upkeep has caught up.

use std::collections::BTreeSet;

use rusqlite::functions::Context;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::error::Classify;
use super::place::Place;
use super::schema;
use crate::query::search::{self, COLUMNS};
use crate::{Error, EventId, Record};

/// Where more records than this may match, most windows of time have enough of them.
const FEW: i64 = 2_000;
/// The rows that upkeep catches up with in one transaction, while writers wait.
const ROWS: usize = 500;

/// Reads like the table, and has only the records whose ids are bound to `$found`.
pub(super) const FOUND: &str = "(SELECT audit_events.* FROM json_each($found) AS found \
     CROSS JOIN audit_events ON audit_events.id = found.value)";

/// The clause for records in which each of the words starts one. Each text
/// that is bound gives the number of its place.
pub(super) fn clause(words: &[String], bind: &mut dyn FnMut(String) -> usize) -> String {
    let place = bind(words.join(" "));
    format!("has_words(${place}, {})", COLUMNS.join(", "))
}

/// Whether each word of the first text starts one of the others'.
pub(super) fn has_words(context: &Context<'_>) -> rusqlite::Result<bool> {
    let text = |index| match context.get_raw(index) {
        ValueRef::Text(text) => std::str::from_utf8(text).unwrap_or_default(),
        _ => "",
    };
    let mut missing: Vec<_> = text(0).split(' ').collect();
    for index in 1..context.len() {
        for word in search::words(text(index)) {
            missing.retain(|asked| !word.starts_with(asked));
        }
        if missing.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The ids of the records that the index has for these words, as JSON;
/// `None` if they are many, or if it may not know all of them.
pub(super) fn find(
    connection: &Connection,
    words: &[String],
    place: &Place,
) -> Result<Option<String>, Error> {
    // A word has nothing in it that a query takes for anything but itself.
    let prefixes: Vec<_> = words.iter().map(|word| format!("\"{word}\"*")).collect();
    let mut statement = connection
        .prepare_cached(
            "SELECT json_group_array(id), count(*) FROM (SELECT id
             FROM audit_search JOIN audit_search_ids ON number = audit_search.rowid
             WHERE audit_search MATCH ?1 LIMIT ?2)
             HAVING NOT EXISTS (SELECT 1 FROM audit_search_gap)",
        )
        .classify(place)?;
    let found = statement
        .query_row((prefixes.join(" AND "), FEW + 1), |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?))
        })
        .optional()
        .classify(place)?;
    Ok(found.and_then(|(ids, count)| (count <= FEW).then_some(ids)))
}

/// Adds the words of a record that was just stored.
pub(super) fn keep(
    transaction: &Transaction<'_>,
    record: &Record,
    place: &Place,
) -> Result<(), Error> {
    let words = search::words_of(record).collect();
    add(transaction, &record.id.as_uuid().to_string(), words).classify(place)
}

/// Notes that from this event on words may be missing.
pub(super) fn note_gap(
    transaction: &Transaction<'_>,
    from: EventId,
    place: &Place,
) -> Result<(), Error> {
    transaction
        .prepare_cached(
            "INSERT INTO audit_search_gap VALUES (1, ?1)
             ON CONFLICT (one) DO UPDATE SET from_id = min(from_id, excluded.from_id)",
        )
        .and_then(|mut statement| statement.execute([from.as_uuid().to_string()]))
        .classify(place)
        .map(drop)
}

/// Adds some of the words that are missing; says whether there may be more.
pub(super) fn catch_up(connection: &mut Connection, place: &Place) -> Result<bool, Error> {
    if gap(connection).classify(place)?.is_none() {
        return Ok(false);
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .classify(place)?;
    let more = fill(&transaction).classify(place)?;
    transaction.commit().classify(place)?;
    Ok(more)
}

fn fill(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    let Some(from) = gap(transaction)? else {
        return Ok(false);
    };
    let query = format!(
        "SELECT id, {} FROM {} WHERE id >= ?1 ORDER BY id LIMIT {ROWS}",
        COLUMNS.join(", "),
        schema::TABLE
    );
    let mut statement = transaction.prepare_cached(&query)?;
    let mut rows = statement.query([from])?;
    let (mut count, mut last) = (0, String::new());
    while let Some(row) = rows.next()? {
        let mut words = BTreeSet::new();
        for index in 1..=COLUMNS.len() {
            if let ValueRef::Text(_) = row.get_ref(index)? {
                let text: String = row.get(index)?;
                words.extend(search::words(&text));
            }
        }
        last = row.get(0)?;
        add(transaction, &last, words)?;
        count += 1;
    }
    let more = count == ROWS;
    if more {
        transaction.execute("UPDATE audit_search_gap SET from_id = ?1", [last])?;
    } else {
        transaction.execute("DELETE FROM audit_search_gap", [])?;
    }
    Ok(more)
}

fn gap(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT from_id FROM audit_search_gap")?
        .query_row([], |row| row.get(0))
        .optional()
}

/// Adds the words of a record, unless they are there.
fn add(transaction: &Transaction<'_>, id: &str, words: BTreeSet<String>) -> rusqlite::Result<()> {
    let is_new = transaction
        .prepare_cached("INSERT OR IGNORE INTO audit_search_ids (id) VALUES (?1)")?
        .execute([id])?;
    if is_new == 0 {
        return Ok(());
    }
    let number = transaction.last_insert_rowid();
    let words: Vec<_> = words.into_iter().collect();
    transaction
        .prepare_cached("INSERT INTO audit_search (rowid, words) VALUES (?1, ?2)")?
        .execute((number, words.join(" ")))
        .map(drop)
}
