//! Days that are over get their indexes from upkeep.

use std::time::Duration;

use tokio_postgres::{Client, SimpleQueryMessage};
use tower_audit::event::Value;
use tower_audit::{
    AuditStore, Auditor, Event, EventId, Filter, PageRequest, PostgresStore, Record, Timestamp,
};

use super::fixture::{
    batch, builder, client, execute, named_store, number, reader, role, store, terminate,
};

const DAY: Duration = Duration::from_secs(86_400);

/// A day that is over wherever it is now.
fn closed() -> Timestamp {
    Timestamp::now().minus(3 * DAY).start_of_day()
}

/// The name of the partition of a day.
fn partition(day: Timestamp) -> String {
    format!("events_{}", day.to_string()[..10].replace('-', ""))
}

fn by(actor: &str, time: Timestamp) -> Record {
    let id = EventId::at(time);
    let record = Record::from_columns(|column| {
        Ok(match column.name() {
            "id" => Value::Uuid(id.as_uuid()),
            "occurred_at" => Value::Time(id.timestamp()),
            "kind" => Value::Text("http".into()),
            "actor_id" => Value::Text(actor.to_owned().into()),
            "success" => Value::Bool(!actor.ends_with('9')),
            "flagged" => Value::Bool(false),
            "sample_weight" => Value::Real(1.0),
            _ if column.is_required() => Value::Bool(false),
            _ => Value::Null,
        })
    });
    record.unwrap()
}

/// The names of a partition's indexes without the partition's, the key and the BRIN left out.
async fn indexes(client: &Client, schema: &str, day: Timestamp) -> Vec<String> {
    let query = "SELECT substr(c.relname, 17)::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
                 WHERE i.indrelid = $1::text::regclass AND i.indisvalid \
                 AND c.relname !~ '_(pkey|idx)$' ORDER BY 1";
    let table = format!("{schema}.{}", partition(day));
    let rows = client.query(query, &[&table]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// A store with a record on a day that is over.
async fn with_closed_day(store: &PostgresStore) -> Timestamp {
    store.append(&batch(&[by("ada", closed())])).await.unwrap();
    closed()
}

const ALL: [&str; 16] = [
    "action",
    "actor_email",
    "actor_id",
    "client_ip",
    "failed",
    "flagged",
    "operation_id",
    "parent_id",
    "request_id",
    "resource",
    "route",
    "session_id",
    "status",
    "tenant_id",
    "trace_id",
    "words",
];

#[tokio::test]
async fn a_day_that_is_over_is_indexed_and_today_is_not() {
    let (store, schema) = store().await;
    let day = with_closed_day(&store).await;
    let client = client().await;
    assert_eq!(indexes(&client, &schema, day).await, [""; 0]);
    store.maintain().await.unwrap();
    assert_eq!(indexes(&client, &schema, day).await, ALL);
    for open in [0, 1, 7] {
        let day = Timestamp::now().plus(open * DAY);
        assert_eq!(indexes(&client, &schema, day).await, [""; 0]);
    }
    // Records that come late are stored all the same, and nothing is built twice.
    store.append(&batch(&[by("bob", day)])).await.unwrap();
    store.maintain().await.unwrap();
    assert_eq!(indexes(&client, &schema, day).await, ALL);
}

#[tokio::test]
async fn of_several_instances_one_builds_and_the_others_go_on() {
    let (store, schema) = store().await;
    let day = with_closed_day(&store).await;
    let instances: Vec<_> = (0..4)
        .map(|_| {
            let builder = builder(&schema);
            tokio::spawn(async move { builder.connect().await.unwrap().maintain().await })
        })
        .collect();
    for instance in instances {
        instance.await.unwrap().unwrap();
    }
    // Whoever came last may have found another one at it.
    store.maintain().await.unwrap();
    assert_eq!(indexes(&client().await, &schema, day).await, ALL);
}

#[tokio::test]
async fn an_index_that_is_not_whole_is_built_again() {
    let (store, schema) = store().await;
    let day = with_closed_day(&store).await;
    store.maintain().await.unwrap();
    let client = client().await;
    let name = format!("{}_actor_id", partition(day));
    let oid = format!("SELECT '{schema}.{name}'::regclass::oid::bigint");
    let before = number(&client, &oid).await;
    let break_it =
        format!("UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass");
    execute(&client, &schema, &break_it).await;
    assert_eq!(indexes(&client, &schema, day).await.len(), ALL.len() - 1);
    store.maintain().await.unwrap();
    assert_eq!(indexes(&client, &schema, day).await, ALL);
    assert_ne!(number(&client, &oid).await, before, "it is another one");
}

#[tokio::test]
async fn a_build_that_was_cut_off_is_repeated_and_holds_nobody_up() {
    let (store, schema) = named_store("cut_off").await;
    let day = with_closed_day(&store).await;
    let client = client().await;
    let mut other = super::fixture::client().await;
    // A build waits for whoever has written to the table and is not done.
    let transaction = other.transaction().await.unwrap();
    let touch = format!("UPDATE {schema}.{} SET tags = NULL", partition(day));
    transaction.batch_execute(&touch).await.unwrap();
    let upkeep = {
        let store = store.clone();
        tokio::spawn(async move { store.maintain().await })
    };
    let invalid = format!(
        "SELECT count(*) FROM pg_index WHERE NOT indisvalid AND indrelid = '{schema}.{}'::regclass",
        partition(day)
    );
    while number(&client, &invalid).await == 0 {
        tokio::task::yield_now().await;
    }

    // Meanwhile the day takes records, and can be read.
    store.append(&batch(&[by("bob", day)])).await.unwrap();
    let page = PageRequest::default();
    let bob = Filter::new().actor_id("bob");
    assert_eq!(
        reader(&store).list(&bob, &page).await.unwrap().items.len(),
        1
    );
    // Another hour has passed: the partitions ahead are made, and the index is left to who builds it.
    store.maintain().await.unwrap();

    assert_eq!(terminate(&client, "cut_off upkeep").await, 1);
    assert!(upkeep.await.unwrap().unwrap_err().is_transient());
    transaction.rollback().await.unwrap();
    assert_eq!(number(&client, &invalid).await, 1);
    store.maintain().await.unwrap();
    assert_eq!(number(&client, &invalid).await, 0);
    assert_eq!(indexes(&client, &schema, day).await, ALL);
}

#[tokio::test]
async fn neither_the_writer_nor_its_shutdown_waits_for_a_build() {
    let (store, schema) = named_store("unhurried").await;
    let day = with_closed_day(&store).await;
    let client = client().await;
    let mut other = super::fixture::client().await;
    let transaction = other.transaction().await.unwrap();
    let touch = format!("UPDATE {schema}.{} SET tags = NULL", partition(day));
    transaction.batch_execute(&touch).await.unwrap();
    let auditor = Auditor::builder().store(store).start().await.unwrap();
    let invalid = format!(
        "SELECT count(*) FROM pg_index WHERE NOT indisvalid AND indrelid = '{schema}.{}'::regclass",
        partition(day)
    );
    while number(&client, &invalid).await == 0 {
        tokio::task::yield_now().await;
    }
    auditor.record(Event::activity("thing.do"));
    auditor.flush().await.unwrap();
    let events = format!("SELECT count(*) FROM {schema}.events");
    assert_eq!(number(&client, &events).await, 2);
    auditor.shutdown(Duration::from_secs(10)).await.unwrap();
    assert_eq!(number(&client, &invalid).await, 1, "the build still waits");
    terminate(&client, "unhurried upkeep").await;
}

#[tokio::test]
async fn a_role_that_owns_nothing_goes_on_without() {
    let (store, schema) = store().await;
    let day = with_closed_day(&store).await;
    let client = client().await;
    let limited = role(&client, &schema).await.connect().await.unwrap();
    limited.maintain().await.unwrap();
    limited.maintain().await.unwrap();
    assert_eq!(indexes(&client, &schema, day).await, [""; 0]);
}

async fn plan(client: &Client, explain: &str) -> serde_json::Value {
    let messages = client.simple_query(explain).await.unwrap();
    let text = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    serde_json::from_str(text.unwrap()).unwrap()
}

/// The names of the indexes that a plan uses, deep down.
fn used(plan: &serde_json::Value, names: &mut Vec<String>) {
    if let Some(name) = plan["Index Name"].as_str() {
        names.push(name.to_owned());
    }
    for child in plan["Plans"].as_array().into_iter().flatten() {
        used(child, names);
    }
}

#[tokio::test]
async fn a_rare_actor_among_many_is_found_by_its_index() {
    let (store, schema) = store().await;
    let day = closed();
    let micros = |number: u64| Duration::from_micros(number * 1_000);
    let records: Vec<_> = (0..20_000)
        .map(|number| {
            by(
                &format!("actor-{}", number % 1_000),
                day.plus(micros(number)),
            )
        })
        .collect();
    store.append(&batch(&records)).await.unwrap();
    store.maintain().await.unwrap();
    let client = client().await;
    for (condition, index) in [
        ("(actor_id = 'actor-7')", "actor_id"),
        ("(actor_id = 'actor-7' OR actor_id = 'actor-8')", "actor_id"),
        ("(flagged = true)", "flagged"),
        ("(status = 404)", "status"),
        ("(status BETWEEN 500 AND 599)", "status"),
    ] {
        let explain = format!(
            "EXPLAIN (FORMAT JSON) SELECT * FROM {schema}.events WHERE id >= '{}' AND id < '{}' \
             AND {condition} ORDER BY id DESC LIMIT 51",
            EventId::lower_bound(day),
            EventId::lower_bound(day.plus(DAY)),
        );
        let plan = plan(&client, &explain).await;
        let mut names = Vec::new();
        used(&plan[0]["Plan"], &mut names);
        let expected = format!("{}_{index}", partition(day));
        assert!(names.contains(&expected), "{condition}: {plan:#}");
    }
    let rare = Filter::new().actor_id("actor-7");
    let page = PageRequest::default();
    assert_eq!(
        reader(&store).list(&rare, &page).await.unwrap().items.len(),
        20
    );
}
