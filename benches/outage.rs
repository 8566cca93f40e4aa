//! What an outage of the store costs: memory, latency, and the time to catch up.
//!
//! - *ingest* is the writer's speed from a full queue through the journal into
//!   PostgreSQL; *drain* its speed through what the journal holds once the
//!   server is back, *recover* that of the next process, which cannot know what
//!   is stored already. Each is a median over rounds.
//! - *backlog*: a gigabyte in the journal flows into the server; how far that
//!   moves the peak of the resident memory.
//! - *down* and *slow*: a minute of requests as fast as they can be made, with
//!   a server that is gone and a store that takes a row a second.
//! - *p99*: latencies of a steady load over real sockets while the server is
//!   up and while it is gone, in turns.
//!
//! The server is always one of its own, since it is ended again and again. Run
//! it with `cargo bench --bench outage`.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::print_stdout,
    clippy::unwrap_used
)]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::routing::post;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tower::Service;
use tower_audit::store::Batch;
use tower_audit::{
    Actor, AuditContext, AuditStore, Auditor, AuditorBuilder, Error, PostgresStore, ResponseBodies,
    Stats,
};

#[path = "../tests/it/postgres/cluster.rs"]
mod cluster;

use cluster::Cluster;

const ROUNDS: usize = 3;
const ROWS: usize = 200_000;
const BACKLOG_BYTES: u64 = 1 << 30;
const LOAD_TIME: Duration = Duration::from_secs(60);

const LATENCY_ROUNDS: usize = 10;
const LATENCY_TIME: Duration = Duration::from_secs(3);
const CONNECTIONS: usize = 16;
/// Between two requests of a connection: 2,000 a second in all.
const PAUSE: Duration = Duration::from_millis(8);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let cluster = Cluster::start();
    let url = cluster.url("postgres");
    for setting in ["fsync", "full_page_writes"] {
        cluster::execute(&url, &format!("ALTER SYSTEM SET {setting} = on")).await;
    }
    cluster::execute(&url, "SELECT pg_reload_conf()").await;

    let speeds = speeds(&cluster, &url).await;
    let backlog_growth = backlog(&cluster, &url).await;
    let down_growth = with_server_down(&cluster, &url).await;
    let slow_growth = with_slow_store().await;
    let (up_p99, down_p99) = latencies(&cluster, &url).await;

    let [ingest, drain, recover] = speeds;
    let ratio = |part: f64, whole: f64| (part / whole * 1000.0).round() / 1000.0;
    let line = json!({
        "bench": "outage",
        "ingest_rows_s": ingest.round(),
        "drain_rows_s": drain.round(),
        "recover_rows_s": recover.round(),
        "ratio_drain": ratio(drain, ingest),
        "ratio_recover": ratio(recover, ingest),
        "backlog_growth_mib": backlog_growth,
        "down_growth_mib": down_growth,
        "slow_growth_mib": slow_growth,
        "up_p99_us": up_p99,
        "down_p99_us": down_p99,
        "ratio_p99": ratio(down_p99, up_p99),
    });
    for (name, value) in line.as_object().unwrap().iter().skip(1) {
        println!("{name:<20} {value:>12}");
    }
    println!("{line}");
}

/// Rows per second from the queue, from the own journal, and from the journal of another process.
async fn speeds(cluster: &Cluster, url: &str) -> [f64; 3] {
    let mut samples = [const { Vec::new() }; 3];
    for round in 1..=ROUNDS {
        let directory = tempfile::tempdir().unwrap();
        samples[0].push(ingest(url, directory.path()).await);
        empty(url).await;

        cluster.crash();
        let auditor = start(builder(url).journal(directory.path())).await;
        offer(&auditor, |stats| stats.journal_records as usize >= ROWS).await;
        cluster.restart();
        samples[1].push(drained(&auditor).await);
        empty(url).await;

        cluster.crash();
        offer(&auditor, |stats| stats.journal_records as usize >= ROWS).await;
        auditor.shutdown(Duration::from_secs(10)).await.unwrap();
        cluster.restart();
        let auditor = start(builder(url).journal(directory.path())).await;
        samples[2].push(drained(&auditor).await);
        auditor.shutdown(Duration::from_secs(10)).await.unwrap();
        empty(url).await;
        let last = samples.each_ref().map(|samples| samples[round - 1]);
        println!("round {round}: rows/s from the queue, the journal, another's: {last:.0?}");
    }
    samples.map(median)
}

/// From a full queue to the last commit, with everything written ahead to the journal.
async fn ingest(url: &str, directory: &Path) -> f64 {
    let queue = builder(url)
        .max_queue_size(4 * ROWS)
        .max_queue_bytes(2 << 30);
    let (auditor, writer) = queue.journal(directory).build().unwrap();
    let mut app = app(&auditor);
    for number in 0..ROWS {
        call(&mut app, number).await;
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
    auditor.shutdown(Duration::from_secs(10)).await.unwrap();
    thread.join().unwrap();
    ROWS as f64 / elapsed.as_secs_f64()
}

/// Rows per second from the first one that the store takes until nothing is pending.
async fn drained(auditor: &Auditor) -> f64 {
    let stored_before = auditor.stats().stored;
    while auditor.stats().stored == stored_before {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (first, start) = (auditor.stats().stored, Instant::now());
    while auditor.stats().journal_records > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let rows = auditor.stats().stored - first;
    rows as f64 / start.elapsed().as_secs_f64()
}

/// How far a backlog on disk moves the memory while it flows into the server.
async fn backlog(cluster: &Cluster, url: &str) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    cluster.crash();
    let journal = builder(url).journal(directory.path());
    let auditor = start(journal.journal_max_bytes(2 * BACKLOG_BYTES)).await;
    offer(&auditor, |stats| stats.journal_bytes >= BACKLOG_BYTES).await;
    let held = auditor.stats();
    let before = memory("VmRSS");
    reset_peak();
    cluster.restart();
    let speed = drained(&auditor).await;
    let growth = memory("VmHWM").saturating_sub(before);
    println!(
        "backlog of {} records in {} MiB: {speed:.0} rows/s, memory {before} MiB and {growth} MiB more",
        held.journal_records,
        held.journal_bytes >> 20,
    );
    let stats = auditor.shutdown(Duration::from_secs(10)).await.unwrap();
    assert_eq!(stats.dropped, 0, "{stats:?}");
    empty(url).await;
    growth
}

async fn with_server_down(cluster: &Cluster, url: &str) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    cluster.crash();
    let auditor = start(builder(url).journal(directory.path())).await;
    let growth = full_load("server down", auditor).await;
    cluster.restart();
    growth
}

async fn with_slow_store() -> u64 {
    let directory = tempfile::tempdir().unwrap();
    let builder = Auditor::builder().store(Slow).max_batch_size(5);
    full_load(
        "a row a second",
        start(builder.journal(directory.path())).await,
    )
    .await
}

/// Requests as fast as they can be made; gives how far they move the memory.
async fn full_load(name: &str, auditor: Auditor) -> u64 {
    let mut app = app(&auditor);
    for number in 0..10_000 {
        call(&mut app, number).await;
    }
    let before = memory("VmRSS");
    reset_peak();
    let (start, mut requests) = (Instant::now(), 0);
    while start.elapsed() < LOAD_TIME {
        for _ in 0..100 {
            call(&mut app, requests).await;
            requests += 1;
        }
        tokio::task::yield_now().await;
    }
    let growth = memory("VmHWM").saturating_sub(before);
    let stats = auditor.stats();
    println!(
        "{name}: {:.0} requests/s, memory {before} MiB and {growth} MiB more, {stats}, {} MiB of journal",
        requests as f64 / start.elapsed().as_secs_f64(),
        stats.journal_bytes >> 20,
    );
    // It cannot store the rest in any time that somebody would wait for.
    let _unfinished = auditor.shutdown(Duration::from_secs(1)).await;
    growth
}

/// The median over the rounds of the 99th percentile, with the server up and down.
async fn latencies(cluster: &Cluster, url: &str) -> (f64, f64) {
    let directory = tempfile::tempdir().unwrap();
    let auditor = start(builder(url).journal(directory.path())).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app(&auditor).into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await });
    // The first round warms up.
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for round in 0..=LATENCY_ROUNDS {
        let with = p99(address).await;
        cluster.crash();
        let without = p99(address).await;
        cluster.restart();
        auditor.flush().await.unwrap();
        println!("round {round}: p99 {with:.0} µs up, {without:.0} µs down");
        if round > 0 {
            up.push(with);
            down.push(without);
        }
    }
    server.abort();
    let stats = auditor.shutdown(Duration::from_secs(10)).await.unwrap();
    assert_eq!(stats.dropped, 0, "{stats:?}");
    (median(up), median(down))
}

async fn p99(address: SocketAddr) -> f64 {
    let clients = (0..CONNECTIONS).map(|client| tokio::spawn(latencies_of(client, address)));
    let mut samples = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        samples.extend(client.await.unwrap());
    }
    samples.sort_by(f64::total_cmp);
    samples[samples.len() * 99 / 100]
}

/// The microseconds that each request of one connection takes.
async fn latencies_of(client: usize, address: SocketAddr) -> Vec<f64> {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut samples = Vec::new();
    let end = Instant::now() + LATENCY_TIME;
    let mut pace = tokio::time::interval(PAUSE);
    while Instant::now() < end {
        pace.tick().await;
        let request = request(client).map(|_| Full::new(BODY.as_bytes()));
        let start = Instant::now();
        let response = sender.send_request(request).await.unwrap();
        response.into_body().collect().await.unwrap();
        samples.push(start.elapsed().as_nanos() as f64 / 1000.0);
    }
    samples
}

fn builder(url: &str) -> AuditorBuilder {
    Auditor::builder().store(PostgresStore::open(url).unwrap())
}

async fn start(builder: AuditorBuilder) -> Auditor {
    builder.start().await.unwrap()
}

/// Makes requests until there is enough, never more than the queue has room for.
async fn offer(auditor: &Auditor, is_enough: impl Fn(Stats) -> bool) {
    let mut app = app(auditor);
    while !is_enough(auditor.stats()) {
        if auditor.stats().queued > 2_000 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        for number in 0..100 {
            call(&mut app, number).await;
        }
    }
}

async fn empty(url: &str) {
    cluster::execute(url, "TRUNCATE audit.events").await;
}

fn app(auditor: &Auditor) -> Router {
    Router::new()
        .route("/orders/{id}", post(handle))
        .layer(auditor.layer().response_bodies(ResponseBodies::Always))
        .with_state::<()>(())
}

async fn handle(audit: AuditContext, body: String) -> ([(&'static str, &'static str); 1], String) {
    audit
        .actor(Actor::user(42).email("ada@example.com"))
        .tenant("acme");
    audit.action("order.update").resource("order", 7);
    ([("content-type", "application/json")], body)
}

async fn call(app: &mut Router, number: usize) {
    let response = app.call(request(number)).await.unwrap();
    response.into_body().collect().await.unwrap();
}

const BODY: &str = r#"{"item":"a pound of tea","count":2,"user":{"name":"ada","password":"open sesame"},"gift":false}"#;

fn request(number: usize) -> Request<Body> {
    Request::post(format!("/orders/{}?page=2&sort=name", number % 1_000))
        .header("host", "shop.example")
        .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0)")
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .header("authorization", "Bearer 0123456789abcdef0123456789abcdef")
        .extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4711))))
        .body(Body::from(BODY))
        .unwrap()
}

/// Takes a second for every row.
struct Slow;

#[async_trait]
impl AuditStore for Slow {
    async fn append(&self, batch: &Batch) -> Result<(), Error> {
        tokio::time::sleep(Duration::from_secs(batch.len() as u64)).await;
        Ok(())
    }
}

/// A line of this process's memory, in MiB.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib >> 10
}

/// Lets the peak of the resident memory start from what there is now.
fn reset_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
