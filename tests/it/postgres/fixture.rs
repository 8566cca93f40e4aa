//! What the tests share: a schema for each, and records.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{Client, NoTls};
use tower_audit::event::{Column, ColumnType};
use tower_audit::store::Batch;
use tower_audit::{
    AuditReader, AuditStore, Error, Event, PostgresStore, PostgresStoreBuilder, Record, Sanitizer,
};

use super::cluster;

/// A schema that no other test uses.
pub(super) fn schema() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("it_{}_{number}", std::process::id())
}

pub(super) fn builder(schema: &str) -> PostgresStoreBuilder {
    PostgresStore::builder(&cluster::database_url()).schema(schema)
}

/// A store in a schema of its own.
pub(super) async fn store() -> (PostgresStore, String) {
    let schema = schema();
    let store = builder(&schema).connect().await.unwrap();
    (store, schema)
}

pub(super) fn reader(store: &PostgresStore) -> Arc<dyn AuditReader> {
    store.reader().expect("PostgreSQL can be read")
}

/// A connection besides the store's. It lives as long as the test's runtime.
pub(super) async fn client() -> Client {
    let url = cluster::database_url();
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The database of the tests, for another user with the password `pw`.
pub(super) fn url_of(user: &str) -> String {
    let url = cluster::database_url();
    let (scheme, rest) = url.split_once("://").expect("a url");
    let (_, place) = rest.rsplit_once('@').expect("a url with a user");
    format!("{scheme}://{user}:pw@{place}")
}

/// A builder of stores as a role that may only do what a writer has to.
pub(super) async fn role(client: &Client, schema: &str) -> PostgresStoreBuilder {
    let role = format!("{schema}_role");
    let grants = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'pw'; GRANT USAGE ON SCHEMA {schema} TO {role}; \
         GRANT SELECT, INSERT ON {schema}.events, {schema}.quarantine TO {role}; \
         GRANT SELECT, INSERT, UPDATE ON {schema}.rollups TO {role}; \
         GRANT SELECT ON {schema}.schema_migrations TO {role}"
    );
    client.batch_execute(&grants).await.unwrap();
    PostgresStore::builder(&url_of(&role)).schema(schema)
}

/// Ends the connections of one purpose and waits until they are gone.
pub(super) async fn terminate(client: &Client, application: &str) -> i64 {
    let query = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 10000)) \
                 FROM pg_stat_activity WHERE application_name = $1";
    client
        .query_one(query, &[&application])
        .await
        .unwrap()
        .get(0)
}

/// A builder of stores whose connections can be told from those of other tests.
pub(super) fn named_builder(name: &str, schema: &str) -> PostgresStoreBuilder {
    let url = cluster::database_url();
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}application_name={name}");
    PostgresStore::builder(&url).schema(schema)
}

/// A store whose connections can be told from those of other tests.
pub(super) async fn named_store(name: &str) -> (PostgresStore, String) {
    let schema = schema();
    let store = named_builder(name, &schema).connect().await.unwrap();
    (store, schema)
}

/// Returns once a connection of this name waits for a lock.
pub(super) async fn wait_for_lock(client: &Client, application: &str) {
    let query = "SELECT count(*) FROM pg_stat_activity \
                 WHERE application_name = $1 AND wait_event_type = 'Lock'";
    while client
        .query_one(query, &[&application])
        .await
        .unwrap()
        .get::<_, i64>(0)
        == 0
    {
        tokio::task::yield_now().await;
    }
}

/// Executes statements about what is in a schema.
pub(super) async fn execute(client: &Client, schema: &str, statement: &str) {
    let statement = format!("SET search_path = {schema}; {statement}");
    client.batch_execute(&statement).await.unwrap();
}

/// Drops all partitions of the events.
pub(super) async fn drop_partitions(client: &Client, schema: &str) {
    let query = "SELECT string_agg(format('DROP TABLE %s', inhrelid::regclass), '; ') \
                 FROM pg_inherits WHERE inhparent = $1::text::regclass";
    let events = format!("{schema}.events");
    let drop: String = client.query_one(query, &[&events]).await.unwrap().get(0);
    execute(client, schema, &drop).await;
}

/// The one number that a query gives.
pub(super) async fn number(client: &Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.expect(query).get(0)
}

pub(super) fn record(event: Event) -> Record {
    Sanitizer::default().record(event)
}

pub(super) fn activities(count: usize) -> Vec<Record> {
    (0..count)
        .map(|_| record(Event::activity("thing.do")))
        .collect()
}

pub(super) fn batch(records: &[Record]) -> Batch {
    Batch::new(records.to_vec())
}

/// The record with some fields replaced, as a store or a journal could hold it.
#[allow(clippy::needless_pass_by_value)] // `json!(…)` reads better than `&json!(…)`
pub(super) fn altered(record: &Record, fields: serde_json::Value) -> Record {
    let mut json = serde_json::to_value(record).unwrap();
    for (name, value) in fields.as_object().unwrap() {
        json[name] = value.clone();
    }
    serde_json::from_value(json).unwrap()
}

/// A record that has a value in every column.
pub(super) fn full() -> Record {
    let mut fields = serde_json::Map::new();
    for column in Column::all() {
        let value: serde_json::Value = match (column.name(), column.column_type()) {
            ("id" | "occurred_at", _) => continue,
            ("kind", _) => "http".into(),
            ("outcome", _) => "completed".into(),
            ("level", _) => "metadata".into(),
            (_, ColumnType::Uuid) => "018f3c5e-7b2a-7abc-9def-0123456789ab".into(),
            (_, ColumnType::Time) => "2024-02-29T12:00:00.000001Z".into(),
            (name, ColumnType::Text) => format!("{name} \"é\" \\ {{}} \t\n").into(),
            (_, ColumnType::Bool) => true.into(),
            (_, ColumnType::SmallInt) => 404.into(),
            (_, ColumnType::BigInt) => i64::MAX.into(),
            (_, ColumnType::Real) => (-0.1).into(),
            (_, ColumnType::TextList) => {
                serde_json::json!(["a", "", "NULL", "{\"x\", \\}", "é"])
            }
            (_, ColumnType::Json) => serde_json::json!({"b": 1.5, "a": [null, "ü"]}),
            (_, ColumnType::Ip) => "2001:db8::1".into(),
            (name, other) => panic!("{name} has a new type: {other:?}"),
        };
        fields.insert(column.name().to_owned(), value);
    }
    altered(&record(Event::activity("full")), fields.into())
}

/// Everything that an error shows, its causes included.
pub(super) fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    text
}
