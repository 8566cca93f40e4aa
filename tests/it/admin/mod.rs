//! The query router, as a client sees it.

mod access;
mod any;
mod export;
mod limits;
mod list;
mod live;
mod manage;
mod parameters;
mod protocol;
mod reads;
mod scope;
mod search;
mod statistics;
mod timeline;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value as Json;
use tower::ServiceExt;
use tower_audit::admin::{self, OpenToEveryone};
use tower_audit::event::Value;
use tower_audit::query::{Series, SeriesQuery, Statistics, StatsQuery};
use tower_audit::store::Batch;
use tower_audit::{
    AuditReader, AuditStore, Count, Error, EventId, Filter, MemoryStore, Page, PageRequest, Record,
    Timestamp,
};

const ROUTES: [&str; 12] = [
    "/",
    "/api/events",
    "/api/events?status=nonsense",
    "/api/events/018f3c5e-7b2a-7abc-9def-0123456789ab",
    "/api/events/nonsense",
    "/api/me",
    "/api/export",
    "/api/stats",
    "/api/stats?by=nonsense",
    "/api/timeseries",
    "/api/health",
    "/nothing/here",
];

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The `action`s of a list.
    fn actions(&self) -> Vec<String> {
        assert_eq!(self.status, 200, "{}", self.text);
        let json = self.json();
        let items = json["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["action"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Checks that it is a problem of this status and returns its `detail`.
    fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(
            self.header(header::CONTENT_TYPE),
            Some("application/problem+json")
        );
        let json = self.json();
        assert_eq!(json["type"], "about:blank");
        assert_eq!(json["title"], self.status.canonical_reason().unwrap());
        assert_eq!(json["status"], status);
        let detail = json["detail"].as_str().unwrap();
        assert!(detail.ends_with('.'), "{detail}");
        detail.to_owned()
    }
}

async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

async fn get(router: &Router, path: &str) -> Answer {
    send(router, Request::get(path).body(Body::empty()).unwrap()).await
}

fn open(store: &MemoryStore) -> Router {
    admin::router(Arc::new(store.clone()), OpenToEveryone::dangerously())
}

async fn store_of(records: Vec<Record>) -> MemoryStore {
    let store = MemoryStore::new();
    store.append(&Batch::new(records)).await.unwrap();
    store
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn text(text: &'static str) -> Value<'static> {
    Value::Text(text.into())
}

/// A record as a store would give it back, with these columns.
fn record(at: Timestamp, columns: &[(&str, Value<'static>)]) -> Record {
    let id = EventId::at(at);
    Record::from_columns(|column| {
        let given = columns.iter().find(|(name, _)| *name == column.name());
        Ok(match (column.name(), given) {
            (_, Some((_, value))) => value.clone(),
            ("id", _) => Value::Uuid(id.as_uuid()),
            ("occurred_at", _) => Value::Time(id.timestamp()),
            ("kind", _) => text("http"),
            ("sample_weight", _) => Value::Real(1.0),
            _ if column.is_required() => Value::Bool(column.name() == "success"),
            _ => Value::Null,
        })
    })
    .unwrap()
}

/// Three records of 12:00, 12:01 and 12:02 that differ in everything that can be asked for.
async fn three() -> MemoryStore {
    store_of(vec![
        record(
            time("2024-02-29T12:00:00Z"),
            &[
                ("action", text("a")),
                ("outcome", text("completed")),
                ("method", text("GET")),
                ("status", Value::Int(200)),
                ("route", text("/orders/{id}")),
                ("path", text("/orders/7")),
                ("actor_id", text("u 1")),
                ("tenant_id", text("ü&=")),
                ("request_id", text("r-1")),
                ("trace_id", text("0af7651916cd43dd8448eb211c80319c")),
            ],
        ),
        record(
            time("2024-02-29T12:01:00Z"),
            &[
                ("action", text("b")),
                ("kind", text("auth")),
                ("outcome", text("timed_out")),
                ("success", Value::Bool(false)),
                ("method", text("POST")),
                ("status", Value::Int(408)),
                ("path", text("/orders")),
                ("actor_id", text("u")),
            ],
        ),
        record(
            time("2024-02-29T12:02:00Z"),
            &[("action", text("c")), ("kind", text("own.kind"))],
        ),
    ])
    .await
}

/// A reader that always fails.
struct Broken(fn() -> Error);

#[async_trait]
impl AuditReader for Broken {
    async fn list(&self, _: &Filter, _: &PageRequest) -> Result<Page<Record>, Error> {
        Err((self.0)())
    }

    async fn count(&self, _: &Filter) -> Result<Count, Error> {
        Err((self.0)())
    }

    async fn stats(&self, _: &StatsQuery) -> Result<Statistics, Error> {
        Err((self.0)())
    }

    async fn timeseries(&self, _: &SeriesQuery) -> Result<Series, Error> {
        Err((self.0)())
    }

    async fn get(&self, _: EventId) -> Result<Option<Record>, Error> {
        Err((self.0)())
    }
}
