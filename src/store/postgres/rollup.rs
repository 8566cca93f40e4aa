//! The table `rollups`: written with the records, and read for statistics.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type};
use tokio_postgres::{Client, GenericClient, Row};

use super::error::{self, Failure};
use super::read::{DIALECT, Reader};
use super::schema::Schema;
use super::values::{Field, Parameter};
use crate::query::{Dimension, Filter};
use crate::store::rollup::{
    self, Bin, Entry, Expressions, Grouping, Histogram, Hour, Key, Label, Ledger, Measures,
    Rollups, Staged, Summed, name_of,
};
use crate::{Error, EventId, Timestamp};

/// The statements that write rollups.
pub(super) struct Statements {
    insert: String,
    update: String,
}

/// What is written of a rollup every time, with the types of its arrays.
const SUMS: &str =
    "records, events, failures, flagged, duration_sum, duration_min, duration_max, durations";
/// What is written of it once.
const KEY: &str = "hour, dimension, value, is_other";

impl Statements {
    pub(super) fn new(schema: &Schema) -> Self {
        let table = schema.table("rollups");
        let set: Vec<String> = SUMS
            .split(", ")
            .map(|name| format!("{name} = new.{name}"))
            .collect();
        Self {
            insert: format!(
                "INSERT INTO {table} (source, slot, {SUMS}, {KEY}) \
                 SELECT $1, new.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
                 AS new (slot, {SUMS}, {KEY})"
            ),
            update: format!(
                "UPDATE {table} AS old SET {} FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10) \
                 AS new (slot, {SUMS}) WHERE old.source = $1 AND old.slot = new.slot",
                set.join(", ")
            ),
        }
    }

    /// Writes what a batch changes. Both statements are sent when this is
    /// first polled; it ends with the answers to them.
    pub(super) async fn write(
        &self,
        client: &impl GenericClient,
        staged: &Staged,
    ) -> Result<(), Failure> {
        let (updated, inserted) = tokio::join!(
            execute(client, &self.update, staged, &staged.updated, false),
            execute(client, &self.insert, staged, &staged.inserted, true)
        );
        let (updated, inserted) = (updated?, inserted?);
        if updated == staged.updated.len() as u64 && inserted == staged.inserted.len() as u64 {
            return Ok(());
        }
        Err(Failure::Repaired)
    }
}

/// Makes the rollups of an hour anew, out of its records. Needs the right to delete them.
pub(super) async fn repair(
    client: &mut Client,
    schema: &Schema,
    statements: &Statements,
    hour: Hour,
) -> Result<(), Error> {
    let (table, events) = (schema.table("rollups"), schema.table("events"));
    let transaction = client.transaction().await.map_err(error::statement)?;
    // Writers write rollups before they commit, so behind this lock none is
    // between the two. One that waits for it finds that its rollups are gone,
    // gives its batch back, and starts anew.
    let clear = format!(
        "LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE; DELETE FROM {table} WHERE hour = {}",
        hour.0
    );
    let cleared = transaction.batch_execute(&clear).await;
    cleared.map_err(error::statement)?;
    let mut sums = Vec::new();
    for part in rollup::parts(&events, hour, &DIALECT, &EXPRESSIONS) {
        let parameters: Vec<Parameter<'_>> = part
            .query
            .parameters
            .iter()
            .map(|(_, value)| Parameter(value))
            .collect();
        let typed: Vec<(&(dyn ToSql + Sync), Type)> = parameters
            .iter()
            .zip(&part.query.parameters)
            .map(|(parameter, (column, _))| (parameter as _, Parameter::type_of(column)))
            .collect();
        let rows = transaction.query_typed(&part.query.text, &typed).await;
        for row in rows.map_err(error::statement)? {
            sums.push(part.rollup(read_sum(&row).map_err(error::statement)?));
        }
    }
    let staged = Ledger::default().stage(sums);
    statements.write(&transaction, &staged).await?;
    transaction.commit().await.map_err(error::statement)
}

async fn execute(
    client: &impl GenericClient,
    statement: &str,
    staged: &Staged,
    rollups: &[(Key, Entry)],
    with_key: bool,
) -> Result<u64, Failure> {
    if rollups.is_empty() {
        return Ok(0);
    }
    let sums = || rollups.iter().map(|(_, entry)| &entry.sum);
    let keys = || rollups.iter().map(|(key, _)| key);
    let timed =
        |sum: &Measures, duration| (sum.duration_min <= sum.duration_max).then_some(duration);
    let source = staged.source.as_bytes();
    let mut parameters = vec![
        Hidden::new(Type::UUID, Raw(source)),
        Hidden::array(
            Type::INT4_ARRAY,
            rollups.iter().map(|(_, entry)| entry.slot),
        ),
        Hidden::array(Type::INT8_ARRAY, sums().map(|sum| sum.rows)),
        Hidden::array(Type::FLOAT8_ARRAY, sums().map(|sum| sum.events)),
        Hidden::array(Type::FLOAT8_ARRAY, sums().map(|sum| sum.failures)),
        Hidden::array(Type::FLOAT8_ARRAY, sums().map(|sum| sum.flagged)),
        Hidden::array(Type::FLOAT8_ARRAY, sums().map(|sum| sum.duration_sum)),
        Hidden::array(
            Type::INT8_ARRAY,
            sums().map(|sum| timed(sum, sum.duration_min)),
        ),
        Hidden::array(
            Type::INT8_ARRAY,
            sums().map(|sum| timed(sum, sum.duration_max)),
        ),
        Hidden::array(
            Type::BYTEA_ARRAY,
            sums().map(|sum| sum.durations.to_bytes()),
        ),
    ];
    if with_key {
        let value = |key: &Key| match &key.label {
            Label::Value(value) => Some(value.clone()),
            Label::Missing | Label::Other => None,
        };
        parameters.extend([
            Hidden::array(Type::INT4_ARRAY, keys().map(|key| key.hour.0)),
            Hidden::array(Type::TEXT_ARRAY, keys().map(|key| name_of(key.dimension))),
            Hidden::array(Type::TEXT_ARRAY, keys().map(value)),
            Hidden::array(
                Type::BOOL_ARRAY,
                keys().map(|key| key.label == Label::Other),
            ),
        ]);
    }
    let typed: Vec<(&(dyn ToSql + Sync), Type)> = parameters
        .iter()
        .map(|parameter| (parameter as _, parameter.0.clone()))
        .collect();
    let result = client.execute_typed(statement, &typed).await;
    result.map_err(|error| Failure::from(error).but_known_ids())
}

/// A parameter and its type. What it holds is not for logs, where
/// `tokio_postgres` writes parameters on request.
struct Hidden<'a>(Type, Box<dyn ToSql + Send + Sync + 'a>);

impl<'a> Hidden<'a> {
    fn new(wire: Type, value: impl ToSql + Send + Sync + 'a) -> Self {
        Self(wire, Box::new(value))
    }

    fn array<T: ToSql + Send + Sync + 'a>(wire: Type, values: impl Iterator<Item = T>) -> Self {
        Self::new(wire, values.collect::<Vec<T>>())
    }
}

impl std::fmt::Debug for Hidden<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("_")
    }
}

type Unencodable = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for Hidden<'_> {
    fn to_sql(&self, wire: &Type, out: &mut BytesMut) -> Result<IsNull, Unencodable> {
        self.1.to_sql_checked(wire, out)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

/// A value as it goes over the wire.
#[derive(Debug)]
struct Raw<'a>(&'a [u8]);

impl ToSql for Raw<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Unencodable> {
        out.extend_from_slice(self.0);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

/// How sums are put to PostgreSQL. The bin is right also where the logarithm
/// is off by one beside a power of two.
pub(super) const EXPRESSIONS: Expressions = Expressions {
    bin: "CASE WHEN duration_us < 16 THEN greatest(duration_us, 0) ELSE \
          (floor(ln(duration_us::float8) / ln(2::float8))::int - 4) * 16 \
          + (duration_us >> (floor(ln(duration_us::float8) / ln(2::float8))::int - 4)) END",
    bucket: |length| {
        format!(
            "date_bin('{length} microseconds', occurred_at, '1970-01-01 00:00:00+00'::timestamptz)"
        )
    },
};

#[async_trait]
impl Rollups for Reader {
    async fn hours(&self) -> Result<Option<(Hour, Hour)>, Error> {
        let text = format!(
            "SELECT min(hour), max(hour) FROM {} WHERE dimension = 'all'",
            self.rollups
        );
        let rows = self.query(&text, &[]).await?;
        let hour = |place| {
            let hour = rows.first().map(|row| row.try_get::<_, Option<i32>>(place));
            let hour = hour.transpose().map_err(error::statement)?;
            Ok::<_, Error>(hour.flatten().map(Hour))
        };
        Ok(hour(0)?.zip(hour(1)?))
    }

    async fn rollups(
        &self,
        dimension: Option<Dimension>,
        hours: &Range<Hour>,
        timeout: Duration,
    ) -> Result<Vec<Summed>, Error> {
        let text = format!(
            "SELECT hour, value, is_other, {SUMS} FROM {} \
             WHERE dimension = '{}' AND hour >= {} AND hour < {}",
            self.rollups,
            name_of(dimension),
            hours.start.0,
            hours.end.0
        );
        let timeout = timeout.min(self.statement_timeout);
        let rows = self.query_within(timeout, &text, &[]).await?;
        let rollups = rows
            .iter()
            .map(|row| read_rollup(row).map_err(error::statement)?);
        rollups.collect()
    }

    async fn sums(
        &self,
        filter: &Filter,
        ids: &Range<EventId>,
        grouping: Grouping,
        timeout: Duration,
    ) -> Result<Vec<Summed>, Error> {
        let query = rollup::group(&self.table, filter, ids, grouping, &DIALECT, &EXPRESSIONS);
        let rows = self
            .query_within(timeout, &query.text, &query.parameters)
            .await?;
        let sums = rows
            .iter()
            .map(|row| read_sum(row).map_err(error::statement));
        sums.collect()
    }
}

/// Fails if the row cannot be read, or, inside, if what it says makes no sense.
fn read_rollup(row: &Row) -> Result<Result<Summed, Error>, tokio_postgres::Error> {
    let durations: &[u8] = row.try_get(10)?;
    let durations = match Histogram::from_bytes(durations) {
        Ok(durations) => durations,
        Err(error) => return Ok(Err(error)),
    };
    let none = Measures::default();
    let label = match row.try_get(1)? {
        Some(value) => Label::Value(value),
        None if row.try_get(2)? => Label::Other,
        None => Label::Missing,
    };
    Ok(Ok(Summed {
        start: Hour(row.try_get(0)?).start(),
        label,
        sum: Measures {
            rows: row.try_get(3)?,
            events: row.try_get(4)?,
            failures: row.try_get(5)?,
            flagged: row.try_get(6)?,
            duration_sum: row.try_get(7)?,
            duration_min: row
                .try_get::<_, Option<i64>>(8)?
                .unwrap_or(none.duration_min),
            duration_max: row
                .try_get::<_, Option<i64>>(9)?
                .unwrap_or(none.duration_max),
            durations,
        },
    }))
}

fn read_sum(row: &Row) -> Result<Summed, tokio_postgres::Error> {
    let value: Option<String> = row.try_get(0)?;
    let start: Option<Start> = row.try_get(1)?;
    Ok(Summed {
        start: start.map_or(Timestamp::default(), |Start(time)| time),
        label: value.map_or(Label::Missing, Label::Value),
        sum: Measures::from(Bin {
            bin: row.try_get(2)?,
            rows: row.try_get(3)?,
            events: row.try_get(4)?,
            failures: row.try_get(5)?,
            flagged: row.try_get(6)?,
            duration_sum: row.try_get(7)?,
            duration_min: row.try_get(8)?,
            duration_max: row.try_get(9)?,
        }),
    })
}

/// When a bucket begins; text where there are no buckets, and then NULL.
struct Start(Timestamp);

impl<'a> tokio_postgres::types::FromSql<'a> for Start {
    fn from_sql(wire: &Type, raw: &'a [u8]) -> Result<Self, Unencodable> {
        Field::from_sql(wire, raw)?.time().map(Self)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
