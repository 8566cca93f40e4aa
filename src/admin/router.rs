//! The routes, and what holds for all of them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Uri};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Extension, Json, Router};
use serde::Serialize;

use super::operation::Operation;
use super::problem::Problem;
use super::trail::Trail;
use super::{
    Authorizer, RouterBuilder, events, export, health, live, manage, me, params, statistics,
    timeline,
};
use crate::{AuditReader, Auditor};

/// A router that lets those read the trail whom `authorizer` lets.
///
/// Mount it with [`Router::nest_service`]: then the index answers at
/// `/audit` and at `/audit/`, and the application may have any state. Under
/// [`Router::nest`] it answers at `/audit` only, because axum passes nothing
/// else on. See the [module](super) for what it serves, and
/// [`RouterBuilder`] for what can be set.
pub fn router(reader: Arc<dyn AuditReader>, authorizer: impl Authorizer) -> Router {
    RouterBuilder::new(reader, authorizer).build()
}

impl Auditor {
    /// A router that lets those read this trail whom `authorizer` lets; see
    /// [`router`]. What they read is recorded in this trail.
    ///
    /// If the store can only be written, its API answers `501`.
    pub fn router(&self, authorizer: impl Authorizer) -> Router {
        self.router_builder(authorizer).build()
    }

    /// Settings for such a router.
    pub fn router_builder(&self, authorizer: impl Authorizer) -> RouterBuilder {
        RouterBuilder::over(self.reader(), authorizer).auditor(self)
    }
}

pub(super) fn routes(trail: Trail, authorizer: Arc<dyn Authorizer>, manages: bool) -> Router {
    // A handler reads through `Scoped`, which wants to know what the route is for.
    let of = |operation: Operation, handler: MethodRouter<Trail>| {
        handler.route_layer(Extension(operation))
    };
    let managed = if manages {
        manage::routes().route("/api/events", manage::create())
    } else {
        Router::new()
    };
    Router::new()
        .route("/", get(move |uri: Uri| index(uri, manages)))
        .route("/api/events", of(Operation::List, get(events::list)))
        .route(
            "/api/events/{id}",
            of(Operation::Detail, get(events::detail)),
        )
        .route(
            "/api/events/{id}/timeline",
            of(Operation::Timeline, get(timeline::timeline)),
        )
        .route("/api/me", of(Operation::Me, get(me::list)))
        .route("/api/stats", of(Operation::Stats, get(statistics::stats)))
        .route(
            "/api/timeseries",
            of(Operation::Timeseries, get(statistics::timeseries)),
        )
        .route("/api/export", of(Operation::Export, export::route()))
        .route("/api/live", of(Operation::Live, live::route()))
        .route("/api/health", of(Operation::Health, get(health::health)))
        .merge(managed)
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .fallback(|| async { Problem::not_found("There is nothing at this path.") })
        // Layers go around what was added before them, fallbacks included.
        .layer(from_fn_with_state(authorizer, guard))
        .layer(from_fn(protect))
        .with_state(trail)
}

async fn guard(
    State(authorizer): State<Arc<dyn Authorizer>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    match authorizer.authorize(&parts).await {
        Ok(access) => {
            parts.extensions.insert(access);
            next.run(Request::from_parts(parts, body)).await
        }
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
    routes: Vec<Route>,
}

#[derive(Serialize)]
struct Route {
    method: &'static str,
    path: &'static str,
    answers: &'static str,
}

async fn index(uri: Uri, manages: bool) -> Result<Json<Index>, Problem> {
    let of = |method, path, answers| Route {
        method,
        path,
        answers,
    };
    let route = |path, answers| of("GET", path, answers);
    params::none(&uri)?;
    let mut routes = vec![
        route("/", "this list of routes"),
        route("/api/events", "events, newest first"),
        route("/api/events/{id}", "one event with everything"),
        route(
            "/api/events/{id}/timeline",
            "what happened around one event",
        ),
        route("/api/me", "the events of whoever asks, newest first"),
        route("/api/stats", "sums over events"),
        route("/api/timeseries", "sums over time"),
        route("/api/export", "events with everything, as a file"),
        route("/api/live", "new events as they are stored"),
        route("/api/health", "whether the trail can be read"),
    ];
    if manages {
        routes.extend([
            of(
                "POST",
                "/api/events",
                "the id of the event that the body tells of",
            ),
            of(
                "PATCH",
                "/api/events/{id}/flag",
                "nothing, once the event is flagged or not",
            ),
            of("POST", "/api/purge", "how many events the filter deletes"),
        ]);
    }
    Ok(Json(Index {
        name: "tower-audit",
        routes,
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
        let router = RouterBuilder::over(None, OpenToEveryone::dangerously()).build();
        for (path, expected) in [
            ("/", StatusCode::OK),
            ("/api/events", StatusCode::NOT_IMPLEMENTED),
            ("/api/events?nonsense", StatusCode::NOT_IMPLEMENTED),
            ("/api/events/7", StatusCode::NOT_IMPLEMENTED),
            ("/api/me", StatusCode::NOT_IMPLEMENTED),
            ("/api/export", StatusCode::NOT_IMPLEMENTED),
            ("/api/stats?nonsense", StatusCode::NOT_IMPLEMENTED),
            ("/api/timeseries", StatusCode::NOT_IMPLEMENTED),
            ("/api/health", StatusCode::NOT_IMPLEMENTED),
            ("/api/live", StatusCode::NOT_IMPLEMENTED),
            ("/api/nothing", StatusCode::NOT_FOUND),
        ] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), expected, "{path}");
        }
    }
}
