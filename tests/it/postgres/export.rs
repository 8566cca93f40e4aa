//! Exports, in constant memory and no longer than somebody wants them.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use tokio_postgres::Client;
use tower::ServiceExt;
use tower_audit::admin::{self, OpenToEveryone};
use tower_audit::event::Column;
use tower_audit::{AuditStore, Filter, PostgresStore};

use super::fixture::{
    activities, batch, client, full, named_builder, named_store, number, reader, schema,
    wait_for_lock,
};

/// The rows of the large export, unless the environment says otherwise.
const ROWS: usize = 20_000;

/// Copies the one row that is there, all over the coming day.
async fn multiply(client: &Client, schema: &str, rows: usize) {
    let rest: Vec<_> = Column::all()[2..].iter().map(Column::name).collect();
    let rest = rest.join(", ");
    let statement = format!(
        "INSERT INTO {schema}.events (id, occurred_at, {rest}) \
         SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008' \
                 || lpad(to_hex(number), 15, '0'))::uuid, at, {rest} \
         FROM {schema}.events, \
              (SELECT number, now() + interval '1 day' + number * interval '10 ms' AS at \
               FROM generate_series(1, {}) number) copies",
        rows - 1
    );
    client.batch_execute(&statement).await.unwrap();
}

fn router(store: &PostgresStore) -> Router {
    admin::router(reader(store), OpenToEveryone::dangerously())
}

/// Resident memory at its highest, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<usize>().unwrap() * 1024
}

/// `AUDIT_TEST_EXPORT_ROWS=1000000` makes it a large one.
#[tokio::test]
async fn an_export_of_any_size_takes_constant_memory() {
    let rows = std::env::var("AUDIT_TEST_EXPORT_ROWS");
    let rows = rows.map_or(ROWS, |rows| rows.parse().unwrap());
    let (store, schema) = named_store("large-export").await;
    store.append(&batch(&[full()])).await.unwrap();
    multiply(&client().await, &schema, rows).await;
    for format in ["csv", "ndjson"] {
        let (before, started) = (peak(), Instant::now());
        let path = format!("/api/export?format={format}");
        let request = Request::get(path).body(Body::empty()).unwrap();
        let mut body = router(&store).oneshot(request).await.unwrap().into_body();
        let (mut bytes, mut lines) = (0, 0);
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            bytes += data.len();
            lines += data.iter().filter(|byte| **byte == b'\n').count();
        }
        let took = started.elapsed();
        eprintln!("{rows} rows as {format}: {bytes} bytes in {took:?}");
        if format == "ndjson" {
            assert_eq!(lines, rows);
        }
        let grown = peak() - before;
        assert!(grown < 64 * 1024 * 1024, "{grown} bytes of memory");
    }
}

#[tokio::test]
async fn an_export_given_up_ends_on_the_server() {
    let schema = schema();
    let store = named_builder("left-export", &schema)
        .statement_timeout(Duration::from_secs(4))
        .connect()
        .await
        .unwrap();
    store.append(&batch(&activities(1))).await.unwrap();
    let (lock, client) = (client().await, client().await);
    let take = format!("BEGIN; LOCK TABLE {schema}.events IN ACCESS EXCLUSIVE MODE");
    lock.batch_execute(&take).await.unwrap();
    let request = Request::get("/api/export").body(Body::empty()).unwrap();
    tokio::select! {
        answer = router(&store).oneshot(request) => panic!("there is a lock: {answer:?}"),
        () = wait_for_lock(&client, "left-export export") => {}
    }
    let left =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'left-export export'";
    let ended = async { while number(&client, left).await > 0 {} };
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .expect("the query goes on without its client");
}

#[tokio::test]
async fn an_export_keeps_no_list_waiting() {
    let schema = schema();
    let builder = named_builder("own-connections", &schema).max_readers(1);
    let store = builder.connect().await.unwrap();
    store.append(&batch(&activities(3))).await.unwrap();
    let reader = reader(&store);
    let page = reader.export(&Filter::new(), None, 2).await.unwrap();
    assert_eq!(page.items.len(), 2);
    let client = client().await;
    let names =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'own-connections export'";
    assert_eq!(number(&client, names).await, 1);
    let names =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'own-connections reader'";
    assert_eq!(number(&client, names).await, 0);
}
