//! No secret reaches a sink: a canary in every place where one may be, sent
//! through a real server, and then looked for in everything that is kept.

mod positions;
mod search;
mod sinks;

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;

use axum::Router;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::Response;
use tower_audit::AuditContext;
use tower_audit::AuditStore;
use tower_audit::Auditor;
use tower_audit::PostgresStore;
use tower_audit::ResponseBodies;
use tower_audit::SqliteStore;
use tower_audit::TracingSink;
use tower_audit::admin::{Limits, OpenToEveryone, RouterBuilder};

use crate::postgres::cluster;
use positions::Act;
use positions::POSITIONS;
use search::Search;

/// What stands in the path of every request, and has to be found.
const FINCH: &str = "finch";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_canary_is_found_in_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("audit.db");
    let refuse = async || {
        let refusal = "CREATE TRIGGER refuse BEFORE INSERT ON audit_events
                       BEGIN SELECT RAISE(ABORT, 'refused'); END";
        let plain = rusqlite::Connection::open(&file).unwrap();
        plain.execute_batch(refusal).unwrap();
    };
    let trail = Trail::play(SqliteStore::open(&file).await.unwrap(), refuse).await;
    let files = std::fs::read_dir(&directory).unwrap();
    let files: Vec<_> = files
        .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    assert!(search::holds(&files, FINCH), "the files have the rows");
    let held = "refuses a record";
    assert!(search::holds(&files, held), "the files have the quarantine");
    trail.search(&files, "the files");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_canary_is_found_in_postgres() {
    let url = cluster::own_database("canaries").await;
    let refuse = async || {
        let refusal = "ALTER TABLE audit.events ADD CONSTRAINT refuse CHECK (false) NOT VALID";
        cluster::execute(&url, refusal).await;
    };
    sinks::log_statements(&url, FINCH);
    let trail = Trail::play(PostgresStore::connect(&url).await.unwrap(), refuse).await;
    let dump = sinks::dump(&url);
    assert!(search::holds(&dump, FINCH), "the dump has the rows");
    let held = "refused a record";
    assert!(search::holds(&dump, held), "the dump has the quarantine");
    trail.search(&dump, "the dump");
    if let Some(log) = sinks::server_log() {
        assert!(search::holds(&log, FINCH), "the server logs statements");
        trail.search(&log, "the server's log");
    }
}

/// A trail in which every position has left its record.
struct Trail {
    search: Search,
}

impl Trail {
    /// Sends every canary, once to be stored and once, after `refuse`, to be
    /// set aside, and looks for all of them where every store's readers look.
    async fn play(store: impl AuditStore, refuse: impl AsyncFnOnce()) -> Self {
        let log = sinks::log();
        let copies = sinks::Copies::default();
        let builder = Auditor::builder()
            .store(store)
            .sink("copies", copies.sink());
        let builder = builder.sink("log", TracingSink).sink_buffer(100_000);
        let auditor = builder.start().await.unwrap();
        let (address, server) = serve(&auditor).await;
        let (mut canaries, mut marks) = (Vec::new(), Vec::new());
        let mut requests = 0;
        for (number, position) in POSITIONS.iter().enumerate() {
            let canary = position.canary(number);
            let sent = position.requests(number, &canary);
            canaries.push((position.name, canary));
            marks.extend(position.mark(number).map(|mark| (position.name, mark)));
            for raw in sent {
                send_apart(address, raw).await;
                requests += 1;
            }
        }
        auditor.flush().await.unwrap();
        let trail = Self {
            search: Search::new(&canaries),
        };
        let reads = sinks::reads(&auditor, requests).await;
        assert!(search::holds(&reads, FINCH), "the router shows the rows");
        for (name, mark) in marks {
            assert!(search::holds(&reads, &mark), "nothing was read of {name}");
        }
        trail.search(&reads, "the query router");
        trail.search(format!("{:?}", auditor.stats()).as_bytes(), "the numbers");
        refuse().await;
        for (number, position) in POSITIONS.iter().enumerate() {
            let mut sent = position.requests(number, &canaries[number].1);
            send_apart(address, sent.pop().unwrap()).await;
        }
        auditor.flush().await.unwrap();
        server.abort();
        let held = sinks::held(&auditor, POSITIONS.len()).await;
        assert!(search::holds(&held, FINCH), "the quarantine shows the rows");
        trail.search(&held, "the quarantine");
        let stats = auditor
            .shutdown(std::time::Duration::from_secs(30))
            .await
            .unwrap();
        assert_eq!((stats.stored, stats.dropped), (requests, 0), "{stats:?}");
        assert_eq!(stats.quarantined, POSITIONS.len() as u64, "{stats:?}");
        let sinks = auditor.sinks();
        let lost = sinks.iter().any(|sink| sink.sent != stats.offered);
        assert!(!lost, "{sinks:?}");
        let copies = copies.text();
        assert!(search::holds(&copies, FINCH), "the sink has the copies");
        trail.search(&copies, "the copies");
        tracing::info!("the end of {FINCH}");
        let log = log.text();
        assert!(search::holds(&log, FINCH), "the log is kept");
        assert!(
            search::holds(&log, "tower_audit::sink"),
            "the log has the copies"
        );
        trail.search(&log, "the log");
        trail
    }

    #[track_caller]
    fn search(&self, haystack: &[u8], place: &str) {
        let found = self.search.find(haystack);
        assert!(found.is_empty(), "in {place}: {found:#?}");
    }
}

async fn serve(auditor: &Auditor) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let layer = auditor.layer().response_bodies(ResponseBodies::Always);
    let app = Router::new().fallback(act).layer(layer.decode_bodies(true));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    (address, server)
}

/// Does what the position asks for, once the body has come.
async fn act(audit: AuditContext, headers: HeaderMap, body: Body) -> Response<Body> {
    let _ = axum::body::to_bytes(body, usize::MAX).await;
    let number: usize = headers["x-position"].to_str().unwrap().parse().unwrap();
    let position = &POSITIONS[number];
    let canary = position.canary(number);
    match position.act {
        Act::Send(_) | Act::SendCut(_) | Act::SendMarked(_) => Response::new(Body::empty()),
        Act::Say(say) => {
            say(&audit, &canary);
            Response::new(Body::empty())
        }
        Act::Answer(answer) => answer(&canary),
    }
}

async fn send_apart(address: SocketAddr, raw: Vec<u8>) {
    tokio::task::spawn_blocking(move || send(address, &raw))
        .await
        .unwrap();
}

/// Sends the bytes, and reads until the server has done with them.
fn send(address: SocketAddr, raw: &[u8]) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(raw).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 "), "{raw:?}");
}

/// The admin's router over this trail, without limits and without a record of what is read.
fn router(auditor: &Auditor) -> Router {
    let reader = auditor.reader().unwrap();
    RouterBuilder::new(reader, OpenToEveryone::dangerously())
        .limits(Limits::none())
        .build()
}
