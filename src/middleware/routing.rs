//! What Axum's router knows of a request, and the context as an extractor.

use std::any::Any;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, OriginalUri};
use http::request::Parts;
use http::{Extensions, Uri};

use super::context::AuditContext;

impl<S: Sync> FromRequestParts<S> for AuditContext {
    type Rejection = Infallible;

    /// Never fails: outside the layer the context is inert.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// The URI as it was sent; a router that is nested in another one sees the rest only.
pub(super) fn original_uri(extensions: &Extensions) -> Option<&Uri> {
    extensions.get().map(|OriginalUri(uri)| uri)
}

/// The template that the router has matched.
pub(super) fn matched_route(extensions: &Extensions) -> Option<&str> {
    extensions.get().map(MatchedPath::as_str)
}

/// The address at the other end of the connection.
pub(super) fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get().map(|ConnectInfo(address)| *address)
}

/// Axum's wrapper around the errors of bodies.
pub(super) fn error(error: &dyn Any) -> Option<&(dyn StdError + 'static)> {
    error.downcast_ref::<axum::Error>().map(|error| error as _)
}
