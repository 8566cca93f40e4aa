//! Rows per second from the queue into PostgreSQL, beside a plain binary COPY
//! of the same rows into the same table.
//!
//! Ours is timed from a full queue to the last commit: reading frames,
//! sanitizing, encoding, storing. The plain COPY sends bytes that are ready,
//! in batches of the same size. Both take turns; a figure is the median over
//! all rounds. The server is the tests' own, or the one that
//! `AUDIT_TEST_DATABASE_URL` names. Run it with `cargo bench --bench ingest`.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::print_stdout,
    clippy::unwrap_used
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::routing::post;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use serde_json::json;
use tokio_postgres::{Client, NoTls};
use tower::Service;
use tower_audit::{Actor, AuditContext, Auditor, PostgresStore, ResponseBodies};

#[path = "../tests/it/postgres/cluster.rs"]
mod cluster;

const ROUNDS: usize = 5;
const ROWS: usize = 100_000;
const BATCH: usize = 4_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let url = cluster::own_database("bench_ingest").await;
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(connection)
    });
    // The tests' server saves itself the trouble; one that keeps data does not.
    for setting in ["fsync", "full_page_writes"] {
        let statement = format!("ALTER SYSTEM SET {setting} = on");
        client.batch_execute(&statement).await.unwrap();
    }
    client
        .batch_execute("SELECT pg_reload_conf()")
        .await
        .unwrap();
    let (mut ours, mut copy) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        ours.push(store(&url).await);
        let batches = stored_rows(&client).await;
        client.batch_execute("TRUNCATE audit.events").await.unwrap();
        copy.push(plain_copy(&client, batches).await);
        let count = client
            .query_one("SELECT count(*) FROM audit.events", &[])
            .await
            .unwrap();
        assert_eq!(count.get::<_, i64>(0) as usize, ROWS);
        client.batch_execute("TRUNCATE audit.events").await.unwrap();
        println!(
            "round {round}: ours {:>8.0} rows/s   COPY {:>8.0} rows/s",
            ours[round - 1],
            copy[round - 1]
        );
    }
    let (ours, copy) = (median(ours), median(copy));
    println!("{:<12} {:>10}", "variant", "rows/s");
    println!("{:<12} {copy:>10.0}", "plain COPY");
    println!("{:<12} {ours:>10.0}", "ours");
    println!(
        "{}",
        json!({
            "bench": "ingest",
            "copy_rows_s": copy.round(),
            "ours_rows_s": ours.round(),
            "ratio": (ours / copy * 1000.0).round() / 1000.0,
        })
    );
}

/// Fills a queue with what requests leave, and times its way into the table.
async fn store(url: &str) -> f64 {
    let store = PostgresStore::connect(url).await.unwrap();
    let (auditor, writer) = Auditor::builder()
        .store(store)
        .max_queue_size(4 * ROWS)
        .max_queue_bytes(2 << 30)
        .max_batch_size(BATCH)
        .build()
        .unwrap();
    let mut app = Router::new()
        .route("/orders/{id}", post(handle))
        .layer(auditor.layer().response_bodies(ResponseBodies::Always))
        .with_state::<()>(());
    for number in 0..ROWS {
        let response = app.call(request(number)).await.unwrap();
        response.into_body().collect().await.unwrap();
    }
    let start = Instant::now();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(writer.run());
    });
    auditor.flush().await.unwrap();
    let elapsed = start.elapsed();
    let stats = auditor.shutdown(Duration::from_secs(10)).await.unwrap();
    assert_eq!(
        (stats.stored as usize, stats.failed_attempts),
        (ROWS, 0),
        "{stats:?}"
    );
    thread.join().unwrap();
    ROWS as f64 / elapsed.as_secs_f64()
}

async fn handle(audit: AuditContext, body: String) -> ([(&'static str, &'static str); 1], String) {
    audit
        .actor(Actor::user(42).email("ada@example.com"))
        .tenant("acme");
    audit.action("order.update").resource("order", 7);
    ([("content-type", "application/json")], body)
}

fn request(number: usize) -> Request<Body> {
    const BODY: &str = r#"{"item":"a pound of tea","count":2,"user":{"name":"ada","password":"open sesame"},"gift":false}"#;
    Request::post(format!("/orders/{}?page=2&sort=name", number % 1_000))
        .header("host", "shop.example")
        .header(
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        )
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .header("authorization", "Bearer 0123456789abcdef0123456789abcdef")
        .header("x-request-id", format!("request-{number}"))
        .extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4711))))
        .body(Body::from(BODY))
        .unwrap()
}

/// The rows of the table in PostgreSQL's binary format, in batches that can be sent as they are.
async fn stored_rows(client: &Client) -> Vec<Bytes> {
    const HEADER: usize = 19;
    let statement = "COPY (SELECT * FROM audit.events ORDER BY id) TO STDOUT (FORMAT binary)";
    let mut stream = Box::pin(client.copy_out(statement).await.unwrap());
    let mut bytes = Vec::new();
    while let Some(part) = stream.next().await {
        bytes.extend_from_slice(&part.unwrap());
    }
    let integer = |at: usize, width: usize| {
        let sign = if bytes[at] >= 0x80 { -1_i64 } else { 0 };
        bytes[at..at + width]
            .iter()
            .fold(sign, |number, byte| number << 8 | i64::from(*byte))
    };
    let (mut batches, mut start, mut at, mut rows) = (Vec::new(), HEADER, HEADER, 0);
    loop {
        let columns = integer(at, 2);
        let is_end = columns < 0;
        if (is_end || rows == BATCH) && rows > 0 {
            batches.push(
                [&bytes[..HEADER], &bytes[start..at], &[0xff, 0xff]]
                    .concat()
                    .into(),
            );
            (start, rows) = (at, 0);
        }
        if is_end {
            return batches;
        }
        at += 2;
        for _ in 0..columns {
            at += 4 + integer(at, 4).max(0) as usize;
        }
        rows += 1;
    }
}

async fn plain_copy(client: &Client, batches: Vec<Bytes>) -> f64 {
    let start = Instant::now();
    for batch in batches {
        let statement = "COPY audit.events FROM STDIN (FORMAT binary)";
        let mut sink = Box::pin(client.copy_in(statement).await.unwrap());
        sink.send(batch).await.unwrap();
        sink.as_mut().finish().await.unwrap();
    }
    ROWS as f64 / start.elapsed().as_secs_f64()
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
