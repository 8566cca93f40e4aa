//! What is recorded of reading.

use axum::Router;
use axum::http::request::Parts;
use tower_audit::admin::{Access, OpenToEveryone};
use tower_audit::{Actor, Auditor, Event, EventId, Kind, MemoryStore, Record};

use super::get;
use crate::support::started;

async fn reads(auditor: &Auditor, store: &MemoryStore) -> Vec<Record> {
    auditor.flush().await.unwrap();
    let mut records = store.records();
    records.retain(|record| record.kind == Kind::Read);
    records
}

/// A trail with one event of a tenant.
async fn trail() -> (Auditor, MemoryStore, EventId) {
    let (auditor, store) = started().await;
    let id = auditor.record(Event::activity("order.create").tenant("acme"));
    auditor.flush().await.unwrap();
    (auditor, store, id)
}

fn support(auditor: &Auditor, record_lists: bool) -> Router {
    let eve = Actor::user("eve").email("eve@example.com").role("support");
    let access = Access::tenant("acme").principal(eve);
    auditor
        .router_builder(move |_: &Parts| Ok(access.clone()))
        .record_lists(record_lists)
        .build()
}

#[tokio::test]
async fn a_detail_is_recorded_with_who_read_it() {
    let (auditor, store, id) = trail().await;
    let router = support(&auditor, false);
    let missing = EventId::now();
    for (id, status) in [(id, 200), (missing, 404)] {
        let answer = get(&router, &format!("/api/events/{id}")).await;
        assert_eq!(answer.status, status);
    }
    let reads = reads(&auditor, &store).await;
    assert_eq!(reads.len(), 2);
    for (read, id, rows) in [(&reads[0], id, 1), (&reads[1], missing, 0)] {
        assert_eq!(read.action.as_deref(), Some("audit.detail"));
        assert_eq!(read.route.as_deref(), Some("/api/events/{id}"));
        assert_eq!(read.actor_kind.as_deref(), Some("user"));
        assert_eq!(read.actor_id.as_deref(), Some("eve"));
        assert_eq!(read.actor_email.as_deref(), Some("eve@example.com"));
        assert_eq!(read.actor_role.as_deref(), Some("support"));
        assert_eq!(read.tenant_id.as_deref(), Some("acme"));
        assert_eq!(read.resource_type.as_deref(), Some("event"));
        assert_eq!(read.resource_id, Some(id.to_string()));
        assert_eq!(
            read.details.as_ref().unwrap().as_str(),
            format!("{{\"rows\":{rows}}}")
        );
        assert!(read.success && read.query.is_none() && read.method.is_none());
    }
}

#[tokio::test]
async fn lists_are_recorded_on_request_with_their_sanitized_query() {
    let (auditor, store, _) = trail().await;
    let query = "action=order.create&session_id=hunter2hunter2&password=x";
    for path in ["/api/events", "/api/me", "/api/health"] {
        get(&support(&auditor, false), path).await;
    }
    assert_eq!(reads(&auditor, &store).await.len(), 0);

    let router = support(&auditor, true);
    for path in ["/", "/api/health", "/api/nothing", "/api/events?limit=0"] {
        get(&router, path).await;
    }
    // What is malformed reads nothing.
    get(&router, &format!("/api/events?{query}"))
        .await
        .problem(400);
    assert_eq!(reads(&auditor, &store).await.len(), 0);

    let answer = get(&router, "/api/events?action=order.create&count=true").await;
    assert_eq!(answer.actions(), ["order.create"]);
    get(&router, "/api/events?session_id=hunter2hunter2").await;
    get(&router, "/api/me?limit=7").await;
    let reads = reads(&auditor, &store).await;
    let told: Vec<_> = reads
        .iter()
        .map(|read| {
            let details = read.details.as_ref().unwrap().as_str();
            (
                read.action.as_deref().unwrap(),
                read.query.as_deref().unwrap(),
                details,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "audit.list",
                "action=order.create&count=true",
                "{\"rows\":1}"
            ),
            ("audit.list", "session_id=[redacted]", "{\"rows\":0}"),
            ("audit.me", "limit=7", "{\"rows\":0}"),
        ]
    );
}

#[tokio::test]
async fn reading_about_reading_writes_one_event_each_time() {
    let (auditor, store, _) = trail().await;
    let router = auditor
        .router_builder(OpenToEveryone::dangerously())
        .record_lists(true)
        .build();
    for expected in 1..=5 {
        get(&router, "/api/events?kind=read").await;
        assert_eq!(reads(&auditor, &store).await.len(), expected);
    }
}

#[tokio::test]
async fn a_refused_request_reads_nothing() {
    let (auditor, store, id) = trail().await;
    let limits = tower_audit::admin::Limits::default().list(1);
    let limited = auditor.router_builder(OpenToEveryone::dangerously());
    let limited = limited.limits(limits).build();
    let path = format!("/api/events/{id}");
    assert_eq!(get(&limited, &path).await.status, 200);
    assert_eq!(get(&limited, &path).await.status, 429);
    assert_eq!(
        get(&auditor.router(|_: &Parts| false), &path).await.status,
        403
    );
    assert_eq!(reads(&auditor, &store).await.len(), 1);
}
