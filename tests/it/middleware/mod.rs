//! What the layer records about a request, and what a handler adds to it.

mod bodies;
mod budget;
mod context;
mod decode;
mod digests;
mod head;

use axum::Router;
use axum::body::Body;
use axum::body::to_bytes;
use axum::http::Method;
use axum::http::Request;
use axum::http::Response;
use tower::Service;
use tower_audit::AuditLayer;
use tower_audit::Auditor;
use tower_audit::MemoryStore;
use tower_audit::Record;
use tower_audit::ResponseBodies;

use crate::support::run_here;

struct App {
    auditor: Auditor,
    store: MemoryStore,
    router: Router,
}

impl App {
    fn new(routes: Router) -> Self {
        Self::layered(routes, |layer| {
            layer.response_bodies(ResponseBodies::Always)
        })
    }

    fn layered(routes: Router, configure: impl FnOnce(AuditLayer) -> AuditLayer) -> Self {
        let store = MemoryStore::new();
        let builder = Auditor::builder()
            .store(store.clone())
            .trust_proxies(["10.0.0.0/8"])
            .unwrap();
        let auditor = run_here(builder);
        let router = routes.layer(configure(auditor.layer()));
        Self {
            auditor,
            store,
            router,
        }
    }

    async fn send(&mut self, request: Request<Body>) -> Response<Body> {
        let (head, body) = self.router.call(request).await.unwrap().into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Response::from_parts(head, bytes.into())
    }

    async fn records(&self) -> Vec<Record> {
        self.auditor.flush().await.unwrap();
        self.store.records()
    }

    async fn record_of(mut self, request: Request<Body>) -> Record {
        self.send(request).await;
        self.records().await.pop().expect("a record")
    }
}

fn request(method: Method, uri: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(uri)
}

fn json_request(uri: &str, body: &str) -> Request<Body> {
    request(Method::POST, uri)
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap()
}
