//! Whether the trail can be read.

use axum::Json;
use axum::http::Uri;
use serde::Serialize;

use super::params;
use super::problem::Problem;
use super::scoped::Scoped;
use crate::{AuditReader, Filter, PageRequest};

#[derive(Serialize)]
pub(super) struct Health {
    status: &'static str,
}

/// Asks the store for its newest record, which no store has to search for.
pub(super) async fn health(trail: Scoped, uri: Uri) -> Result<Json<Health>, Problem> {
    params::none(&uri)?;
    let newest = PageRequest::new(1)?;
    match trail.list(&Filter::new(), &newest).await {
        Ok(_) => Ok(Json(Health { status: "ok" })),
        Err(error) => {
            tracing::warn!(
                code = error.code(),
                "the audit trail is not healthy: {error}"
            );
            Err(Problem::unavailable(
                "The audit trail cannot be read: the service's log says why.",
            ))
        }
    }
}
