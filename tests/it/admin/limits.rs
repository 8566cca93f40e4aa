//! How often somebody may ask.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Request, header};
use tokio::time::advance;
use tower_audit::admin::{self, Access, Limits, OpenToEveryone, RouterBuilder};
use tower_audit::{Actor, MemoryStore};

use super::{Answer, ROUTES, get, send};

/// Lets everybody in as whom they say they are, in the tenant that they name.
fn named(limits: Limits) -> Router {
    let decide = |request: &Parts| {
        let header = |name| request.headers.get(name)?.to_str().ok();
        let access = header("tenant").map_or(Access::all(), Access::tenant);
        Ok(match header("user") {
            Some(user) => access.principal(Actor::user(user)),
            None => access,
        })
    };
    RouterBuilder::new(Arc::new(MemoryStore::new()), decide)
        .limits(limits)
        .build()
}

async fn ask(router: &Router, path: &str, who: (&str, &str)) -> Answer {
    let request = Request::get(path).header(who.0, who.1);
    send(router, request.body(Body::empty()).unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_too_often_is_told_when_to_ask_again() {
    let router = named(Limits::default().list(3));
    let ada = ("user", "ada");
    for path in ["/api/events", "/api/me", "/api/events/7"] {
        assert_ne!(ask(&router, path, ada).await.status, 429);
    }
    for path in [
        "/api/events",
        "/api/me",
        "/api/health",
        "/api/events?nonsense",
    ] {
        let answer = ask(&router, path, ada).await;
        answer.problem(429);
        assert_eq!(answer.header(header::RETRY_AFTER), Some("20"));
    }
    // The index asks no store, and others have a budget of their own.
    assert_eq!(ask(&router, "/", ada).await.status, 200);
    assert_eq!(
        ask(&router, "/api/events", ("user", "bob")).await.status,
        200
    );

    advance(Duration::from_millis(19_999)).await;
    let answer = ask(&router, "/api/events", ada).await;
    assert_eq!(answer.header(header::RETRY_AFTER), Some("1"));
    advance(Duration::from_millis(1)).await;
    assert_eq!(ask(&router, "/api/events", ada).await.status, 200);
    ask(&router, "/api/events", ada).await.problem(429);
}

#[tokio::test(start_paused = true)]
async fn without_a_principal_those_of_one_scope_share_its_budget() {
    let router = named(Limits::default().list(1));
    for (who, expected) in [
        (("tenant", "a"), 200),
        (("tenant", "b"), 200),
        (("tenant", "a"), 429),
        (("none", ""), 200),
        (("none", "other"), 429),
    ] {
        assert_eq!(ask(&router, "/api/events", who).await.status, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn lists_have_200_a_minute_unless_told_otherwise() {
    let open = || OpenToEveryone::dangerously();
    let store = Arc::new(MemoryStore::new());
    let router = admin::router(store.clone(), open());
    for _ in 0..200 {
        assert_eq!(get(&router, "/api/events").await.status, 200);
    }
    get(&router, "/api/events").await.problem(429);

    let unlimited = RouterBuilder::new(store, open()).limits(Limits::none());
    let router = unlimited.build();
    for _ in 0..300 {
        assert_eq!(get(&router, "/api/events").await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn who_may_not_read_uses_up_nobodys_budget() {
    let decide = |request: &Parts| request.headers.contains_key("user");
    let router = RouterBuilder::new(Arc::new(MemoryStore::new()), decide)
        .limits(Limits::default().list(1))
        .build();
    for path in ROUTES {
        assert_eq!(get(&router, path).await.status, 403);
    }
    assert_eq!(ask(&router, "/api/events", ("user", "x")).await.status, 200);
}

#[test]
#[should_panic(expected = "a limit allows at least one request a minute")]
fn a_limit_of_nothing_is_refused_at_the_start() {
    _ = Limits::default().export(0);
}
