//! The context as an Axum extractor.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::context::AuditContext;

impl<S: Sync> FromRequestParts<S> for AuditContext {
    type Rejection = Infallible;

    /// Never fails: outside the layer the context is inert.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}
