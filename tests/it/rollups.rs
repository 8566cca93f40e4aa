//! Statistics out of rollups are those of the records.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tower_audit::event::Value;
use tower_audit::query::{Dimension, Group, SeriesQuery, StatsOrder, StatsQuery, Totals};
use tower_audit::store::{Batch, Flag};
use tower_audit::{
    AuditReader, AuditStore, EventId, Filter, Kind, MemoryStore, PageRequest, PostgresStore,
    Record, SqliteStore, Timestamp,
};

use crate::postgres::cluster::own_database;

const HOUR_US: i64 = 3_600_000_000;

/// An event as the tests make it up.
#[derive(Clone, Debug)]
struct Made {
    /// Since the start of the time that the tests are about.
    micros: i64,
    action: Option<u8>,
    route: Option<u8>,
    status: Option<u16>,
    success: bool,
    flagged: bool,
    weight: f64,
    duration: Option<i64>,
}

/// Five hours, of which the last one is that before this.
fn start() -> Timestamp {
    let now = Timestamp::now().as_micros();
    Timestamp::from_micros(now - now % HOUR_US - 5 * HOUR_US)
}

fn made() -> impl Strategy<Value = Made> {
    let durations = (0.0..24.0_f64).prop_map(|power| power.exp2() as i64);
    (
        0..5 * HOUR_US,
        prop::option::of(0..6_u8),
        prop::option::of(0..3_u8),
        prop::option::of(prop::sample::select(vec![200, 204, 404, 409, 503])),
        any::<bool>(),
        any::<bool>(),
        prop::sample::select(vec![1.0, 1.0, 2.5, 10.0]),
        prop::option::weighted(0.8, durations),
    )
        .prop_map(
            |(micros, action, route, status, success, flagged, weight, duration)| Made {
                micros,
                action,
                route,
                status,
                success,
                flagged,
                weight,
                duration,
            },
        )
}

fn record(made: &Made, start: Timestamp) -> Record {
    let id = EventId::at(Timestamp::from_micros(start.as_micros() + made.micros));
    let text = |value: String| Value::Text(value.into());
    Record::from_columns(|column| {
        Ok(match column.name() {
            "id" => Value::Uuid(id.as_uuid()),
            "occurred_at" => Value::Time(id.timestamp()),
            "kind" => text(if made.flagged { "auth" } else { "http" }.to_owned()),
            "action" => made
                .action
                .map_or(Value::Null, |action| text(format!("a{action}"))),
            "route" => made
                .route
                .map_or(Value::Null, |route| text(format!("/{route}"))),
            "status" => made
                .status
                .map_or(Value::Null, |status| Value::Int(status.into())),
            "success" => Value::Bool(made.success),
            "flagged" => Value::Bool(made.flagged),
            "sample_weight" => Value::Real(made.weight),
            "duration_us" => made.duration.map_or(Value::Null, Value::Int),
            _ if column.is_required() => Value::Bool(false),
            _ => Value::Null,
        })
    })
    .unwrap()
}

/// Stores records in batches of all sorts, some of them more than once.
async fn store(store: &dyn AuditStore, records: &[Record]) {
    for (number, part) in records.chunks(37).enumerate() {
        let batch = || Batch::new(part.to_vec());
        let again = || Batch::new(part[part.len() / 2..].to_vec());
        let attempts = match number % 5 {
            0 => vec![batch()],
            1 => vec![batch().retry()],
            2 => vec![again(), batch().retry(), batch().retry()],
            3 => vec![batch().recovered(), again().recovered()],
            _ => vec![again().retry(), batch().recovered()],
        };
        for attempt in attempts {
            store.append(&attempt).await.unwrap();
        }
    }
}

fn filters(start: Timestamp) -> Vec<Filter> {
    let at = |minutes: u64| start.plus(Duration::from_secs(60 * minutes));
    let times = [
        Filter::new(),
        Filter::new().from(at(60)).to(at(240)),
        Filter::new().from(at(30)).to(at(200)),
        Filter::new().from(at(130)).to(at(150)),
        Filter::new().from(at(290)),
        Filter::new().to(at(10)),
        Filter::new().from(at(200)).to(at(100)),
    ];
    let conditions: [fn(Filter) -> Filter; 7] = [
        |filter| filter,
        |filter| filter.action("a1").action("a2"),
        |filter| filter.except().route("/1"),
        |filter| filter.status_class(4).status_class(5),
        |filter| filter.status(404),
        |filter| filter.kind(Kind::Auth).action("a3"),
        |filter| filter.success(false),
    ];
    let all = conditions
        .iter()
        .flat_map(|condition| times.iter().map(|time| condition(time.clone())));
    all.collect()
}

const BY: [Option<Dimension>; 5] = [
    None,
    Some(Dimension::Action),
    Some(Dimension::Route),
    Some(Dimension::StatusClass),
    Some(Dimension::Status),
];

fn is_near(found: f64, expected: f64, part: f64) -> bool {
    (found - expected).abs() <= part * expected.abs() + 1e-6
}

#[track_caller]
fn assert_near(found: &Totals, expected: &Totals, what: &str) {
    let exact = [
        (found.events, expected.events),
        (found.failures, expected.failures),
        (found.flagged, expected.flagged),
    ];
    for (found, expected) in exact {
        assert!(is_near(found, expected, 1e-9), "{found} {expected} {what}");
    }
    assert_eq!(
        found.latency.is_some(),
        expected.latency.is_some(),
        "{what}"
    );
    let (Some(found), Some(expected)) = (found.latency, expected.latency) else {
        return;
    };
    assert_eq!(
        (found.min_us, found.max_us),
        (expected.min_us, expected.max_us),
        "{what}"
    );
    assert!(is_near(found.avg_us, expected.avg_us, 1e-9), "{what}");
    for (found, expected) in [
        (found.p50_us, expected.p50_us),
        (found.p95_us, expected.p95_us),
        (found.p99_us, expected.p99_us),
    ] {
        let is_near = is_near(found as f64, expected as f64, 0.05);
        assert!(is_near, "{found} {expected} {what}");
    }
}

/// Compares all that can be asked.
async fn assert_alike(reader: &dyn AuditReader, oracle: &MemoryStore, start: Timestamp) {
    for filter in filters(start) {
        for by in BY {
            let what = format!("{filter:?} {by:?}");
            assert_same_stats(reader, oracle, &filter, by, &what).await;
            assert_same_series(reader, oracle, &filter, by, &what).await;
        }
    }
}

async fn assert_same_stats(
    reader: &dyn AuditReader,
    oracle: &MemoryStore,
    filter: &Filter,
    by: Option<Dimension>,
    what: &str,
) {
    let mut query = StatsQuery::new(filter.clone())
        .top(StatsQuery::MAX_TOP)
        .unwrap();
    if let Some(by) = by {
        query = query.by(by);
    }
    let found = reader.stats(&query).await.unwrap();
    let expected = oracle.stats(&query).await.unwrap();
    assert_eq!(found.scanned_until, None, "{what}");
    assert!(!found.has_more_groups, "{what}");
    assert_near(&found.totals, &expected.totals, what);
    assert_eq!(found.groups.len(), expected.groups.len(), "{what}");
    let groups: HashMap<_, _> = found.groups.iter().map(by_value).collect();
    for group in &expected.groups {
        assert_near(&groups[&group.value], &group.totals, what);
    }
}

fn by_value(group: &Group) -> (Option<String>, Totals) {
    (group.value.clone(), group.totals)
}

async fn assert_same_series(
    reader: &dyn AuditReader,
    oracle: &MemoryStore,
    filter: &Filter,
    by: Option<Dimension>,
    what: &str,
) {
    for minutes in [20, 60, 120] {
        let mut query = SeriesQuery::new(filter.clone())
            .bucket(Duration::from_secs(60 * minutes))
            .unwrap()
            .top(SeriesQuery::MAX_TOP)
            .unwrap();
        if let Some(by) = by {
            query = query.by(by);
        }
        let found = reader.timeseries(&query).await.unwrap();
        let expected = oracle.timeseries(&query).await.unwrap();
        let what = format!("{what} {minutes}");
        assert_eq!(found.points.len(), expected.points.len(), "{what}");
        for (found, expected) in found.points.iter().zip(&expected.points) {
            assert_eq!(found.start, expected.start, "{what}");
            assert_near(&found.totals, &expected.totals, &what);
        }
        assert_eq!(found.groups.len(), expected.groups.len(), "{what}");
        for expected in &expected.groups {
            let same = |group: &&_| same_value(group, expected);
            let found = found.groups.iter().find(same).expect(&what);
            for (found, expected) in found.points.iter().zip(&expected.points) {
                assert_eq!(found.start, expected.start, "{what}");
                assert_near(&found.totals, &expected.totals, &what);
            }
        }
    }
}

fn same_value(a: &tower_audit::query::SeriesGroup, b: &tower_audit::query::SeriesGroup) -> bool {
    a.value == b.value
}

async fn assert_sums_are_right(audit: Arc<dyn AuditStore>) {
    let start = start();
    let mut runner = TestRunner::deterministic();
    let made = prop::collection::vec(made(), 800).new_tree(&mut runner);
    let records: Vec<Record> = made
        .unwrap()
        .current()
        .iter()
        .map(|made| record(made, start))
        .collect();
    let oracle = MemoryStore::new();
    oracle.append(&Batch::new(records.clone())).await.unwrap();
    store(&*audit, &records).await;
    assert_alike(&*audit.reader().unwrap(), &oracle, start).await;
}

#[tokio::test]
async fn statistics_of_sqlite_are_those_of_its_records() {
    let store = SqliteStore::in_memory().await.unwrap();
    assert_sums_are_right(Arc::new(store.scan_budget(Duration::from_secs(60)))).await;
}

#[tokio::test]
async fn statistics_of_postgres_are_those_of_its_records() {
    let url = own_database("rollups").await;
    let store = PostgresStore::builder(&url).scan_budget(Duration::from_secs(60));
    assert_sums_are_right(Arc::new(store.connect().await.unwrap())).await;
}

/// More actions than an hour keeps apart, each with one event more than the one before.
async fn assert_other_values_count(audit: Arc<dyn AuditStore>) {
    let start = start();
    let made = |action: usize| {
        let id = EventId::at(start.plus(Duration::from_micros(action as u64)));
        Record::from_columns(|column| {
            Ok(match column.name() {
                "id" => Value::Uuid(id.as_uuid()),
                "occurred_at" => Value::Time(id.timestamp()),
                "kind" => Value::Text("http".into()),
                "action" => Value::Text(format!("a{action}").into()),
                "sample_weight" => Value::Real(1.0),
                _ if column.is_required() => Value::Bool(true),
                _ => Value::Null,
            })
        })
        .unwrap()
    };
    for part in (0..1_500).collect::<Vec<_>>().chunks(400) {
        let records = part.iter().map(|action| made(*action)).collect();
        audit.append(&Batch::new(records)).await.unwrap();
    }
    let reader = audit.reader().unwrap();
    let all = StatsQuery::new(Filter::new()).by(Dimension::Action);
    let found = reader.stats(&all).await.unwrap();
    assert_eq!(found.totals.events, 1_500.0);
    assert_eq!((found.groups.len(), found.has_more_groups), (10, true));
    for action in [0, 700, 1_499] {
        let one = Filter::new().action(&format!("a{action}"));
        let found = reader.stats(&StatsQuery::new(one)).await.unwrap();
        assert_eq!(found.totals.events, 1.0, "{action}");
    }
}

#[tokio::test]
async fn values_that_sqlite_does_not_keep_apart_are_found_all_the_same() {
    assert_other_values_count(Arc::new(SqliteStore::in_memory().await.unwrap())).await;
}

#[tokio::test]
async fn values_that_postgres_does_not_keep_apart_are_found_all_the_same() {
    let url = own_database("rollups_other").await;
    assert_other_values_count(Arc::new(PostgresStore::connect(&url).await.unwrap())).await;
}

#[tokio::test]
async fn groups_are_ranked_as_asked() {
    let store = SqliteStore::in_memory().await.unwrap();
    let start = start();
    let made = |route, success, duration| Made {
        micros: 0,
        action: None,
        route: Some(route),
        status: None,
        success,
        flagged: false,
        weight: 1.0,
        duration: Some(duration),
    };
    let records = [
        made(0, true, 10),
        made(0, true, 10),
        made(0, true, 10),
        made(1, false, 100),
        made(1, false, 100),
        made(2, false, 1_000),
    ];
    let records = records.iter().map(|made| record(made, start)).collect();
    store.append(&Batch::new(records)).await.unwrap();
    for (order, expected) in [
        (StatsOrder::Events, ["/0", "/1"]),
        (StatsOrder::Failures, ["/1", "/2"]),
        (StatsOrder::P95, ["/2", "/1"]),
    ] {
        let query = StatsQuery::new(Filter::new())
            .by(Dimension::Route)
            .order(order);
        let found = store.stats(&query.top(2).unwrap()).await.unwrap();
        let values: Vec<_> = found
            .groups
            .iter()
            .map(|group| group.value.as_deref())
            .collect();
        assert_eq!(values, expected.map(Some), "{order:?}");
        assert!(found.has_more_groups);
    }
}

/// Changes records behind the store's back, has it repair their hour, and goes on writing.
async fn assert_repaired(
    audit: &dyn AuditStore,
    reader: &dyn AuditReader,
    change: impl AsyncFn(),
    repair: impl AsyncFn(Timestamp),
) {
    let start = start();
    let made = |action, minute: i64| Made {
        micros: minute * HOUR_US / 60,
        action: Some(action),
        route: None,
        status: None,
        success: true,
        flagged: false,
        weight: 1.0,
        duration: None,
    };
    let append = async |made: &[Made]| {
        let records = made.iter().map(|made| record(made, start)).collect();
        audit.append(&Batch::new(records)).await.unwrap();
    };
    let counts = async || -> Vec<(Option<String>, f64)> {
        let query = StatsQuery::new(Filter::new()).by(Dimension::Action);
        let found = reader.stats(&query).await.unwrap();
        let sum: f64 = found.groups.iter().map(|group| group.totals.events).sum();
        assert_eq!(found.totals.events, sum);
        let count = |group: &Group| (group.value.clone(), group.totals.events);
        found.groups.iter().map(count).collect()
    };
    let expected = |counts: &[(u8, f64)]| -> Vec<_> {
        let count = |(action, count): &(u8, f64)| (Some(format!("a{action}")), *count);
        counts.iter().map(count).collect()
    };
    append(&[made(1, 0), made(1, 1), made(1, 2), made(2, 3), made(1, 70)]).await;
    change().await;
    assert_eq!(counts().await, expected(&[(1, 4.0), (2, 1.0)]), "not yet");
    repair(start).await;
    repair(start).await;
    assert_eq!(counts().await, expected(&[(3, 3.0), (1, 1.0), (2, 1.0)]));
    // The same hour, of which the writer knew something else.
    append(&[made(1, 4), made(2, 5), made(2, 71)]).await;
    append(&[made(2, 6)]).await;
    assert_eq!(counts().await, expected(&[(2, 4.0), (3, 3.0), (1, 2.0)]));

    let list = reader.list(&Filter::new(), &PageRequest::default()).await;
    let items = list.unwrap().items;
    let manager = audit.manager().unwrap();
    let of = |action| {
        items
            .iter()
            .find(|item| item.action.as_deref() == Some(action))
    };
    let deleted = manager.delete(&[of("a1").unwrap().id]).await.unwrap();
    let flag = Flag::Up(Some("odd"));
    assert!(manager.set_flag(of("a2").unwrap().id, flag).await.unwrap());
    assert_eq!(deleted, 1);
    assert_eq!(counts().await, expected(&[(2, 4.0), (3, 3.0), (1, 1.0)]));
    let all = reader.stats(&StatsQuery::new(Filter::new())).await.unwrap();
    assert_eq!(all.totals.flagged, 1.0);
}

const CHANGE: &str = "SET action = 'a3' WHERE action = 'a1' AND occurred_at <";

#[tokio::test]
async fn an_hour_of_sqlite_is_repaired() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let end = start().plus(Duration::from_secs(3_600));
    let change = async || {
        let other = rusqlite::Connection::open(&path).unwrap();
        let update = format!("UPDATE audit_events {CHANGE} '{end}'");
        other.execute(&update, []).unwrap();
    };
    let repair = async |time| store.repair_rollups(time).await.unwrap();
    assert_repaired(&store, &store, change, repair).await;
}

#[tokio::test]
async fn an_hour_of_postgres_is_repaired() {
    let url = own_database("rollups_repair").await;
    let store = PostgresStore::connect(&url).await.unwrap();
    let end = start().plus(Duration::from_secs(3_600));
    let change = async || {
        let update = format!("UPDATE audit.events {CHANGE} '{end}'");
        crate::postgres::cluster::execute(&url, &update).await;
    };
    let repair = async |time| store.repair_rollups(time).await.unwrap();
    let reader = store.reader().unwrap();
    assert_repaired(&store, &*reader, change, repair).await;
}

#[tokio::test]
async fn instances_add_up() {
    let url = own_database("rollups_instances").await;
    let start = start();
    let oracle = MemoryStore::new();
    let mut writers = Vec::new();
    for instance in 0..3 {
        let store = PostgresStore::connect(&url).await.unwrap();
        let mut runner = TestRunner::deterministic();
        let made = prop::collection::vec(made(), 120 + instance).new_tree(&mut runner);
        let made = made.unwrap().current();
        let records: Vec<Record> = made.iter().map(|made| record(made, start)).collect();
        oracle.append(&Batch::new(records.clone())).await.unwrap();
        writers.push(tokio::spawn(async move {
            for part in records.chunks(20) {
                store.append(&Batch::new(part.to_vec())).await.unwrap();
            }
            store
        }));
    }
    let mut stores = Vec::new();
    for writer in writers {
        stores.push(writer.await.unwrap());
    }
    let reader = stores[0].reader().unwrap();
    for by in BY {
        let filter = Filter::new();
        assert_same_stats(&*reader, &oracle, &filter, by, &format!("{by:?}")).await;
    }
}
