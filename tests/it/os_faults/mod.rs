//! Faults that the kernel brings about, under the quickstart as a program:
//! disks without room or right, limits, calls that fail, a database that is locked.
//!
//! Each request has a number of its own. One that was answered is an obligation: its
//! record has to be in the store in the end, once.
//!
//! They need `unshare` and `nsenter` with the right to mount something in a namespace of
//! their own, and `strace` with the right to trace. Without these they fail, and say so.

mod disks;
mod limits;
mod outages;
mod syscalls;
mod system;
mod trail;

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::quickstart::program::Quickstart;

const JOURNAL: (&str, &str) = ("AUDIT_JOURNAL_DIR", "journal");
const STRICT: (&str, &str) = ("AUDIT_DURABILITY", "strict");

/// A new directory, with one for the journal in it.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("journal")).unwrap();
    directory
}

/// Keeps the program from writing to its database, until it is dropped.
struct Outage {
    _lock: Connection,
}

impl Outage {
    fn begin(directory: &Path) -> Self {
        let lock = Connection::open(directory.join("audit-quickstart.db")).unwrap();
        lock.busy_timeout(Duration::from_secs(10)).unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self { _lock: lock }
    }
}

/// Sends a request of this number, and says what became of it.
async fn send(app: &Quickstart, number: usize) -> Option<StatusCode> {
    let request = Request::get(format!("/orders/{number}"))
        .header("x-request-id", number.to_string())
        .body(Body::empty())
        .unwrap();
    let answer = in_time("a request is answered", app.send(request)).await;
    answer.ok().map(|(status, _)| status)
}

/// Sends requests of which each has to be served.
async fn serve(app: &Quickstart, numbers: Range<usize>) -> Vec<usize> {
    for number in numbers.clone() {
        let status = send(app, number).await;
        assert_eq!(
            status,
            Some(StatusCode::NOT_FOUND),
            "{number}: {}",
            app.log()
        );
    }
    numbers.collect()
}

/// Sends requests, and returns those that were served. The others were refused.
async fn serve_or_refuse(app: &Quickstart, numbers: Range<usize>) -> Vec<usize> {
    let mut served = Vec::new();
    for number in numbers {
        match send(app, number).await {
            Some(StatusCode::NOT_FOUND) => served.push(number),
            status => assert_eq!(status, Some(StatusCode::SERVICE_UNAVAILABLE), "{number}"),
        }
    }
    served
}

/// Sends requests until one is served, which it returns.
async fn serve_again(app: &Quickstart, first: usize) -> usize {
    let served = async {
        let mut number = first;
        while serve_or_refuse(app, number..number + 1).await.is_empty() {
            number += 1;
        }
        number
    };
    in_time("a request is served again", served).await
}

async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(60);
    let done = tokio::time::timeout(limit, work).await;
    done.unwrap_or_else(|_| panic!("within a minute {what}"))
}

/// Waits until it has logged this.
async fn logged(app: &Quickstart, text: &str) {
    let logged = async {
        while !app.log().contains(text) {
            tokio::task::yield_now().await;
        }
    };
    in_time(&format!("it logs: {text}"), logged).await;
}

/// Waits until a request that is sent now is in the store, and with it all before it.
async fn caught_up(app: &Quickstart, number: usize) -> usize {
    serve(app, number..number + 1).await;
    app.records(&format!("request_id={number}"), 1).await;
    number
}
