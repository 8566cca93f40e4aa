//! Requests that go on only once their record is durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use axum::routing::get;
use tempfile::TempDir;
use tower::ServiceExt;
use tower_audit::{
    Actor, AuditContext, AuditorBuilder, Durability, Event, Level, Outcome, Policy, Record, Rule,
    audited,
};

use super::{Process, directory, files, gaps, small};
use crate::support::{Gate, GatedStore, assert_accounted};

pub(super) struct App {
    pub(super) process: Process,
    pub(super) router: Router,
    handled: Arc<AtomicUsize>,
}

impl App {
    pub(super) fn new(builder: AuditorBuilder) -> Self {
        let process = Process::start(builder);
        let handled = Arc::<AtomicUsize>::default();
        let handler = || {
            let handled = Arc::clone(&handled);
            get(move |audit: AuditContext| async move {
                handled.fetch_add(1, Ordering::Relaxed);
                audit.actor(Actor::user("ada")).action("look");
                "done"
            })
        };
        let router = Router::new()
            .route("/", handler())
            .route("/late", handler().layer(audited().level(Level::Metadata)))
            .route("/never", get(std::future::pending::<()>))
            .layer(process.auditor.layer());
        Self {
            process,
            router,
            handled,
        }
    }

    /// The response's head; the exchange ends with its body.
    pub(super) async fn head(&self, path: &str) -> Response<Body> {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(super) async fn status(&self, path: &str) -> u16 {
        let response = self.head(path).await;
        let status = response.status().as_u16();
        to_bytes(response.into_body(), 1_000).await.unwrap();
        status
    }

    pub(super) fn handled(&self) -> usize {
        self.handled.load(Ordering::Relaxed)
    }
}

pub(super) fn strict(store: &GatedStore, directory: &TempDir) -> AuditorBuilder {
    small(store, directory, Durability::Strict)
}

pub(super) fn down() -> GatedStore {
    GatedStore::new(std::iter::repeat_n(Gate::Fail, 1_000_000))
}

/// What the next process stores of what an earlier one has left.
pub(super) async fn recovered(directory: &TempDir) -> Vec<Record> {
    let store = GatedStore::default();
    let next = Process::start(strict(&store, directory));
    next.record(1);
    next.auditor.flush().await.unwrap();
    next.auditor.shutdown(Duration::from_secs(5)).await.unwrap();
    assert_accounted(next.auditor.stats(), &store.memory.records());
    assert_eq!(files(directory.path()), [""; 0]);
    let mut records = store.memory.records();
    records.retain(|record| record.method.is_some());
    records
}

#[tokio::test(start_paused = true)]
async fn a_request_in_its_ordinary_course_is_stored_once_and_whole() {
    let directory = directory();
    let store = GatedStore::default();
    let app = App::new(strict(&store, &directory));
    for _ in 0..25 {
        assert_eq!(app.status("/").await, 200);
    }
    app.process.auditor.flush().await.unwrap();
    let records = store.memory.records();
    assert_accounted(app.process.auditor.stats(), &records);
    assert_eq!(records.len(), 25);
    for record in &records {
        assert_eq!(
            (record.status, record.outcome),
            (Some(200), Some(Outcome::Completed))
        );
        assert!(
            record.capture_notes.is_empty(),
            "{:?}",
            record.capture_notes
        );
        assert!(record.duration_us.is_some() && record.success);
    }
    app.process
        .auditor
        .shutdown(Duration::from_secs(5))
        .await
        .unwrap();
    assert_eq!(files(directory.path()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn whoever_has_seen_a_response_s_head_finds_the_request_in_the_trail() {
    let directory = directory();
    let app = App::new(strict(&down(), &directory));
    let mut heads = Vec::new();
    for _ in 0..5 {
        heads.push(app.head("/").await);
    }
    app.process.kill().await;
    drop(heads);
    let records = recovered(&directory).await;
    assert_eq!(records.len(), 5);
    for record in records {
        assert_eq!((record.status, record.outcome), (Some(200), None));
        assert_eq!(record.actor_id.as_deref(), Some("ada"));
        assert_eq!(record.capture_notes, ["unfinished"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_within_a_handler_leaves_word_of_the_request() {
    let directory = directory();
    let app = App::new(strict(&down(), &directory));
    let router = app.router.clone();
    let request = Request::get("/never").body(Body::empty()).unwrap();
    let hanging = tokio::spawn(router.oneshot(request));
    app.process.journaled(1).await;
    app.process.kill().await;
    hanging.abort();
    let records = recovered(&directory).await;
    let [record] = &records[..] else {
        panic!("one request: {records:?}");
    };
    assert_eq!(
        (record.path.as_deref(), record.status),
        (Some("/never"), None)
    );
    assert_eq!(record.capture_notes, ["unfinished"]);
}

#[tokio::test(start_paused = true)]
async fn a_finished_request_is_not_told_of_as_unfinished_by_the_next_process() {
    let directory = directory();
    let app = App::new(strict(&down(), &directory));
    for _ in 0..30 {
        assert_eq!(app.status("/").await, 200);
    }
    // The early words of those that have ended do not count any more.
    loop {
        let stats = app.process.auditor.stats();
        if (stats.offered, stats.queued, stats.journal_records) == (30, 0, 30) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    app.process.kill().await;
    let records = recovered(&directory).await;
    assert_eq!(records.len(), 30);
    for record in records {
        assert_eq!(record.outcome, Some(Outcome::Completed));
        assert!(record.capture_notes.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn without_room_in_the_journal_nothing_is_let_in() {
    let directory = directory();
    let store = GatedStore::default();
    let app = App::new(strict(&store, &directory).journal_min_free_bytes(u64::MAX));
    let refused = app.head("/").await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    drop(to_bytes(refused.into_body(), 1_000).await.unwrap());
    assert_eq!(app.handled(), 0);
    app.process.auditor.flush().await.unwrap();
    // The store works, so the refusal is in the trail.
    let records = store.memory.records();
    assert_eq!(records.len(), 1);
    assert!(records[0].error.as_deref().unwrap().contains("journal"));
    assert_eq!(
        app.process.auditor.health().problems,
        [tower_audit::HealthProblem::JournalFull]
    );
}

#[tokio::test(start_paused = true)]
async fn what_turns_out_not_to_be_recorded_leaves_nothing() {
    let directory = directory();
    let policy = Policy::builder().rule(Rule::new().status(200).level(Level::None));
    let app = App::new(strict(&down(), &directory).policy(policy.build().unwrap()));
    for _ in 0..5 {
        assert_eq!(app.status("/").await, 200);
    }
    while app.process.auditor.stats().journal_records > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let stats = app.process.auditor.stats();
    assert_eq!((stats.offered, stats.pending), (0, 0));
    app.process
        .auditor
        .shutdown(Duration::from_secs(5))
        .await
        .unwrap();
    assert!(recovered(&directory).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_route_that_asks_for_a_record_late_is_strict_too() {
    let directory = directory();
    let policy = Policy::builder().level(Level::None).build().unwrap();
    let app = App::new(strict(&down(), &directory).policy(policy));
    let late = app.head("/late").await;
    let none = app.head("/").await;
    assert_eq!((late.status().as_u16(), none.status().as_u16()), (200, 200));
    app.process.kill().await;
    drop((late, none));
    let records = recovered(&directory).await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].path.as_deref(), Some("/late"));
}

#[tokio::test(start_paused = true)]
async fn after_the_shutdown_and_after_the_writer_s_end_nothing_is_let_in() {
    let directory = directory();
    let app = App::new(strict(&GatedStore::default(), &directory));
    app.process
        .auditor
        .shutdown(Duration::from_secs(1))
        .await
        .unwrap();
    assert_eq!((app.status("/").await, app.handled()), (503, 0));
    let app = App::new(strict(&GatedStore::default(), &directory));
    let Process { writer, .. } = app.process;
    writer.abort();
    let _ = writer.await;
    let request = Request::get("/").body(Body::empty()).unwrap();
    let response = app.router.clone().oneshot(request).await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            app.handled.load(Ordering::Relaxed)
        ),
        (503, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn an_orderly_end_with_a_request_under_way_leaves_word_of_it() {
    let directory = directory();
    let app = App::new(strict(&GatedStore::default(), &directory));
    let head = app.head("/").await;
    app.process
        .auditor
        .shutdown(Duration::from_secs(1))
        .await
        .unwrap();
    drop(head);
    let store = GatedStore::default();
    let next = Process::start(strict(&store, &directory));
    next.auditor.flush().await.unwrap();
    while store.memory.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(store.memory.records()[0].capture_notes, ["unfinished"]);
    assert!(gaps(&store.memory, "unclean_end").is_empty());
}

#[tokio::test(start_paused = true)]
async fn with_memory_and_journal_full_requests_are_refused_at_once_and_let_in_again_later() {
    let directory = directory();
    let store = GatedStore::new([Gate::Slow(Duration::from_secs(600))]);
    let builder = strict(&store, &directory)
        .journal_max_bytes(16 << 20)
        .append_timeout(Duration::from_secs(3_600));
    let app = App::new(builder);
    let large = || Event::activity("test").description(&"x".repeat(4_000));
    while app.process.auditor.stats().dropped_queue_full == 0 {
        for _ in 0..20 {
            app.process.auditor.record(large());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let start = tokio::time::Instant::now();
    assert_eq!((app.status("/").await, app.handled()), (503, 0));
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    app.process.auditor.flush().await.unwrap();
    assert_eq!((app.status("/").await, app.handled()), (200, 1));
    app.process.auditor.flush().await.unwrap();
    assert_accounted(app.process.auditor.stats(), &store.memory.records());
}
