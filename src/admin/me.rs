//! The events of whoever asks.

use axum::Json;
use axum::http::Uri;

use super::events::{self, List};
use super::list_params;
use super::problem::Problem;
use super::scoped::Scoped;
use crate::Scope;

/// A list like any other, of the events whose actor is the principal.
pub(super) async fn list(trail: Scoped, uri: Uri) -> Result<Json<List>, Problem> {
    let who = trail.access().who().and_then(|actor| {
        let scope = Scope::all().actor(actor.id.as_deref()?);
        Some(match &actor.kind {
            Some(kind) => scope.actor_kind(kind),
            None => scope,
        })
    });
    let own = who.ok_or_else(Problem::nobody)?;
    let mut asked = list_params::read(&uri)?;
    asked.filter = asked.filter.within(&own);
    events::page(&trail, &asked).await
}
