//! Changing the trail, where that is allowed.

use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Request, header};
use serde_json::{Value as Json, json};
use tower_audit::admin::{Access, Limits, OpenToEveryone, RouterBuilder};
use tower_audit::{Actor, AuditStore, Auditor, Event, EventId, Kind, MemoryStore, Record};

use super::{Answer, get, send};
use crate::support::started;

/// A router for whoever has this access.
fn managed(auditor: &Auditor, access: Access) -> Router {
    auditor
        .router_builder(move |_: &Parts| Ok(access.clone()))
        .manage(true)
        .limits(Limits::none())
        .build()
}

fn boss() -> Access {
    Access::all().manage(true).principal(Actor::user("boss"))
}

fn request(method: &str, path: &str, body: &str) -> axum::http::request::Builder {
    let length = body.len().to_string();
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "audit.example")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_LENGTH, length)
}

async fn ask(router: &Router, method: &str, path: &str, body: &Json) -> Answer {
    let body = body.to_string();
    let request = request(method, path, &body);
    send(router, request.body(Body::from(body)).unwrap()).await
}

/// A trail with two events of each of two tenants.
async fn trail() -> (Auditor, MemoryStore, Vec<EventId>) {
    let (auditor, store) = started().await;
    let ids = ["acme", "other", "acme", "other"]
        .map(|tenant| auditor.record(Event::activity("order.create").tenant(tenant)));
    auditor.flush().await.unwrap();
    (auditor, store, ids.to_vec())
}

async fn record(auditor: &Auditor, id: EventId) -> Record {
    let reader = auditor.reader().unwrap();
    reader.get(id).await.unwrap().unwrap()
}

/// What was recorded of this action, once it is stored.
async fn told(auditor: &Auditor, store: &MemoryStore, action: &str) -> Vec<Record> {
    auditor.flush().await.unwrap();
    let mut records = store.records();
    records.retain(|record| record.action.as_deref() == Some(action));
    records
}

fn details(record: &Record) -> Json {
    serde_json::from_str(record.details.as_ref().unwrap().as_str()).unwrap()
}

/// Every route that changes something, with a body that it takes.
fn routes(id: EventId) -> [(&'static str, String, Json); 3] {
    [
        ("POST", "/api/events".to_owned(), json!({"action": "a"})),
        (
            "PATCH",
            format!("/api/events/{id}/flag"),
            json!({"flagged": true}),
        ),
        (
            "POST",
            "/api/purge".to_owned(),
            json!({"filter": "tenant_id=acme", "dry_run": false}),
        ),
    ]
}

#[tokio::test]
async fn without_management_there_is_nothing_to_change_with() {
    let (auditor, store, ids) = trail().await;
    let access = boss();
    let router = auditor.router(move |_: &Parts| Ok(access.clone()));
    for ((method, path, body), status) in routes(ids[0]).into_iter().zip([405, 404, 404]) {
        ask(&router, method, &path, &body).await.problem(status);
    }
    auditor.flush().await.unwrap();
    assert_eq!(store.len(), 4);
}

#[tokio::test]
async fn only_those_who_may_can_change_anything() {
    let (auditor, store, ids) = trail().await;
    for access in [Access::all(), Access::read_all(), Access::tenant("acme")] {
        let router = managed(&auditor, access);
        for (method, path, body) in routes(ids[0]) {
            ask(&router, method, &path, &body).await.problem(403);
        }
    }
    let closed = auditor.router_builder(|_: &Parts| false).manage(true);
    let open = auditor.router_builder(OpenToEveryone::dangerously());
    for router in [closed.build(), open.manage(true).build()] {
        for (method, path, body) in routes(ids[0]) {
            ask(&router, method, &path, &body).await.problem(403);
        }
    }
    auditor.flush().await.unwrap();
    assert_eq!(store.len(), 4);
    assert!(!store.records().iter().any(|record| record.flagged));
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let (auditor, store, ids) = trail().await;
    let router = managed(&auditor, boss());
    for (name, values) in [
        ("sec-fetch-site", &["cross-site"][..]),
        ("sec-fetch-site", &["same-site"]),
        ("sec-fetch-site", &["none"]),
        ("sec-fetch-site", &["same-origin", "cross-site"]),
        ("origin", &["https://evil.example"]),
        ("origin", &["null"]),
        ("origin", &[""]),
        ("origin", &["https://audit.example:8443"]),
        ("origin", &["https://audit.example.evil.example"]),
        ("origin", &["https://audit.example", "https://evil.example"]),
        ("host", &["other.example"]),
    ] {
        for (method, path, body) in routes(ids[0]) {
            let mut request = request(method, &path, &body.to_string());
            for value in values {
                request = request.header(name, *value);
            }
            let answer = send(&router, request.body(Body::from(body.to_string())).unwrap()).await;
            let detail = answer.problem(403);
            assert!(detail.contains("another origin"), "{name} {values:?}");
        }
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        for (method, path, body) in routes(ids[0]) {
            let request = Request::builder()
                .method(method)
                .uri(&path)
                .header("content-type", content_type);
            let request = request.body(Body::from(body.to_string())).unwrap();
            send(&router, request).await.problem(415);
        }
    }
    auditor.flush().await.unwrap();
    assert_eq!(store.len(), 4);

    for (name, value) in [
        ("sec-fetch-site", "same-origin"),
        ("origin", "https://audit.example"),
        ("origin", "https://AUDIT.example"),
    ] {
        let body = json!({"action": "a"}).to_string();
        let request = request("POST", "/api/events", &body).header(name, value);
        let answer = send(&router, request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, 202, "{name}: {value}");
    }
}

#[tokio::test]
async fn bodies_are_read_strictly_and_never_repeated() {
    let (auditor, store, ids) = trail().await;
    let router = managed(&auditor, boss());
    for (method, path, _) in routes(ids[0]) {
        for body in [
            "".to_owned(),
            "{".to_owned(),
            "[]".to_owned(),
            r#"{"canary":1}"#.to_owned(),
            r#"{"action":"a","filter":"kind=http","flagged":true,"canary":1}"#.to_owned(),
            r#"{"action":7,"filter":7,"flagged":"canary"}"#.to_owned(),
            "\u{0}".to_owned(),
        ] {
            let request = request(method, &path, &body).body(Body::from(body));
            let answer = send(&router, request.unwrap()).await;
            answer.problem(400);
            assert!(!answer.text.contains("canary"));
        }
        let large = format!("{{\"action\":\"{}\"}}", "x".repeat(70_000));
        let request = request(method, &path, &large).body(Body::from(large));
        send(&router, request.unwrap()).await.problem(413);
        ask(&router, "DELETE", &path, &json!({})).await.problem(405);
    }
    auditor.flush().await.unwrap();
    assert_eq!(store.len(), 4);
}

#[tokio::test]
async fn an_event_told_by_hand_is_stored_like_any_other() {
    let (auditor, store, _) = trail().await;
    let router = managed(&auditor, boss());
    let event = json!({
        "action": "backup.restore", "kind": "system", "category": "ops", "tenant_id": "acme",
        "description": "by hand", "resource_type": "db", "resource_id": "7", "tags": ["a", "b"],
        "severity": "warning", "success": false, "error": "no \u{0} luck",
        "details": {"password": "hunter2", "n": 1},
    });
    let answer = ask(&router, "POST", "/api/events", &event).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let told = told(&auditor, &store, "backup.restore").await;
    let [record] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(answer.json()["id"], record.id.to_string());
    assert_eq!(record.kind, Kind::System);
    assert_eq!(record.actor_id.as_deref(), Some("boss"));
    assert_eq!(record.tenant_id.as_deref(), Some("acme"));
    assert_eq!(record.resource_id.as_deref(), Some("7"));
    assert_eq!(record.error.as_deref(), Some("no \u{fffd} luck"));
    assert_eq!(record.tags, ["a", "b"]);
    assert!(!record.success);
    assert_eq!(details(record), json!({"password": "[redacted]", "n": 1}));

    for kind in ["http", "gap", "read", "outbound", "No Kind", ""] {
        let event = json!({"action": "a", "kind": kind});
        ask(&router, "POST", "/api/events", &event)
            .await
            .problem(400);
    }
    let half = json!({"action": "a", "resource_type": "order"});
    ask(&router, "POST", "/api/events", &half)
        .await
        .problem(400);
}

#[tokio::test]
async fn an_event_told_by_hand_stays_in_the_tenant_of_who_tells_it() {
    let (auditor, store, _) = trail().await;
    let router = managed(&auditor, Access::tenant("acme").manage(true));
    for (tenant, status) in [
        (json!("other"), 403),
        (json!("acme"), 202),
        (json!(null), 202),
    ] {
        let event = json!({"action": "by.hand", "tenant_id": tenant});
        let answer = ask(&router, "POST", "/api/events", &event).await;
        assert_eq!(answer.status, status);
    }
    let told = told(&auditor, &store, "by.hand").await;
    assert_eq!(told.len(), 2);
    assert!(
        told.iter()
            .all(|one| one.tenant_id.as_deref() == Some("acme"))
    );
}

#[tokio::test]
async fn an_event_is_flagged_with_a_reason_and_by_whom_is_recorded() {
    let (auditor, store, ids) = trail().await;
    let router = managed(&auditor, boss());
    let path = format!("/api/events/{}/flag", ids[0]);
    let reason = "token=abcdefghijklmnop, odd";
    let answer = ask(
        &router,
        "PATCH",
        &path,
        &json!({"flagged": true, "reason": reason}),
    )
    .await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    let flagged = record(&auditor, ids[0]).await;
    assert!(flagged.flagged);
    let kept = flagged.flag_reason.clone().unwrap();
    assert!(
        kept.ends_with("odd") && !kept.contains("abcdefghijklmnop"),
        "{kept}"
    );

    let answer = ask(&router, "PATCH", &path, &json!({"flagged": false})).await;
    assert_eq!(answer.status, 204);
    let record = record(&auditor, ids[0]).await;
    assert!(!record.flagged && record.flag_reason.is_none());
    let senseless = json!({"flagged": false, "reason": "x"});
    ask(&router, "PATCH", &path, &senseless).await.problem(400);

    let told = told(&auditor, &store, "audit.flag").await;
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].resource_id, Some(ids[0].to_string()));
    assert_eq!(told[0].actor_id.as_deref(), Some("boss"));
    assert_eq!(
        details(&told[0]),
        json!({"rows": 1, "flagged": true, "reason": kept})
    );
}

#[tokio::test]
async fn what_is_out_of_scope_cannot_be_flagged_or_purged() {
    let (auditor, store, ids) = trail().await;
    let router = managed(&auditor, Access::tenant("acme").manage(true));
    for id in [ids[1], EventId::now()] {
        let path = format!("/api/events/{id}/flag");
        let answer = ask(&router, "PATCH", &path, &json!({"flagged": true})).await;
        assert_eq!(answer.problem(404), "There is no event of this id.");
    }
    for (filter, expected) in [("tenant_id=other", 0), ("action=order.create", 2)] {
        for dry_run in [true, false] {
            let body = json!({"filter": filter, "dry_run": dry_run});
            let answer = ask(&router, "POST", "/api/purge", &body).await.json();
            let number = if dry_run { "count" } else { "deleted" };
            assert_eq!(answer[number], expected, "{filter}");
        }
    }
    let mut left = store.records();
    left.retain(|record| record.kind == Kind::Activity);
    let left: Vec<_> = left.iter().map(|record| record.id).collect();
    assert_eq!(left, [ids[1], ids[3]]);
    assert!(!record(&auditor, ids[1]).await.flagged);
}

#[tokio::test]
async fn a_purge_is_a_dry_run_unless_told_otherwise() {
    let (auditor, store, _) = trail().await;
    let router = managed(&auditor, boss());
    let body = json!({"filter": "tenant_id=acme"});
    let answer = ask(&router, "POST", "/api/purge", &body).await;
    assert_eq!(
        answer.json(),
        json!({"dry_run": true, "count": 2, "count_accuracy": "exact"})
    );
    let body = json!({"filter": "tenant_id=acme", "dry_run": false});
    let answer = ask(&router, "POST", "/api/purge", &body).await;
    assert_eq!(
        answer.json(),
        json!({"dry_run": false, "deleted": 2, "is_complete": true})
    );
    let told = told(&auditor, &store, "audit.purge").await;
    assert_eq!(told.len(), 2);
    assert!(
        told.iter()
            .all(|one| one.query.as_deref() == Some("tenant_id=acme"))
    );
    assert_eq!(details(&told[0]), json!({"rows": 0, "dry_run": true}));
    assert_eq!(
        details(&told[1]),
        json!({"rows": 2, "dry_run": false, "deleted": 2})
    );
    assert_eq!(store.len(), 2 + 2);
}

#[tokio::test]
async fn a_purge_of_many_events_takes_them_all() {
    let (auditor, store) = started().await;
    for number in 0..1_200 {
        let action = if number % 12 == 0 { "keep" } else { "drop" };
        auditor.record(Event::activity(action));
    }
    auditor.flush().await.unwrap();
    let router = managed(&auditor, boss());
    let body = json!({"filter": "action=drop", "dry_run": false});
    let answer = ask(&router, "POST", "/api/purge", &body).await;
    assert_eq!(answer.json()["deleted"], 1_100);
    assert_eq!(told(&auditor, &store, "drop").await.len(), 0);
    assert_eq!(told(&auditor, &store, "keep").await.len(), 100);
}

#[tokio::test]
async fn a_purge_is_never_wider_than_its_filter_reads() {
    let (auditor, store, _) = trail().await;
    let router = managed(&auditor, boss());
    for filter in [
        "",
        "&",
        "tenant_id=acme#&action=x",
        "tenant_id=acme\n",
        "tenant_id=ac me",
        "nonsense=1",
        "tenant_id=",
        "limit=1",
        "status=nonsense",
    ] {
        let body = json!({"filter": filter, "dry_run": false});
        let answer = ask(&router, "POST", "/api/purge", &body).await;
        answer.problem(400);
    }
    auditor.flush().await.unwrap();
    assert_eq!(store.len(), 4);
}

#[tokio::test]
async fn nothing_is_changed_that_could_not_be_recorded_or_is_not_supported() {
    let store = MemoryStore::new();
    let id = EventId::now();
    let access = boss();
    let builder = RouterBuilder::new(store.reader().unwrap(), move |_: &Parts| Ok(access.clone()));
    let router = builder.manage(true).build();
    for (method, path, body) in routes(id) {
        ask(&router, method, &path, &body).await.problem(501);
    }
    let (auditor, _) = started().await;
    let index = get(&managed(&auditor, boss()), "/").await.json();
    let routes = index["routes"].as_array().unwrap().iter();
    let methods = routes.map(|route| route["method"].as_str().unwrap());
    let changing: Vec<_> = methods.filter(|method| *method != "GET").collect();
    assert_eq!(changing, ["POST", "PATCH", "POST"]);
}
