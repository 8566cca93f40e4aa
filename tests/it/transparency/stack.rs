//! Where the layer stands among others.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, service_fn};
use tower_audit::AuditLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use super::app::{Witness, answer};

pub(super) type App = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;

/// A service with the layer in its place, or without it.
pub(super) type Stack = fn(Witness, Option<AuditLayer>) -> App;

/// The first one stands for the outcomes that the cases tell.
pub(super) const STACKS: &[(&str, Stack)] = &[
    ("alone", |witness, audit| audited(audit, app(witness))),
    ("for metadata only", |witness, audit| {
        audited(audit.map(AuditLayer::metadata_only), app(witness))
    }),
    ("within an Axum router", routed),
    ("within CatchPanic", |witness, audit| {
        catching(audited(audit, app(witness)))
    }),
    ("around CatchPanic", |witness, audit| {
        audited(audit, catching(app(witness)))
    }),
    ("within compression", |witness, audit| {
        compressed(audited(audit, app(witness)))
    }),
    ("around compression", |witness, audit| {
        audited(audit, compressed(app(witness)))
    }),
];

fn app(witness: Witness) -> App {
    App::new(service_fn(move |request| answer(request, witness.clone())))
}

/// A router has no errors, and answers `HEAD` without the body by itself.
fn routed(witness: Witness, audit: Option<AuditLayer>) -> App {
    let handler = move |request: Request<Body>| async move {
        let answer = answer(request, witness).await;
        answer.unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response())
    };
    let routes = Router::new().fallback(handler);
    let routes = match audit {
        Some(audit) => routes.layer(audit),
        None => routes,
    };
    App::new(
        ServiceBuilder::new()
            .map_err(BoxError::from)
            .service(routes),
    )
}

fn audited(audit: Option<AuditLayer>, inner: App) -> App {
    let Some(audit) = audit else { return inner };
    App::new(
        ServiceBuilder::new()
            .map_response(|response: Response<_>| response.map(Body::new))
            .layer(audit)
            .map_request(|request: Request<_>| request.map(Body::new))
            .service(inner),
    )
}

fn catching(inner: App) -> App {
    App::new(
        ServiceBuilder::new()
            .map_response(|response: Response<_>| response.map(Body::new))
            .layer(CatchPanicLayer::new())
            .service(inner),
    )
}

fn compressed(inner: App) -> App {
    App::new(
        ServiceBuilder::new()
            .map_response(|response: Response<_>| response.map(Body::new))
            .layer(CompressionLayer::new())
            .service(inner),
    )
}
