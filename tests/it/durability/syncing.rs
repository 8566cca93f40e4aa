//! A disk that takes its time to sync, or does not.

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{spawn_blocking, yield_now};
use tower::ServiceExt;
use tower_audit::HealthProblem;

use super::strict::{App, down, strict};
use super::{Process, directory};
use crate::support::{GatedStore, assert_accounted};

/// With one thread for all disks, which [`Gate`] may hold.
fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .max_blocking_threads(1)
        .build()
        .unwrap()
}

/// While it is there nothing is synced, and the time stands still.
struct Gate(#[allow(dead_code)] mpsc::Sender<()>);

impl Gate {
    fn new() -> Self {
        let (sender, receiver) = mpsc::channel();
        spawn_blocking(move || receiver.recv());
        Self(sender)
    }
}

/// Lets all others do what they can.
async fn others() {
    for _ in 0..100 {
        yield_now().await;
    }
}

async fn status(router: Router) -> u16 {
    let request = Request::get("/").body(Body::empty()).unwrap();
    router.oneshot(request).await.unwrap().status().as_u16()
}

/// Takes away the directory of the one process there is.
fn move_away(directory: &TempDir) {
    let mut entries = std::fs::read_dir(directory.path()).unwrap();
    let home: PathBuf = entries.next().unwrap().unwrap().path();
    std::fs::rename(home, directory.path().join("away")).unwrap();
}

#[test]
fn an_early_word_stays_until_what_replaces_it_is_synced() {
    runtime().block_on(async {
        let directory = directory();
        let app = App::new(strict(&down(), &directory));
        let auditor = &app.process.auditor;
        let head = app.head("/").await;
        let gate = Gate::new();
        drop(head);
        // It waits for the writer, which therefore reads at once.
        let waiting = tokio::spawn(status(app.router.clone()));
        others().await;
        let stats = auditor.stats();
        assert_eq!((stats.queued, stats.journal_records), (0, 3), "{stats:?}");
        drop(gate);
        assert_eq!(waiting.await.unwrap(), 200);
        while auditor.stats().journal_records > 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(auditor.stats().offered, 2);
    });
}

#[test]
fn a_request_whose_early_word_could_not_be_synced_is_refused_and_stored_once() {
    runtime().block_on(async {
        let directory = directory();
        let store = GatedStore::default();
        let app = App::new(strict(&store, &directory));
        let gate = Gate::new();
        let waiting = tokio::spawn(status(app.router.clone()));
        others().await;
        assert_eq!(app.process.auditor.stats().journal_records, 1);
        move_away(&directory);
        drop(gate);
        assert_eq!((waiting.await.unwrap(), app.handled()), (503, 0));
        let problems = app.process.auditor.health().problems;
        assert!(problems.contains(&HealthProblem::JournalUnavailable));
        app.process.auditor.flush().await.unwrap();
        let records = store.memory.records();
        assert_accounted(app.process.auditor.stats(), &records);
        let [record] = &records[..] else {
            panic!("one request: {records:?}");
        };
        assert_eq!(record.status, Some(503));
        assert!(record.error.as_deref().unwrap().contains("journal"));
    });
}

#[test]
fn what_could_neither_be_synced_nor_written_again_counts_as_lost_at_the_end() {
    runtime().block_on(async {
        let directory = directory();
        let process = Process::start(strict(&down(), &directory));
        let auditor = process.auditor.clone();
        let gate = Gate::new();
        process.record(5);
        let flushing = tokio::spawn(async move { auditor.flush().await });
        others().await;
        assert_eq!(process.auditor.stats().journal_records, 5);
        // No new home can be made in a file.
        let away = directory.path().with_extension("away");
        std::fs::rename(directory.path(), &away).unwrap();
        std::fs::write(directory.path(), "").unwrap();
        drop(gate);
        let end = process.auditor.shutdown(Duration::from_secs(3)).await;
        assert!(end.unwrap_err().is_timeout());
        assert!(flushing.await.unwrap().is_err());
        let stats = process.auditor.stats();
        assert_eq!((stats.dropped_shutdown_timeout, stats.pending), (5, 0));
        std::fs::remove_file(directory.path()).unwrap();
        std::fs::rename(away, directory.path()).unwrap();
    });
}
