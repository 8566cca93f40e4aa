//! The routes that change the trail, where the application wants them.
//!
//! Each takes a [`Managed`] request: from somebody who may do so, from no
//! foreign page, and with a body of JSON. Each is recorded.

mod create;
mod flag;
mod guard;
mod purge;

use axum::routing::{MethodRouter, patch, post};
use axum::{Extension, Router};

use self::guard::Managed;
use super::operation::Operation;
use super::problem::Problem;
use super::trail::Trail;

/// Creating an event, beside the list of events.
pub(super) fn create() -> MethodRouter<Trail> {
    only("GET, HEAD, POST", Operation::Create, post(create::create))
}

/// The routes of their own.
pub(super) fn routes() -> Router<Trail> {
    let flag = only("PATCH", Operation::Flag, patch(flag::flag));
    let purge = only("POST", Operation::Purge, post(purge::purge));
    Router::new()
        .route("/api/events/{id}/flag", flag)
        .route("/api/purge", purge)
}

fn only(
    allow: &'static str,
    operation: Operation,
    handler: MethodRouter<Trail>,
) -> MethodRouter<Trail> {
    handler
        .route_layer(Extension(operation))
        .fallback(move || async move { Problem::other_method(allow) })
}
