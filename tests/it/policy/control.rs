//! The policy is swapped, and the trail paused, while it runs.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use axum::routing::{get, post};
use tower::Service;
use tower_audit::{AuditContext, Event, Level, Outcome, Policy, Rule, audited};

use super::{App, routes};

#[tokio::test(start_paused = true)]
async fn a_swapped_policy_holds_for_requests_that_arrive_afterwards() {
    let (entered, mut was_entered) = tokio::sync::mpsc::unbounded_channel();
    let gate = Arc::new(tokio::sync::Notify::new());
    let opened = gate.clone();
    let handler = post(move |_: String| async move {
        entered.send(()).unwrap();
        opened.notified().await;
    });
    let late = Rule::new().status(..).level(Level::Request);
    let mut app = App::new(
        Policy::builder().rule(late),
        Router::new().route("/", handler),
    );
    let mut router = app.router.clone();
    let under_way = tokio::spawn(async move {
        let request = Request::post("/")
            .header("content-type", "application/json")
            .body(Body::from("{}"))
            .unwrap();
        router.call(request).await.unwrap();
    });
    was_entered.recv().await.unwrap();
    app.auditor
        .set_policy(Policy::builder().level(Level::None).build().unwrap());
    gate.notify_one();
    under_way.await.unwrap();
    assert_eq!(app.last().await.level, Some(Level::Request));
    gate.notify_one();
    app.send(Method::POST, "/").await;
    assert_eq!(app.records().await.len(), 1);
    app.auditor.set_policy(Policy::default());
    gate.notify_one();
    app.send(Method::POST, "/").await;
    assert_eq!(app.last().await.level, Some(Level::Full));
}

#[tokio::test(start_paused = true)]
async fn while_it_is_paused_a_trail_records_nothing() {
    let handler = |audit: AuditContext| async move { audit.action("said").is_active().to_string() };
    let decorated = get(handler).layer(audited().level(Level::Full));
    let routes = Router::new()
        .route("/", get(handler))
        .route("/decorated", decorated);
    let mut app = App::new(Policy::builder(), routes);
    assert_eq!(app.send(Method::GET, "/").await, "true");
    app.auditor.pause();
    assert!(app.auditor.is_paused());
    assert_eq!(app.send(Method::GET, "/").await, "false");
    assert_eq!(app.send(Method::GET, "/decorated").await, "false");
    app.auditor.record(Event::activity("unheard"));
    assert_eq!(app.records().await.len(), 1);
    assert_eq!(app.auditor.stats().offered, 1);
    app.auditor.resume();
    assert!(!app.auditor.is_paused());
    assert_eq!(app.send(Method::GET, "/").await, "true");
    app.auditor.record(Event::activity("heard"));
    assert_eq!(app.records().await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_arrived_before_the_pause_is_recorded() {
    let mut app = App::new(Policy::builder(), routes());
    let response = app
        .router
        .call(Request::get("/").body(Body::empty()).unwrap())
        .await;
    app.auditor.pause();
    to_bytes(response.unwrap().into_body(), usize::MAX)
        .await
        .unwrap();
    assert_eq!(app.last().await.outcome, Some(Outcome::Completed));
}

#[tokio::test(start_paused = true)]
async fn whoever_changes_what_is_recorded_leaves_a_trace_in_the_log() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&log);
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || Log(Arc::clone(&writer)))
        .finish();
    let app = App::new(Policy::builder(), routes());
    tracing::subscriber::with_default(subscriber, || {
        app.auditor.set_policy(Policy::default());
        for _ in 0..2 {
            app.auditor.pause();
        }
        app.auditor.resume();
        app.auditor.resume();
    });
    let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = log.lines().collect();
    assert!(lines.iter().all(|line| line.contains("INFO")), "{log}");
    let said = ["policy was replaced", "is paused", "is resumed"];
    assert_eq!(lines.len(), said.len(), "{log}");
    assert!(
        lines
            .iter()
            .zip(said)
            .all(|(line, word)| line.contains(word)),
        "{log}"
    );
}

/// What is logged, in memory.
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
