//! What a handler adds to its own request's record.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::body::to_bytes;
use axum::http::Method;
use axum::http::Request;
use axum::http::Response;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::json;
use tower::Layer;
use tower::ServiceExt;
use tower::service_fn;
use tower_audit::Actor;
use tower_audit::AuditContext;
use tower_audit::Auditor;
use tower_audit::Change;
use tower_audit::Event;
use tower_audit::Kind;
use tower_audit::MemoryStore;

use super::App;
use super::request;
use crate::support::run_here;

#[tokio::test(start_paused = true)]
async fn a_handler_gives_its_record_meaning() {
    let handler = get(|audit: AuditContext| async move {
        audit
            .kind(Kind::Auth)
            .actor(Actor::user(1).email("old@example.com"))
            .actor(Actor::user(42).name("Ada").role("admin"))
            .tenant("acme")
            .session("s-1")
            .operation("op-1")
            .action("order.create")
            .category("orders")
            .description("made an order")
            .resource("order", 7)
            .detail("count", &3)
            .detail("password", &"hunter2")
            .tag("vip")
            .tag("vip")
            .flag("large")
            .change(
                Change::created("order", 7, &json!({"item": "tea", "secret": "hunter2"})).unwrap(),
            );
        assert!(audit.is_active());
        audit.id().unwrap().to_string()
    });
    let mut app = App::new(Router::new().route("/", handler));
    let response = app
        .send(request(Method::GET, "/").body(Body::empty()).unwrap())
        .await;
    let id = to_bytes(response.into_body(), 100).await.unwrap();
    let record = app.records().await.pop().unwrap();
    assert_eq!(record.id.to_string().as_bytes(), id);
    assert_eq!(record.kind, Kind::Auth);
    assert_eq!(record.actor_id.as_deref(), Some("42"));
    assert_eq!(record.actor_kind.as_deref(), Some("user"));
    assert_eq!(record.actor_name.as_deref(), Some("Ada"));
    assert_eq!(record.actor_role.as_deref(), Some("admin"));
    assert_eq!(
        record.actor_email, None,
        "a second actor replaces the first one wholly"
    );
    assert_eq!(record.tenant_id.as_deref(), Some("acme"));
    assert_eq!(record.session_id.as_deref(), Some("s-1"));
    assert_eq!(record.operation_id.as_deref(), Some("op-1"));
    assert_eq!(record.action.as_deref(), Some("order.create"));
    assert_eq!(record.category.as_deref(), Some("orders"));
    assert_eq!(record.resource_type.as_deref(), Some("order"));
    assert_eq!(record.resource_id.as_deref(), Some("7"));
    assert_eq!(record.tags, ["vip"]);
    assert_eq!(
        (record.flagged, record.flag_reason.as_deref()),
        (true, Some("large"))
    );
    assert!(
        record
            .details
            .as_ref()
            .unwrap()
            .as_str()
            .contains("\"count\":3")
    );
    assert!(
        record
            .changes
            .as_ref()
            .unwrap()
            .as_str()
            .contains("\"item\":\"tea\"")
    );
    assert!(!format!("{record:?}").contains("hunter2"), "{record:?}");
}

#[tokio::test(start_paused = true)]
async fn outside_the_layer_a_context_is_inert_and_never_an_error() {
    let handler = |audit: AuditContext| async move {
        audit.action("nothing").detail("n", &1);
        assert!(!audit.is_active() && audit.id().is_none());
    };
    let router = Router::new().route("/", get(handler));
    let response = router
        .oneshot(request(Method::GET, "/").body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_after_the_end_is_ignored() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let sender = std::sync::Mutex::new(Some(sender));
    let service = service_fn(|request: Request<_>| {
        let audit = request.extensions().get::<AuditContext>().cloned().unwrap();
        sender
            .lock()
            .unwrap()
            .take()
            .unwrap()
            .send(audit)
            .ok()
            .unwrap();
        async { Ok::<_, Infallible>(Response::new(Body::empty())) }
    });
    let store = MemoryStore::new();
    let auditor = run_here(Auditor::builder().store(store.clone()));
    auditor
        .layer()
        .layer(service)
        .oneshot(Request::new(Body::empty()))
        .await
        .unwrap();
    receiver.await.unwrap().action("too.late");
    auditor.flush().await.unwrap();
    assert_eq!(store.records()[0].action, None);
}

#[tokio::test(start_paused = true)]
async fn a_context_may_be_used_while_its_own_values_are_written() {
    struct Reentrant(AuditContext);
    impl serde::Serialize for Reentrant {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.tag("inner");
            serializer.serialize_u8(1)
        }
    }
    let handler = get(|audit: AuditContext| async move {
        audit.detail("outer", &Reentrant(audit.clone()));
    });
    let app = App::new(Router::new().route("/", handler));
    let record = app
        .record_of(request(Method::GET, "/").body(Body::empty()).unwrap())
        .await;
    assert_eq!(record.tags, ["inner"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_can_be_linked_to_the_request_that_caused_it() {
    let store = MemoryStore::new();
    let auditor = run_here(Auditor::builder().store(store.clone()));
    let events = auditor.clone();
    let handler = get(move |audit: AuditContext| async move {
        events.record(Event::activity("mail.send").parent(audit.id().unwrap()));
    });
    let router = Router::new().route("/", handler).layer(auditor.layer());
    router
        .oneshot(request(Method::GET, "/").body(Body::empty()).unwrap())
        .await
        .unwrap();
    auditor.flush().await.unwrap();
    let records = store.records();
    assert_eq!(records.len(), 2);
    assert_eq!(records[1].parent_id, Some(records[0].id));
}

#[tokio::test(start_paused = true)]
async fn however_much_a_handler_adds_the_end_is_recorded() {
    let handler = get(|audit: AuditContext| async move {
        let large = "x".repeat(60_000);
        for number in 0..20 {
            audit.detail(&format!("n{number}"), &large);
        }
        audit.action("late").tag("late");
        StatusCode::BAD_GATEWAY
    });
    let app = App::new(Router::new().route("/", handler));
    let record = app
        .record_of(request(Method::GET, "/").body(Body::empty()).unwrap())
        .await;
    assert_eq!(record.status, Some(502));
    assert_eq!(record.outcome, Some(tower_audit::Outcome::Completed));
    assert!(!record.success && record.duration_us.is_some());
    assert!(record.capture_notes.contains(&"event_truncated".to_owned()));
    assert!(record.details.as_ref().unwrap().as_str().contains("n0"));
}
