//! The table `audit_rollups`: written with the records, and read for statistics.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::error::Classify;
use super::place::Place;
use super::read::prepare;
use super::{SqliteStore, functions, schema};
use crate::query::{Dimension, Filter};
use crate::store::rollup::{
    self, Bin, Expressions, Grouping, Histogram, Hour, Key, Label, MAX_VALUES, Measures, Rollups,
    Sum, Summed, Tally, name_of,
};
use crate::store::sql::Query;
use crate::{Error, EventId, Record, Timestamp};

const SUMS: &str =
    "records, events, failures, flagged, duration_sum, duration_min, duration_max, durations";
const IS_KEY: &str =
    "dimension = ?1 AND hour = ?2 AND value = ?3 AND is_missing = ?4 AND is_other = ?5";

/// How sums are put to SQLite.
const EXPRESSIONS: Expressions = Expressions {
    bin: "duration_bin(duration_us)",
    bucket: |length| format!("time_bucket(id, {length})"),
};

/// Adds records that are stored in the same transaction. Nobody else writes
/// meanwhile, so what is there is read, added to and written back.
pub(super) fn add<'a>(
    transaction: &Transaction<'_>,
    records: impl IntoIterator<Item = &'a Record>,
    place: &Place,
) -> Result<(), Error> {
    add_sums(transaction, Tally::of(records), place)
}

/// Makes the rollups of an hour anew, out of its records.
pub(super) fn repair(connection: &mut Connection, hour: Hour, place: &Place) -> Result<(), Error> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .classify(place)?;
    transaction
        .execute("DELETE FROM audit_rollups WHERE hour = ?", [hour.0])
        .classify(place)?;
    for part in rollup::parts(schema::TABLE, hour, &functions::DIALECT, &EXPRESSIONS) {
        let rows = sums(&transaction, &part.query, place)?;
        let rows = rows.into_iter().map(|row| part.rollup(row));
        add_sums(&transaction, rows, place)?;
    }
    transaction.commit().classify(place)
}

fn add_sums(
    transaction: &Transaction<'_>,
    sums: impl IntoIterator<Item = (Key, Measures)>,
    place: &Place,
) -> Result<(), Error> {
    for (mut key, sum) in sums {
        let mut known = get(transaction, &key, place)?;
        if known.is_none()
            && matches!(key.label, Label::Value(_))
            && values(transaction, &key, place)? >= MAX_VALUES
        {
            key.label = Label::Other;
            known = get(transaction, &key, place)?;
        }
        let mut total = known.unwrap_or_default();
        total.merge(&sum);
        put(transaction, &key, &total, place)?;
    }
    Ok(())
}

fn get(transaction: &Transaction<'_>, key: &Key, place: &Place) -> Result<Option<Measures>, Error> {
    let text = format!("SELECT {SUMS} FROM audit_rollups WHERE {IS_KEY}");
    let mut statement = transaction.prepare_cached(&text).classify(place)?;
    let found = statement.query_row(
        params![
            name_of(key.dimension),
            key.hour.0,
            value_of(key),
            key.label == Label::Missing,
            key.label == Label::Other
        ],
        |row| measures(row, 0),
    );
    found.optional().classify(place)?.transpose()
}

fn put(
    transaction: &Transaction<'_>,
    key: &Key,
    sum: &Measures,
    place: &Place,
) -> Result<(), Error> {
    let text = format!(
        "INSERT OR REPLACE INTO audit_rollups \
         (dimension, hour, value, is_missing, is_other, {SUMS}) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
    );
    let mut statement = transaction.prepare_cached(&text).classify(place)?;
    let is_timed = sum.duration_min <= sum.duration_max;
    let values = params![
        name_of(key.dimension),
        key.hour.0,
        value_of(key),
        key.label == Label::Missing,
        key.label == Label::Other,
        sum.rows,
        sum.events,
        sum.failures,
        sum.flagged,
        sum.duration_sum,
        is_timed.then_some(sum.duration_min),
        is_timed.then_some(sum.duration_max),
        sum.durations.to_bytes(),
    ];
    statement.execute(values).classify(place).map(drop)
}

/// How many values the dimension of a key has in its hour.
fn values(transaction: &Transaction<'_>, key: &Key, place: &Place) -> Result<usize, Error> {
    let text = "SELECT count(*) FROM audit_rollups WHERE dimension = ?1 AND hour = ?2";
    let mut statement = transaction.prepare_cached(text).classify(place)?;
    let key = params![name_of(key.dimension), key.hour.0];
    let count: i64 = statement.query_row(key, |row| row.get(0)).classify(place)?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

fn value_of(key: &Key) -> &str {
    match &key.label {
        Label::Value(value) => value,
        Label::Missing | Label::Other => "",
    }
}

/// The sums from this place on. Fails if the row cannot be read, or, inside,
/// if what it says makes no sense.
fn measures(row: &Row<'_>, first: usize) -> rusqlite::Result<Result<Measures, Error>> {
    let none = Measures::default();
    let durations = row.get_ref(first + 7)?.as_blob()?;
    let durations = match Histogram::from_bytes(durations) {
        Ok(durations) => durations,
        Err(error) => return Ok(Err(error)),
    };
    Ok(Ok(Measures {
        rows: row.get(first)?,
        events: row.get(first + 1)?,
        failures: row.get(first + 2)?,
        flagged: row.get(first + 3)?,
        duration_sum: row.get(first + 4)?,
        duration_min: row
            .get::<_, Option<i64>>(first + 5)?
            .unwrap_or(none.duration_min),
        duration_max: row
            .get::<_, Option<i64>>(first + 6)?
            .unwrap_or(none.duration_max),
        durations,
    }))
}

#[async_trait]
impl Rollups for SqliteStore {
    async fn hours(&self) -> Result<Option<(Hour, Hour)>, Error> {
        self.database
            .read(self.query_timeout, |connection, place| {
                let text = "SELECT min(hour), max(hour) FROM audit_rollups WHERE dimension = 'all'";
                let row = connection.query_row(text, [], |row| Ok((row.get(0)?, row.get(1)?)));
                let (first, last): (Option<i32>, Option<i32>) = row.classify(place)?;
                Ok(first.map(Hour).zip(last.map(Hour)))
            })
            .await
    }

    async fn rollups(
        &self,
        dimension: Option<Dimension>,
        hours: &Range<Hour>,
        timeout: Duration,
    ) -> Result<Vec<Summed>, Error> {
        let hours = hours.clone();
        self.database
            .read(timeout.min(self.query_timeout), move |connection, place| {
                rollups(connection, dimension, &hours, place)
            })
            .await
    }

    async fn sums(
        &self,
        filter: &Filter,
        ids: &Range<EventId>,
        grouping: Grouping,
        timeout: Duration,
    ) -> Result<Vec<Summed>, Error> {
        let query = rollup::group(
            schema::TABLE,
            filter,
            ids,
            grouping,
            &functions::DIALECT,
            &EXPRESSIONS,
        );
        self.database
            .read(timeout, move |connection, place| {
                sums(connection, &query, place)
            })
            .await
    }
}

fn rollups(
    connection: &Connection,
    dimension: Option<Dimension>,
    hours: &Range<Hour>,
    place: &Place,
) -> Result<Vec<Summed>, Error> {
    let text = format!(
        "SELECT hour, value, is_missing, is_other, {SUMS} FROM audit_rollups
         WHERE dimension = ? AND hour >= ? AND hour < ?"
    );
    let mut statement = connection.prepare_cached(&text).classify(place)?;
    let key = params![name_of(dimension), hours.start.0, hours.end.0];
    let mut rows = statement.query(key).classify(place)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().classify(place)? {
        let label = match (row.get(2).classify(place)?, row.get(3).classify(place)?) {
            (true, _) => Label::Missing,
            (_, true) => Label::Other,
            _ => Label::Value(row.get(1).classify(place)?),
        };
        found.push(Summed {
            start: Hour(row.get(0).classify(place)?).start(),
            label,
            sum: measures(row, 4).classify(place)??,
        });
    }
    Ok(found)
}

fn sums(connection: &Connection, query: &Query, place: &Place) -> Result<Vec<Summed>, Error> {
    let mut statement = prepare(connection, query, None, place)?;
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next().classify(place)? {
        found.push(summed(row).classify(place)?);
    }
    Ok(found)
}

fn summed(row: &Row<'_>) -> rusqlite::Result<Summed> {
    let start: Option<i64> = row.get(1)?;
    Ok(Summed {
        start: Timestamp::from_micros(start.unwrap_or_default()),
        label: row
            .get::<_, Option<String>>(0)?
            .map_or(Label::Missing, Label::Value),
        sum: Measures::from(Bin {
            bin: row.get(2)?,
            rows: row.get(3)?,
            events: row.get(4)?,
            failures: row.get(5)?,
            flagged: row.get(6)?,
            duration_sum: row.get(7)?,
            duration_min: row.get(8)?,
            duration_max: row.get(9)?,
        }),
    })
}
