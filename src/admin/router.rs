//! The routes, and what holds for all of them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Uri};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use super::problem::Problem;
use super::{Authorizer, events, health, params, statistics};
use crate::{AuditReader, Auditor};

/// A router that lets those read the trail whom `authorizer` lets.
///
/// Mount it with [`Router::nest_service`]: then the index answers at
/// `/audit` and at `/audit/`, and the application may have any state. Under
/// [`Router::nest`] it answers at `/audit` only, because axum passes nothing
/// else on. See the [module](super) for what it serves.
pub fn router(reader: Arc<dyn AuditReader>, authorizer: impl Authorizer) -> Router {
    router_for(Some(reader), authorizer)
}

impl Auditor {
    /// A router that lets those read this trail whom `authorizer` lets; see [`router`].
    ///
    /// If the store can only be written, its API answers `501`.
    pub fn router(&self, authorizer: impl Authorizer) -> Router {
        router_for(self.reader(), authorizer)
    }
}

/// Like [`router`], also for a store that can only be written: the API then says so.
pub(super) fn router_for(
    reader: Option<Arc<dyn AuditReader>>,
    authorizer: impl Authorizer,
) -> Router {
    let authorizer: Arc<dyn Authorizer> = Arc::new(authorizer);
    Router::new()
        .route("/", get(index))
        .route("/api/events", get(events::list))
        .route("/api/events/{id}", get(events::detail))
        .route("/api/stats", get(statistics::stats))
        .route("/api/timeseries", get(statistics::timeseries))
        .route("/api/health", get(health::health))
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .fallback(|| async { Problem::not_found("There is nothing at this path.") })
        // Layers go around what was added before them, fallbacks included.
        .layer(from_fn_with_state(authorizer, guard))
        .layer(from_fn(protect))
        .with_state(Trail(reader))
}

/// The reading side of the store, if it has one.
#[derive(Clone)]
pub(super) struct Trail(Option<Arc<dyn AuditReader>>);

impl Trail {
    pub(super) fn reader(&self) -> Result<&dyn AuditReader, Problem> {
        self.0.as_deref().ok_or_else(Problem::write_only)
    }
}

async fn guard(
    State(authorizer): State<Arc<dyn Authorizer>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    match authorizer.authorize(&parts).await {
        Ok(_) => next.run(Request::from_parts(parts, body)).await,
        Err(denied) => Problem::from(denied).into_response(),
    }
}

/// Keeps answers out of caches, frames, referrers and guesses.
async fn protect(request: Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, &str); 4] = [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ];
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

#[derive(Serialize)]
struct Index {
    name: &'static str,
    routes: [Route; 6],
}

#[derive(Serialize)]
struct Route {
    method: &'static str,
    path: &'static str,
    answers: &'static str,
}

async fn index(uri: Uri) -> Result<Json<Index>, Problem> {
    let route = |path, answers| Route {
        method: "GET",
        path,
        answers,
    };
    params::none(&uri)?;
    Ok(Json(Index {
        name: "tower-audit",
        routes: [
            route("/", "this list of routes"),
            route("/api/events", "events, newest first"),
            route("/api/events/{id}", "one event with everything"),
            route("/api/stats", "sums over events"),
            route("/api/timeseries", "sums over time"),
            route("/api/health", "whether the trail can be read"),
        ],
    }))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;
    use tower::ServiceExt;

    use super::super::OpenToEveryone;
    use super::*;

    #[tokio::test]
    async fn a_store_that_can_only_be_written_says_so() {
        let router = router_for(None, OpenToEveryone::dangerously());
        for (path, expected) in [
            ("/", StatusCode::OK),
            ("/api/events", StatusCode::NOT_IMPLEMENTED),
            ("/api/events?nonsense", StatusCode::NOT_IMPLEMENTED),
            ("/api/events/7", StatusCode::NOT_IMPLEMENTED),
            ("/api/stats?nonsense", StatusCode::NOT_IMPLEMENTED),
            ("/api/timeseries", StatusCode::NOT_IMPLEMENTED),
            ("/api/health", StatusCode::NOT_IMPLEMENTED),
            ("/api/nothing", StatusCode::NOT_FOUND),
        ] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), expected, "{path}");
        }
    }
}
