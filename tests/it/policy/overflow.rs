//! What a full queue means for requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response, StatusCode};
use axum::routing::{any, post};
use tokio::time::Instant;
use tower::{Service, ServiceExt};
use tower_audit::{
    AuditContext, Auditor, Durability, Event, Kind, Level, MemoryStore, Outcome, Overflow, Policy,
    PolicyBuilder, Record, Rule, Writer, audited,
};

use crate::support::{Gate, GatedStore, assert_accounted, run_here};

/// A service whose writer does not run yet, so that the queue stays full.
struct App {
    auditor: Auditor,
    writer: Option<Writer>,
    store: MemoryStore,
    router: Router,
    handled: Arc<AtomicUsize>,
}

const QUEUE_SIZE: usize = 16;

impl App {
    fn new(policy: PolicyBuilder) -> Self {
        let store = MemoryStore::new();
        let (auditor, writer) = Auditor::builder()
            .store(store.clone())
            .policy(policy.build().unwrap())
            .max_queue_size(QUEUE_SIZE)
            .build()
            .unwrap();
        let handled = Arc::<AtomicUsize>::default();
        let handler = || {
            let handled = Arc::clone(&handled);
            any(move |audit: AuditContext, body: String| async move {
                handled.fetch_add(1, Ordering::Relaxed);
                audit.detail("long", &body);
                "done"
            })
        };
        let router = Router::new()
            .route("/login", handler())
            .route("/search", handler())
            .route(
                "/strict",
                handler().layer(audited().overflow(Overflow::Reject)),
            )
            .route(
                "/patient",
                handler().layer(audited().overflow(Overflow::Wait(Duration::from_secs(5)))),
            )
            .layer(auditor.layer());
        Self {
            auditor,
            writer: Some(writer),
            store,
            router,
            handled,
        }
    }

    /// Fills the queue to the last event; says how many it took.
    fn fill(&self) -> usize {
        let before = self.auditor.stats();
        while self.auditor.stats().dropped == before.dropped {
            self.auditor.record(Event::activity("noise"));
        }
        (self.auditor.stats().queued - before.queued) as usize
    }

    async fn send(&mut self, method: Method, path: &str) -> Response<Body> {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::from("x".repeat(20_000))).unwrap();
        let mut response = self.router.call(request).await.unwrap();
        // The exchange ends with the body.
        let body = std::mem::take(response.body_mut());
        *response.body_mut() = to_bytes(body, usize::MAX).await.unwrap().into();
        response
    }

    async fn status(&mut self, path: &str) -> u16 {
        self.send(Method::POST, path).await.status().as_u16()
    }

    fn run(&mut self) {
        tokio::spawn(self.writer.take().unwrap().run());
    }

    /// Lets the writer run, and gives the records once all is settled.
    async fn records(&mut self) -> Vec<Record> {
        self.run();
        self.auditor.flush().await.unwrap();
        // A gap event follows what it tells of.
        self.auditor.flush().await.unwrap();
        let records = self.store.records();
        assert_accounted(self.auditor.stats(), &records);
        records
    }

    fn handled(&self) -> usize {
        self.handled.load(Ordering::Relaxed)
    }
}

fn of_path<'a>(records: &'a [Record], path: &str) -> Vec<&'a Record> {
    let is_of = |record: &&Record| record.path.as_deref() == Some(path);
    records.iter().filter(is_of).collect()
}

fn gaps(records: &[Record]) -> Vec<&str> {
    let gaps = records.iter().filter(|record| record.kind == Kind::Gap);
    gaps.map(|record| record.details.as_ref().unwrap().as_str())
        .collect()
}

fn login_must_be_recorded() -> PolicyBuilder {
    Policy::builder().rule(Rule::new().route("/login").overflow(Overflow::Reject))
}

#[tokio::test(start_paused = true)]
async fn a_login_must_be_recorded_and_a_search_may_be_dropped() {
    for (policy, path) in [
        (login_must_be_recorded(), "/login"),
        (Policy::builder(), "/strict"),
    ] {
        let mut app = App::new(policy);
        app.fill();
        assert_eq!(app.status("/search").await, 200);
        assert_eq!(app.handled(), 1);
        let refused = app.send(Method::POST, path).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()["retry-after"], "1");
        assert_eq!(
            refused.headers()["content-type"],
            "application/problem+json"
        );
        let body = to_bytes(refused.into_body(), usize::MAX).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["status"], 503);
        assert_eq!(app.handled(), 1, "the handler has not run");
        let stats = app.auditor.stats();
        assert_eq!(
            (stats.dropped_queue_full, stats.dropped_request_refused),
            (2, 1)
        );
        let records = app.records().await;
        let gaps = gaps(&records);
        assert!(
            gaps.len() == 2 && gaps[0].contains(r#""reason":"queue_full","count":2"#),
            "{gaps:?}"
        );
        assert!(
            gaps[1].contains(r#""reason":"request_refused","count":1"#),
            "{gaps:?}"
        );
        assert_eq!(app.status(path).await, 200);
        assert_eq!(app.handled(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_finds_room_after_all_is_in_the_trail() {
    let mut app = App::new(login_must_be_recorded());
    app.fill();
    let request = Request::post("/login").body(Body::empty()).unwrap();
    let response = app.router.call(request).await.unwrap();
    app.run();
    app.auditor.flush().await.unwrap();
    drop(to_bytes(response.into_body(), usize::MAX).await.unwrap());
    app.auditor.flush().await.unwrap();
    let records = app.store.records();
    let [login] = of_path(&records, "/login")[..] else {
        panic!("one record");
    };
    assert_eq!((login.status, login.success), (Some(503), false));
    assert!(login.error.as_deref().unwrap().contains("no room"));
}

#[tokio::test(start_paused = true)]
async fn who_was_let_in_is_recorded_however_full_the_queue_gets_and_however_large_the_record_is() {
    let mut app = App::new(login_must_be_recorded());
    let mut bodies = Vec::new();
    for _ in 0..3 {
        let request = Request::post("/login").body(Body::from("x".repeat(20_000)));
        let response = app.router.call(request.unwrap()).await.unwrap();
        bodies.push(response.into_body());
    }
    let noise = app.fill();
    assert!((QUEUE_SIZE - 4..QUEUE_SIZE).contains(&noise), "{noise}");
    for body in bodies {
        to_bytes(body, usize::MAX).await.unwrap();
    }
    let records = app.records().await;
    let logins = of_path(&records, "/login");
    assert_eq!(logins.len(), 3);
    assert!(
        logins
            .iter()
            .all(|login| login.outcome == Some(Outcome::Completed))
    );
    assert!(
        logins.iter().all(|login| login.details.is_some()),
        "there were bytes enough"
    );
}

#[tokio::test(start_paused = true)]
async fn a_patient_request_waits_for_room_before_its_handler_runs() {
    let wait = Overflow::Wait(Duration::from_secs(5));
    for (policy, path) in [
        (Policy::builder().overflow(wait), "/search"),
        (Policy::builder(), "/patient"),
    ] {
        let mut app = App::new(policy);
        app.fill();
        let router = app.router.clone();
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = tokio::spawn(async move { router.oneshot(request).await.unwrap() });
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(app.handled(), 0);
        app.run();
        let response = answer.await.unwrap();
        assert_eq!((response.status(), app.handled()), (StatusCode::OK, 1));
        to_bytes(response.into_body(), usize::MAX).await.unwrap();
        app.auditor.flush().await.unwrap();
        let records = app.store.records();
        let [record] = of_path(&records, path)[..] else {
            panic!("one record");
        };
        assert!(record.ttfb_us >= Some(0) && record.status == Some(200));
        assert_accounted(app.auditor.stats(), &records);
    }
}

#[tokio::test(start_paused = true)]
async fn patience_ends_and_the_request_is_served_all_the_same() {
    let mut app = App::new(Policy::builder());
    app.fill();
    let start = Instant::now();
    assert_eq!(app.status("/patient").await, 200);
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert_eq!(
        (app.handled(), app.auditor.stats().dropped_queue_full),
        (1, 2)
    );
    let records = app.records().await;
    assert!(of_path(&records, "/patient").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_while_it_waits_never_reaches_the_handler_and_takes_no_room() {
    let mut app = App::new(Policy::builder());
    app.fill();
    let request = Request::get("/patient").body(Body::empty()).unwrap();
    let answer = app.router.clone().oneshot(request);
    tokio::time::timeout(Duration::from_secs(1), answer)
        .await
        .unwrap_err();
    let records = app.records().await;
    assert_eq!((app.handled(), of_path(&records, "/patient").len()), (0, 0));
    // The queue has all of its room again.
    let dropped = app.auditor.stats().dropped;
    for _ in 0..QUEUE_SIZE / 2 {
        assert_eq!(app.status("/strict").await, 200);
    }
    assert_eq!(app.auditor.stats().dropped, dropped);
}

#[tokio::test(start_paused = true)]
async fn of_the_policy_and_the_route_the_stricter_counts_and_a_late_rule_counts_early() {
    let policies = [
        Policy::builder().overflow(Overflow::Reject),
        Policy::builder().rule(Rule::new().status(500..).overflow(Overflow::Reject)),
        Policy::builder()
            .rule(Rule::new().method(Method::POST).overflow(Overflow::Reject))
            .overflow(Overflow::Wait(Duration::from_secs(1))),
    ];
    for policy in policies {
        let mut app = App::new(policy);
        app.fill();
        let start = Instant::now();
        assert_eq!(app.status("/patient").await, 503);
        assert_eq!((app.handled(), start.elapsed()), (0, Duration::ZERO));
    }
    let excepted = Policy::builder()
        .rule(Rule::new().route("/search").overflow(Overflow::DropNewest))
        .overflow(Overflow::Reject);
    let mut app = App::new(excepted);
    app.fill();
    assert_eq!(
        (app.status("/search").await, app.status("/login").await),
        (200, 503)
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_recorded_is_neither_held_nor_refused() {
    let none = Rule::new().route("/search").level(Level::None);
    let mut app = App::new(Policy::builder().rule(none).overflow(Overflow::Reject));
    app.fill();
    assert_eq!(
        (app.status("/search").await, app.status("/login").await),
        (200, 503)
    );
    app.auditor.pause();
    assert_eq!(
        (app.status("/login").await, app.status("/strict").await),
        (200, 200)
    );
}

#[tokio::test(start_paused = true)]
async fn after_the_shutdown_nothing_can_be_recorded_so_strict_requests_are_refused() {
    let mut app = App::new(login_must_be_recorded());
    app.run();
    app.auditor.shutdown(Duration::from_secs(1)).await.unwrap();
    assert_eq!(
        (app.status("/login").await, app.status("/patient").await),
        (503, 200)
    );
    assert_eq!(app.auditor.stats().dropped_closed, 2);
}

#[tokio::test(start_paused = true)]
async fn a_head_request_is_refused_without_a_body() {
    let mut app = App::new(Policy::builder().overflow(Overflow::Reject));
    app.fill();
    let response = app.send(Method::HEAD, "/search").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.auditor.stats().dropped_request_refused, 1);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_fills_up_leaves_bodies_out_before_it_drops_records() {
    let store = MemoryStore::new();
    let (auditor, writer) = Auditor::builder()
        .store(store.clone())
        .max_queue_bytes(2 << 20)
        .build()
        .unwrap();
    let mut router = Router::new()
        .route("/", post(|_: String| async { "done" }))
        .layer(auditor.layer());
    for _ in 0..500 {
        let body = serde_json::json!({ "text": "x".repeat(8_000) }).to_string();
        let request = Request::post("/").header("content-type", "application/json");
        let response = router.call(request.body(Body::from(body)).unwrap()).await;
        to_bytes(response.unwrap().into_body(), usize::MAX)
            .await
            .unwrap();
    }
    tokio::spawn(writer.run());
    auditor.flush().await.unwrap();
    let records = store.records();
    assert_accounted(auditor.stats(), &records);
    assert_eq!(records.len(), 500);
    let (with, without): (Vec<_>, Vec<_>) = records
        .iter()
        .partition(|record| record.request_body.is_some());
    assert!(with.len() > 150 && without.len() > 250, "{}", with.len());
    for record in without {
        assert!(record.capture_notes.contains(&"bodies_left_out".to_owned()));
        assert!(record.request_truncated && record.request_bytes > Some(8_000));
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_refused_for_the_room_of_slow_requests_while_the_disk_has_some() {
    let directory = tempfile::tempdir().unwrap();
    let store = GatedStore::new([Gate::Slow(Duration::from_secs(20))]);
    let auditor = run_here(
        Auditor::builder()
            .store(store.clone())
            .journal(directory.path())
            .durability(Durability::Spill)
            .max_queue_size(QUEUE_SIZE)
            .max_batch_size(1),
    );
    let mut router = Router::new()
        .route("/strict", any(|| async { "done" }))
        .layer(audited().overflow(Overflow::Reject))
        .layer(auditor.layer());
    let mut strict = async || {
        let request = Request::get("/strict").body(Body::empty()).unwrap();
        router.call(request).await.unwrap()
    };
    let noise = |count| {
        for _ in 0..count {
            auditor.record(Event::activity("noise"));
        }
    };
    // One is at the store, the other waits for it.
    noise(2);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut answers = Vec::new();
    for _ in 0..QUEUE_SIZE * 3 / 4 {
        answers.push(strict().await);
    }
    noise(QUEUE_SIZE / 4);
    tokio::time::sleep(Duration::from_secs(1)).await;
    answers.push(strict().await);
    assert!(answers.iter().all(|answer| answer.status() == 200));
    drop(answers);
    auditor.flush().await.unwrap();
    assert_accounted(auditor.stats(), &store.memory.records());
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_not_recorded_refuses_nobody() {
    let mut app = App::new(Policy::builder());
    let unrecorded = audited().level(Level::None).overflow(Overflow::Reject);
    app.router = Router::new()
        .route("/", any(|| async { "done" }))
        .layer(unrecorded)
        .layer(app.auditor.layer());
    app.fill();
    assert_eq!(app.status("/").await, 200);
}

#[test]
fn outside_of_a_tokio_runtime_nothing_is_waited_for() {
    let app = App::new(Policy::builder());
    app.fill();
    let request = Request::get("/patient").body(Body::empty()).unwrap();
    let mut answer = std::pin::pin!(app.router.clone().oneshot(request));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let polled = (0..10).find_map(|_| match answer.as_mut().poll(&mut context) {
        std::task::Poll::Ready(response) => Some(response.unwrap()),
        std::task::Poll::Pending => None,
    });
    assert_eq!(polled.unwrap().status(), StatusCode::OK);
    assert_eq!(app.handled(), 1);
}
