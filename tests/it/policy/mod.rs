//! Which requests are recorded, how much of them, and how often.

mod control;
mod levels;
mod overflow;
mod rooms;
mod routes;
mod rules;
mod sampling;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use axum::routing::get;
use tower::Service;
use tower_audit::{AuditLayer, Auditor, MemoryStore, PolicyBuilder, Record, ResponseBodies};

use crate::support::{assert_accounted, run_here};

struct App {
    auditor: Auditor,
    store: MemoryStore,
    router: Router,
}

impl App {
    fn new(policy: PolicyBuilder, routes: Router) -> Self {
        Self::layered(policy, routes, |layer| {
            layer.response_bodies(ResponseBodies::Always)
        })
    }

    fn layered(
        policy: PolicyBuilder,
        routes: Router,
        configure: impl FnOnce(AuditLayer) -> AuditLayer,
    ) -> Self {
        let store = MemoryStore::new();
        let policy = policy.build().unwrap();
        let auditor = run_here(Auditor::builder().store(store.clone()).policy(policy));
        let router = routes.layer(configure(auditor.layer()));
        Self {
            auditor,
            store,
            router,
        }
    }

    async fn send(&mut self, method: Method, uri: &str) -> String {
        self.send_with(method, uri, "canary", "0").await
    }

    /// Sends a JSON body, and gives back that of the response.
    async fn send_with(&mut self, method: Method, uri: &str, header: &str, value: &str) -> String {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header, value)
            .header("content-type", "application/json")
            .body(Body::from(r#"{"asked":1}"#))
            .unwrap();
        let response = self.router.call(request).await.unwrap();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.into()).unwrap()
    }

    async fn records(&self) -> Vec<Record> {
        self.auditor.flush().await.unwrap();
        let records = self.store.records();
        assert_accounted(self.auditor.stats(), &records);
        records
    }

    async fn paths(&self) -> Vec<String> {
        let records = self.records().await;
        let path = |record: &Record| record.path.clone().unwrap();
        records.iter().map(path).collect()
    }

    async fn last(&self) -> Record {
        self.records().await.pop().expect("a record")
    }
}

/// Answers with a JSON body, and with the status that the path names.
fn routes() -> Router {
    let handler = |path: Option<axum::extract::Path<u16>>, _: String| async move {
        let status = path.map_or(200, |axum::extract::Path(status)| status);
        let status = StatusCode::from_u16(status).unwrap();
        (
            status,
            [("content-type", "application/json")],
            r#"{"told":1}"#,
        )
    };
    Router::new()
        .route("/status/{status}", get(handler).post(handler))
        .route("/search", get(handler))
        .fallback(handler)
}

fn bodies(record: &Record) -> (bool, bool) {
    (
        record.request_body.is_some(),
        record.response_body.is_some(),
    )
}
