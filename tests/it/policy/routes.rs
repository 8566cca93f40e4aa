//! What a route says of its requests.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response};
use axum::routing::{get, post};
use tower::{Layer, ServiceExt, service_fn};
use tower_audit::{AuditContext, Kind, Level, Overflow, Policy, audited};

use super::{App, bodies};

#[tokio::test(start_paused = true)]
async fn a_route_says_what_its_requests_are_about_and_the_handler_has_the_last_word() {
    let decoration = || {
        audited()
            .kind(Kind::Auth)
            .action("login")
            .category("accounts")
            .resource_type("session")
    };
    let says_more = |audit: AuditContext| async move {
        audit.action("login.again").resource("token", 7);
    };
    let routes = Router::new()
        .route("/login", post(|| async {}).layer(decoration()))
        .route("/again", post(says_more).layer(decoration()));
    let mut app = App::new(Policy::builder(), routes);
    app.send(Method::POST, "/login").await;
    let record = app.last().await;
    assert_eq!(record.kind, Kind::Auth);
    assert_eq!(record.action.as_deref(), Some("login"));
    assert_eq!(record.category.as_deref(), Some("accounts"));
    assert_eq!(record.resource_type.as_deref(), Some("session"));
    app.send(Method::POST, "/again").await;
    let record = app.last().await;
    assert_eq!(record.kind, Kind::Auth);
    assert_eq!(record.action.as_deref(), Some("login.again"));
    assert_eq!(record.resource_type.as_deref(), Some("token"));
    assert_eq!(record.resource_id.as_deref(), Some("7"));
}

#[tokio::test(start_paused = true)]
async fn a_route_lowers_and_raises_the_level_of_its_requests() {
    let echo =
        || post(|body: String| async move { ([("content-type", "application/json")], body) });
    let routes = || {
        Router::new()
            .route("/none", echo().layer(audited().level(Level::None)))
            .route("/metadata", echo().layer(audited().level(Level::Metadata)))
            .route("/request", echo().layer(audited().level(Level::Request)))
            .route("/full", echo().layer(audited().level(Level::Full)))
    };
    for policy in Level::ALL {
        let mut app = App::new(Policy::builder().level(policy), routes());
        app.send(Method::POST, "/none").await;
        app.send(Method::POST, "/metadata").await;
        app.send(Method::POST, "/request").await;
        app.send(Method::POST, "/full").await;
        let records = app.records().await;
        let kept: Vec<_> = records.iter().map(bodies).collect();
        assert_eq!(
            kept,
            [(false, false), (true, false), (true, true)],
            "{policy}"
        );
        for record in &records {
            let name = record.level.map(Level::as_str);
            assert_eq!(record.route.as_deref().map(|route| &route[1..]), name);
            assert!(record.method.is_some() && record.request_headers.is_some());
            assert!(record.ttfb_us.is_some() && record.request_bytes == Some(11));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_route_that_asks_to_be_recorded_has_an_active_context_where_the_policy_records_nothing() {
    let handler = |audit: AuditContext| async move {
        audit.tag("said");
        audit.id().unwrap().to_string()
    };
    let decoration = audited().level(Level::Metadata).action("asked");
    let routes = Router::new().route("/", get(handler).layer(decoration));
    let mut app = App::new(Policy::builder().level(Level::None), routes);
    let id = app.send(Method::GET, "/").await;
    let record = app.last().await;
    assert_eq!(record.id.to_string(), id);
    assert_eq!(
        (record.action.as_deref(), &record.tags[..]),
        (Some("asked"), &["said".to_owned()][..])
    );
}

#[tokio::test(start_paused = true)]
async fn a_route_has_a_sample_of_its_own() {
    let handler = || get(|| async {});
    let routes = Router::new()
        .route("/none", handler().layer(audited().sample(0.0)))
        .route("/all", handler().layer(audited().sample(1.0)))
        .route(
            "/auth",
            handler().layer(audited().sample(0.0).kind(Kind::Auth)),
        );
    let mut app = App::new(Policy::builder().sample(0.0), routes);
    for path in ["/none", "/all", "/auth"] {
        app.send(Method::GET, path).await;
    }
    assert_eq!(app.paths().await, ["/all", "/auth"]);
}

#[tokio::test(start_paused = true)]
async fn of_two_decorations_the_inner_one_counts() {
    let inner = audited().action("inner").level(Level::Metadata);
    let routes = Router::new()
        .route("/", get(|| async {}).layer(inner))
        .layer(
            audited()
                .action("outer")
                .category("outer")
                .level(Level::None),
        );
    let mut app = App::new(Policy::builder(), routes);
    app.send(Method::GET, "/").await;
    let record = app.last().await;
    assert_eq!(
        (record.action.as_deref(), record.category.as_deref()),
        (Some("inner"), Some("outer"))
    );
}

#[tokio::test]
async fn outside_of_a_layer_a_decoration_does_nothing() {
    let decoration = audited().action("nothing").overflow(Overflow::Reject);
    let service = decoration.layer(service_fn(|request: Request<Body>| async move {
        Ok::<_, std::convert::Infallible>(Response::new(request.into_body()))
    }));
    let answer = service.oneshot(Request::new(Body::from("as it is"))).await;
    let body = to_bytes(Body::new(answer.unwrap().into_body()), 100).await;
    assert_eq!(body.unwrap(), "as it is");
}
