//! A partition per UTC day, made before anybody needs it.

use std::collections::BTreeSet;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, GenericClient};

use super::error;
use super::schema::Schema;
use crate::{Error, EventId, Record, Timestamp};

/// How many days ahead partitions are made.
const DAYS_AHEAD: i64 = 7;
/// How many partitions one transaction makes; each takes some of the server's locks.
const DAYS_AT_ONCE: usize = 32;

/// The start of a UTC day that has a partition of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(Timestamp);

impl Day {
    /// Takes everything older, too.
    const FIRST: Self = Self(Timestamp::from_micros(0));
    /// 9999-12-30, which takes everything newer, too.
    const LAST: Self = Self(Timestamp::from_micros(253_402_128_000_000_000));

    fn of_time(time: Timestamp) -> Self {
        Self(time.start_of_day()).clamp(Self::FIRST, Self::LAST)
    }

    /// The day whose partition takes an id, be it a UUID of version 7 or not.
    pub(super) fn of(id: EventId) -> Self {
        let day = Self::of_time(id.timestamp());
        // Other versions may sort before the first id of their own time.
        if id < EventId::lower_bound(day.0) {
            return Self::of_time(day.0.plus_days(-1));
        }
        day
    }

    fn name(self) -> String {
        let date: String = self.0.to_string().chars().take(10).collect();
        format!("events_{}", date.replace('-', ""))
    }

    /// The statements that make the day's partition.
    ///
    /// `ATTACH` waits for nobody who reads or writes, unlike `PARTITION OF`.
    fn create(self, schema: &Schema) -> String {
        let bound = |day: Timestamp| format!("'{}'", EventId::lower_bound(day));
        let from = match self {
            Self::FIRST => "MINVALUE".to_owned(),
            day => bound(day.0),
        };
        let to = match self {
            Self::LAST => "MAXVALUE".to_owned(),
            day => bound(day.0.plus_days(1)),
        };
        let (events, day) = (schema.table("events"), schema.table(&self.name()));
        format!(
            "CREATE TABLE IF NOT EXISTS {day} (LIKE {events} INCLUDING ALL); \
             ALTER TABLE {events} ATTACH PARTITION {day} FOR VALUES FROM ({from}) TO ({to});"
        )
    }
}

/// The name of the partition that takes what happens then. Names sort as days do.
pub(super) fn name_at(time: Timestamp) -> String {
    Day::of_time(time).name()
}

/// Whether a name is one that partitions have here, rather than one that somebody else chose.
pub(super) fn is_name(name: &str) -> bool {
    name.strip_prefix("events_")
        .is_some_and(|day| day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Yesterday, for those whose clock is behind, today and the days ahead.
pub(super) fn upcoming(now: Timestamp) -> BTreeSet<Day> {
    (-1..=DAYS_AHEAD)
        .map(|days| Day::of_time(now.plus_days(days)))
        .collect()
}

/// The days of some records.
pub(super) fn days(records: &[Record]) -> BTreeSet<Day> {
    records.iter().map(|record| Day::of(record.id)).collect()
}

/// Makes the partitions that are missing. Any number of instances may do so
/// at once; if none is missing, no right is needed.
pub(super) async fn ensure(
    client: &mut Client,
    schema: &Schema,
    days: &BTreeSet<Day>,
) -> Result<(), Error> {
    let missing = missing(client, schema, days.iter().copied()).await?;
    for days in missing.chunks(DAYS_AT_ONCE) {
        create(client, schema, days).await?;
    }
    Ok(())
}

async fn create(client: &mut Client, schema: &Schema, days: &[Day]) -> Result<(), Error> {
    let transaction = client.transaction().await.map_err(error::statement)?;
    schema.lock(&transaction).await?;
    // Others may have been faster while this one waited.
    let missing = missing(&transaction, schema, days.iter().copied()).await?;
    let statements: String = missing.into_iter().map(|day| day.create(schema)).collect();
    transaction
        .batch_execute(&statements)
        .await
        .map_err(error::statement)?;
    transaction.commit().await.map_err(error::statement)
}

/// Fails if what happens now has no partition.
pub(super) async fn require(client: &Client, schema: &Schema, now: Timestamp) -> Result<(), Error> {
    if missing(client, schema, [Day::of_time(now)])
        .await?
        .is_empty()
    {
        return Ok(());
    }
    Err(Error::configuration("today has no partition"))
}

async fn missing(
    client: &impl GenericClient,
    schema: &Schema,
    days: impl IntoIterator<Item = Day>,
) -> Result<Vec<Day>, Error> {
    let query = "SELECT c.relname::text FROM pg_catalog.pg_inherits i \
                 JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid \
                 WHERE i.inhparent = $1::text::regclass";
    let rows = client
        .query_typed(query, &[(&schema.table("events"), Type::TEXT)])
        .await
        .map_err(error::statement)?;
    let there = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<BTreeSet<&str>, _>>()
        .map_err(error::statement)?;
    Ok(days
        .into_iter()
        .filter(|day| !there.contains(day.name().as_str()))
        .collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_partition_is_named_after_its_day() {
        let time: Timestamp = "2024-02-29T23:59:59.999999Z".parse().unwrap();
        assert_eq!(Day::of(EventId::at(time)).name(), "events_20240229");
        assert_eq!(Day::FIRST.name(), "events_19700101");
        assert_eq!(Day::LAST.name(), "events_99991230");
        assert!(is_name(&Day::FIRST.name()) && is_name(&Day::LAST.name()));
        assert!(!is_name("events_2024") && !is_name("events_2024022x"));
    }

    #[test]
    fn the_week_ahead_has_partitions() {
        let days = upcoming(Timestamp::now());
        assert_eq!(days.len(), 9);
    }

    proptest! {
        #[test]
        fn the_day_of_any_id_takes_it(bits in any::<u128>()) {
            let id = EventId::from(Uuid::from_u128(bits));
            let day = Day::of(id);
            prop_assert!(day == Day::FIRST || EventId::lower_bound(day.0) <= id);
            prop_assert!(day == Day::LAST || id < EventId::lower_bound(day.0.plus_days(1)));
        }

        #[test]
        fn the_day_of_an_id_around_midnight_takes_it(day in 0..40_000_i64, low in any::<u64>(), rand in any::<u16>(), before in any::<bool>()) {
            let millis = (day as u64 * 86_400_000).saturating_sub(u64::from(before));
            let id = EventId::from(Uuid::from_u64_pair(millis << 16 | u64::from(rand), low));
            let day = Day::of(id);
            prop_assert!(day == Day::FIRST || EventId::lower_bound(day.0) <= id);
            prop_assert!(day == Day::LAST || id < EventId::lower_bound(day.0.plus_days(1)));
        }
    }
}
