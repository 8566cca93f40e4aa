//! What somebody sees who may not see everything.

use std::sync::Arc;

use axum::Router;
use axum::http::request::Parts;
use tower_audit::admin::{self, Access, RouterBuilder};
use tower_audit::event::{Column, ColumnType, Value};
use tower_audit::store::Batch;
use tower_audit::{
    Actor, AuditReader, AuditStore, EventId, MemoryStore, Record, Scope, SqliteStore,
};

use super::{get, record, text, time};

/// Every route that reads, as it can be asked. In place of `{id}` comes the
/// id of each record in turn; of `{older}` and `{newer}` the cursors at it. A
/// new route is a line here.
const READING: &[&str] = &[
    "/",
    "/api/health",
    "/api/events",
    "/api/events?count=true&limit=1",
    "/api/events?tenant_id=acme&tenant_id=other&tenant_id=!none",
    "/api/events?actor_id=ada&actor_id=bob&actor_kind=user&actor_kind=service",
    "/api/events?tenant_id=!acme&count=true",
    "/api/events?actor_id=!ada&count=true",
    "/api/events?request_id={id}&count=true",
    "/api/events?limit=1&cursor={older}",
    "/api/events?limit=1&cursor={newer}",
    "/api/events?q=canary&count=true",
    "/api/events/{id}",
    "/api/events/{id}/timeline",
    "/api/events/{id}/timeline?by=request_id",
    "/api/stats?last=36500d&by=tenant_id",
    "/api/stats?last=36500d&by=actor_id&tenant_id=other&tenant_id=acme",
    "/api/stats?last=36500d&by=action&actor_id=!ada",
    "/api/timeseries?from=2024-02-29T00:00:00Z&to=2024-03-01T00:00:00Z&by=tenant_id",
    "/api/timeseries?from=2024-02-29T12:00:00Z&to=2024-02-29T13:00:00Z&by=route&bucket=1m",
    "/api/export",
    "/api/export?format=json&tenant_id=other&tenant_id=acme",
    "/api/export?format=ndjson&actor_id=!ada",
    "/api/export?format=ndjson&cursor={id}",
    "/api/me",
    "/api/me?tenant_id=other&actor_id=bob",
    "/api/me?actor_id=!ada&count=true",
    "/api/me?limit=1&cursor={older}",
];

/// What the columns of [`Access::bodies`] hold, and nothing else does.
const SECRET: &str = "only-with-bodies";

const BODIES: [&str; 9] = [
    "request_headers",
    "response_headers",
    "cookies",
    "request_body",
    "response_body",
    "request_digest",
    "response_digest",
    "changes",
    "details",
];

/// Two records of each tenant (or none) with each actor (or none), whose
/// columns all hold the record's own canary.
fn records() -> Vec<Record> {
    let mut records = Vec::new();
    for tenant in [None, Some("acme"), Some("other"), Some("acme2"), Some("")] {
        for actor in [None, Some("ada"), Some("bob"), Some("")] {
            for kind in ["user", "service"] {
                let minute = records.len();
                let at = time(&format!("2024-02-29T12:{minute:02}:00Z"));
                records.push(one(at, tenant, actor, kind));
            }
        }
    }
    records
}

fn one(
    at: tower_audit::Timestamp,
    tenant: Option<&'static str>,
    actor: Option<&'static str>,
    kind: &'static str,
) -> Record {
    let own = EventId::at(at);
    let canary = format!("canary-{own}");
    let mut columns = Vec::new();
    for column in Column::all() {
        let value = match (column.name(), column.column_type()) {
            ("id" | "occurred_at" | "kind" | "outcome" | "level", _) => continue,
            ("tenant_id", _) => tenant.map_or(Value::Null, text),
            ("actor_id", _) => actor.map_or(Value::Null, text),
            ("actor_kind", _) => actor.map_or(Value::Null, |_| text(kind)),
            ("request_id", _) => Value::Text(own.to_string().into()),
            (name, ColumnType::Text) if BODIES.contains(&name) => text(SECRET),
            (_, ColumnType::Text) => Value::Text(canary.clone().into()),
            (_, ColumnType::Json) => Value::Json(format!("{{\"a\":\"{SECRET}\"}}").into()),
            ("cookies", _) => Value::TextList(vec![SECRET.to_owned()].into()),
            _ => continue,
        };
        columns.push((column.name(), value));
    }
    columns.push(("id", Value::Uuid(own.as_uuid())));
    columns.push(("occurred_at", Value::Time(own.timestamp())));
    record(at, &columns)
}

/// Who may ask, and which records are theirs.
fn everybody() -> Vec<(Access, Scope)> {
    let all = Scope::all();
    let ada = || Actor::user("ada");
    [
        all.clone(),
        all.clone().tenant("acme"),
        all.clone().tenant("nobody"),
        all.clone().tenant(""),
        all.clone().tenant("ac%"),
        all.clone().actor("ada"),
        all.clone().actor("ada").actor_kind("user"),
        all.clone().tenant("acme").actor("ada"),
        all.clone()
            .tenant("acme")
            .actor("ada")
            .actor_kind("service"),
        all.clone().tenant("acme\0"),
    ]
    .into_iter()
    .flat_map(|scope| {
        let access = Access::within(scope.clone()).principal(ada());
        [
            (access.clone(), scope.clone()),
            (access.bodies(true), scope),
        ]
    })
    .chain([
        (Access::tenant("acme"), Scope::all().tenant("acme")),
        (Access::actor("ada"), Scope::all().actor("ada")),
    ])
    .collect()
}

fn with(reader: Arc<dyn AuditReader>, access: Access) -> Router {
    let limits = admin::Limits::none();
    let decide = move |_: &Parts| Ok(access.clone());
    RouterBuilder::new(reader, decide).limits(limits).build()
}

/// The paths that a line of the table stands for, each with the id that its sender knows.
fn paths(route: &str, records: &[Record], step: usize) -> Vec<(String, Option<EventId>)> {
    if !route.contains('{') {
        return vec![(route.to_owned(), None)];
    }
    let missing = EventId::at(time("2024-02-29T12:59:00Z"));
    let ids = records.iter().step_by(step).map(|record| record.id);
    let ids = ids.chain([missing]);
    let paths = ids.map(|id| {
        let path = route
            .replace("{id}", &id.to_string())
            .replace("{older}", &tower_audit::Cursor::older_than(id).to_string())
            .replace("{newer}", &tower_audit::Cursor::newer_than(id).to_string());
        (path, Some(id))
    });
    paths.collect()
}

/// Asks for every so many of the records by name.
async fn nothing_leaks(store: Arc<dyn AuditStore>, step: usize) {
    let records = records();
    store.append(&Batch::new(records.clone())).await.unwrap();
    let reader = store.reader().unwrap();
    for (access, scope) in everybody() {
        let sees_bodies = access == access.clone().bodies(true);
        let router = with(reader.clone(), access);
        for (path, known) in READING
            .iter()
            .flat_map(|route| paths(route, &records, step))
        {
            let answer = get(&router, &path).await;
            assert!(answer.status.as_u16() < 500, "{path}: {}", answer.text);
            for record in records.iter().filter(|record| !scope.holds(record)) {
                let id = record.id.to_string();
                let canary = format!("canary-{id}");
                assert!(
                    !answer.text.contains(&canary),
                    "{scope:?} {path} shows {id}"
                );
                let hex = record.id.as_uuid().simple().to_string();
                let leaks = answer.text.contains(&id) || answer.text.contains(&hex);
                assert!(
                    !leaks || known == Some(record.id),
                    "{scope:?} {path} leaks {id}"
                );
            }
            let bodies = answer.text.matches(SECRET).count();
            assert!(sees_bodies || bodies == 0, "{scope:?} {path} shows bodies");
            // Exports need not be JSON.
            let json: Result<serde_json::Value, _> = serde_json::from_str(&answer.text);
            if let Some(count) = json.ok().as_ref().and_then(|json| json.get("count")) {
                let own = records.iter().filter(|record| scope.holds(record)).count();
                assert!(count.as_u64().unwrap() <= own as u64, "{scope:?} {path}");
            }
        }
    }
}

#[tokio::test]
async fn nothing_foreign_leaks_from_memory() {
    nothing_leaks(Arc::new(MemoryStore::new()), 1).await;
}

#[tokio::test]
async fn nothing_foreign_leaks_from_sqlite() {
    nothing_leaks(Arc::new(SqliteStore::in_memory().await.unwrap()), 9).await;
}

#[tokio::test]
async fn nothing_foreign_leaks_from_postgres() {
    let url = crate::postgres::cluster::own_database("scope").await;
    let store = tower_audit::PostgresStore::connect(&url).await.unwrap();
    nothing_leaks(Arc::new(store), 9).await;
}

async fn stored() -> (Arc<dyn AuditReader>, Vec<Record>) {
    let store = MemoryStore::new();
    let records = records();
    store.append(&Batch::new(records.clone())).await.unwrap();
    (Arc::new(store), records)
}

fn ids(answer: &super::Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let json = answer.json();
    let items = json["items"].as_array().unwrap().iter();
    items
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

fn expected(records: &[Record], scope: &Scope) -> Vec<String> {
    let own = records.iter().rev().filter(|record| scope.holds(record));
    own.map(|record| record.id.to_string()).collect()
}

#[tokio::test]
async fn everything_in_scope_is_seen() {
    let (reader, records) = stored().await;
    for (access, scope) in everybody() {
        let router = with(reader.clone(), access);
        let list = get(&router, "/api/events?count=true").await;
        let own = expected(&records, &scope);
        assert_eq!(ids(&list), own, "{scope:?}");
        assert_eq!(list.json()["count"], own.len());
        for id in own {
            let detail = get(&router, &format!("/api/events/{id}")).await;
            assert_eq!(detail.json()["id"], id);
        }
    }
}

#[tokio::test]
async fn a_foreign_event_is_answered_like_a_missing_one() {
    let (reader, records) = stored().await;
    let router = with(reader, Access::tenant("acme").bodies(true));
    let missing = format!("/api/events/{}", EventId::now());
    let missing = get(&router, &missing).await;
    missing.problem(404);
    for record in records {
        let answer = get(&router, &format!("/api/events/{}", record.id)).await;
        if record.tenant_id.as_deref() == Some("acme") {
            assert_eq!(answer.status, 200);
        } else {
            assert_eq!(
                (answer.status, &answer.headers, &answer.text),
                (missing.status, &missing.headers, &missing.text)
            );
        }
    }
}

#[tokio::test]
async fn me_are_the_events_of_the_principal_and_nobody_elses() {
    let (reader, records) = stored().await;
    let all = Scope::all;
    for (access, mine) in [
        (Access::actor("ada"), all().actor("ada")),
        (
            Access::all().principal(Actor::user("ada")),
            all().actor("ada").actor_kind("user"),
        ),
        (
            Access::tenant("acme").principal(Actor::service("bob")),
            all().tenant("acme").actor("bob").actor_kind("service"),
        ),
        (
            Access::actor("ada").principal(Actor::user("bob")),
            all().tenant("nobody"),
        ),
    ] {
        let router = with(reader.clone(), access);
        assert_eq!(
            ids(&get(&router, "/api/me").await),
            expected(&records, &mine)
        );
    }
    for access in [Access::all(), Access::tenant("acme"), Access::read_all()] {
        let router = with(reader.clone(), access);
        get(&router, "/api/me").await.problem(404);
    }
}

#[tokio::test]
async fn hidden_columns_are_named_and_absent() {
    let (reader, records) = stored().await;
    let path = format!("/api/events/{}", records[0].id);
    let full = with(reader.clone(), Access::all().bodies(true));
    let less = with(reader.clone(), Access::all());
    let (full, less) = (
        get(&full, &path).await.json(),
        get(&less, &path).await.json(),
    );
    assert!(full.get("hidden_columns").is_none());
    assert_eq!(less["hidden_columns"], serde_json::json!(BODIES));
    for column in Column::all() {
        let name = column.name();
        assert!(full.get(name).is_some(), "{name}");
        assert_eq!(less.get(name).is_none(), BODIES.contains(&name), "{name}");
    }
}

#[tokio::test]
async fn yes_alone_grants_no_bodies() {
    let (reader, records) = stored().await;
    let path = format!("/api/events/{}", records[0].id);
    let router = admin::router(reader, |_: &Parts| true);
    let answer = get(&router, &path).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.text.contains(SECRET));
}
