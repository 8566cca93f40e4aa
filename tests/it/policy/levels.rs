//! How much is recorded of which request.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::routing::post;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_audit::{
    Actor, AuditContext, AuditLayer, Auditor, Level, MemoryStore, Outcome, Policy, Rule,
};

use super::{App, bodies, routes};
use crate::support::run_here;

#[tokio::test(start_paused = true)]
async fn the_first_rule_that_matches_decides() {
    let policy = Policy::builder()
        .rule(Rule::new().path("/health/deep").level(Level::Request))
        .rule(
            Rule::new()
                .path("/health*")
                .method(Method::GET)
                .level(Level::None),
        )
        .rule(Rule::new().route("/search").level(Level::Metadata))
        .rule(Rule::new().header("x-canary", "1").level(Level::None));
    let mut app = App::new(policy, routes());
    app.send(Method::GET, "/health/deep").await;
    assert_eq!(bodies(&app.last().await), (true, false));
    app.send(Method::GET, "/health?x=1").await;
    app.send(Method::GET, "/healthy").await;
    app.send_with(Method::GET, "/other", "x-canary", "1").await;
    assert_eq!(app.paths().await, ["/health/deep"]);
    app.send(Method::POST, "/health").await;
    assert_eq!(bodies(&app.last().await), (true, true));
    app.send_with(Method::GET, "/search", "x-canary", "1").await;
    assert_eq!(app.last().await.level, Some(Level::Metadata));
    app.send_with(Method::GET, "/other", "x-canary", "2").await;
    assert_eq!(app.records().await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn each_level_keeps_what_it_says() {
    let expected = [
        (Level::Metadata, (false, false)),
        (Level::Request, (true, false)),
        (Level::Full, (true, true)),
    ];
    for (level, kept) in expected {
        let mut app = App::new(Policy::builder().level(level), routes());
        let answer = app.send(Method::GET, "/").await;
        let record = app.last().await;
        assert_eq!((record.level, bodies(&record)), (Some(level), kept));
        assert_eq!(record.sample_weight, 1.0);
        assert_eq!(record.response_bytes, Some(answer.len() as i64));
    }
}

#[tokio::test(start_paused = true)]
async fn the_layer_s_settings_bound_the_policy() {
    let policy = || Policy::builder().rule(Rule::new().status(..).level(Level::Full));
    let mut app = App::layered(policy(), routes(), AuditLayer::metadata_only);
    app.send(Method::POST, "/status/500").await;
    let record = app.last().await;
    assert_eq!(
        (record.level, bodies(&record)),
        (Some(Level::Metadata), (false, false))
    );
    let mut app = App::layered(policy(), routes(), |layer| layer);
    for (path, kept) in [("/", (true, false)), ("/status/500", (true, true))] {
        app.send(Method::POST, path).await;
        let record = app.last().await;
        assert_eq!(
            (record.level, bodies(&record)),
            (Some(Level::Full), kept),
            "{path}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_rule_decides_by_status_and_what_exceeds_it_is_not_stored() {
    let policy = Policy::builder()
        .rule(Rule::new().status(500..=599).level(Level::Full))
        .rule(Rule::new().status(404).level(Level::None))
        .level(Level::Metadata);
    let mut app = App::new(policy, routes());
    app.send(Method::GET, "/status/500").await;
    let record = app.last().await;
    assert_eq!(
        (record.level, bodies(&record)),
        (Some(Level::Full), (true, true))
    );
    app.send(Method::GET, "/status/200").await;
    let record = app.last().await;
    assert_eq!(
        (record.level, bodies(&record)),
        (Some(Level::Metadata), (false, false))
    );
    app.send(Method::GET, "/status/404").await;
    assert_eq!(app.paths().await, ["/status/500", "/status/200"]);
}

#[tokio::test(start_paused = true)]
async fn a_rule_asks_for_one_status_or_for_any_range_of_them() {
    for (rule, met) in [
        (Rule::new().status(404), &[404][..]),
        (Rule::new().status(StatusCode::NOT_FOUND), &[404]),
        (Rule::new().status(400..404), &[400, 403]),
        (Rule::new().status(400..=404), &[400, 403, 404]),
        (Rule::new().status(404..), &[404, 599]),
        (Rule::new().status(..404), &[200, 400, 403]),
        (Rule::new().status(..=404), &[200, 400, 403, 404]),
        (Rule::new().status(..), &[200, 400, 403, 404, 599]),
        (Rule::new().status(200).status(599), &[200, 599]),
    ] {
        let shown = format!("{rule:?}");
        let policy = Policy::builder().level(Level::None);
        let mut app = App::new(policy.rule(rule.level(Level::Metadata)), routes());
        for status in [200, 400, 403, 404, 599] {
            app.send(Method::GET, &format!("/status/{status}")).await;
        }
        let records = app.records().await;
        let statuses: Vec<_> = records.iter().filter_map(|record| record.status).collect();
        assert_eq!(statuses, met, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_about_the_actor_hears_what_the_handler_says() {
    let handler = |audit: AuditContext, axum::extract::Path(id): axum::extract::Path<String>| async move {
        audit.actor(Actor::service(id));
    };
    let policy = Policy::builder()
        .rule(Rule::new().actor("svc-*").level(Level::None))
        .rule(Rule::new().actor("ada").level(Level::Request));
    let mut app = App::new(policy, Router::new().route("/{id}", post(handler)));
    app.send(Method::POST, "/svc-1").await;
    app.send(Method::POST, "/ada").await;
    app.send(Method::POST, "/bob").await;
    let levels: Vec<_> = app
        .records()
        .await
        .iter()
        .map(|record| record.level.unwrap())
        .collect();
    assert_eq!(levels, [Level::Request, Level::Full]);
}

#[tokio::test(start_paused = true)]
async fn a_rule_about_the_outcome_sees_an_exchange_that_is_given_up() {
    let store = MemoryStore::new();
    let policy = Policy::builder()
        .rule(
            Rule::new()
                .outcome(Outcome::AbortedBeforeHead)
                .level(Level::Metadata),
        )
        .level(Level::None)
        .build()
        .unwrap();
    let auditor = run_here(Auditor::builder().store(store.clone()).policy(policy));
    let never = service_fn(|request: Request<_>| async move {
        let _request = request;
        std::future::pending::<Result<axum::http::Response<Body>, std::convert::Infallible>>().await
    });
    drop(
        auditor
            .layer()
            .layer(never)
            .oneshot(Request::new(Body::empty())),
    );
    let mut service = auditor.layer().layer(never);
    drop(service.call(Request::new(Body::empty())));
    auditor.flush().await.unwrap();
    let records = store.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].outcome, Some(Outcome::AbortedBeforeHead));
}

#[tokio::test(start_paused = true)]
async fn what_a_policy_leaves_out_has_an_inert_context_and_is_not_counted() {
    let handler = |audit: AuditContext| async move {
        audit.action("nothing").flag("nothing");
        format!("{} {}", audit.is_active(), audit.id().is_some())
    };
    let policy = Policy::builder().level(Level::None);
    let mut app = App::new(policy, Router::new().route("/", post(handler)));
    assert_eq!(app.send(Method::POST, "/").await, "false false");
    assert!(app.records().await.is_empty());
    assert_eq!(app.auditor.stats().offered, 0);
}
