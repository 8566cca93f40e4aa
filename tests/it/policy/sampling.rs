//! How often a request is recorded.

use axum::http::Method;
use axum::routing::get;
use tower_audit::{AuditContext, Kind, Policy, Rule};

use super::{App, routes};

#[tokio::test(start_paused = true)]
async fn a_sample_of_nothing_keeps_failures_mutations_auth_and_flags() {
    let says = |say: fn(&AuditContext)| {
        get(move |audit: AuditContext| async move {
            say(&audit);
        })
    };
    let routes = routes()
        .route(
            "/auth",
            says(|audit| {
                audit.kind(Kind::Auth);
            }),
        )
        .route(
            "/flag",
            says(|audit| {
                audit.flag("odd");
            }),
        )
        .route(
            "/error",
            says(|audit| {
                audit.error("odd");
            }),
        )
        .route(
            "/failed",
            says(|audit| {
                audit.success(false);
            }),
        )
        .route("/grpc", get(|| async { [("grpc-status", "5")] }))
        .route(
            "/plain",
            says(|audit| {
                audit.action("plain");
            }),
        );
    let mut app = App::new(Policy::builder().sample(0.0), routes);
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        app.send(method, "/other").await;
    }
    app.send(Method::GET, "/plain").await;
    assert!(app.paths().await.is_empty());
    let kept = [
        "/status/404",
        "/auth",
        "/flag",
        "/error",
        "/failed",
        "/grpc",
    ];
    for path in kept {
        app.send(Method::GET, path).await;
    }
    assert_eq!(app.paths().await, kept);
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        app.send(method, "/mutation").await;
    }
    let records = app.records().await;
    assert_eq!(records.len(), kept.len() + 4);
    assert!(records.iter().all(|record| record.sample_weight == 1.0));
}

#[tokio::test(start_paused = true)]
async fn the_weights_of_a_sample_add_up_to_all_requests() {
    let rule = Rule::new().route("/search").sample(0.25);
    let mut app = App::new(Policy::builder().rule(rule), routes());
    // The same numbers in each run.
    fastrand::seed(14);
    for _ in 0..2_000 {
        app.send(Method::GET, "/search").await;
    }
    app.send(Method::GET, "/other").await;
    let mut records = app.records().await;
    assert_eq!(records.pop().unwrap().sample_weight, 1.0);
    assert!(records.iter().all(|record| record.sample_weight == 4.0));
    let sum: f64 = records.iter().map(|record| record.sample_weight).sum();
    assert!((1_700.0..=2_300.0).contains(&sum), "{sum}");
}
