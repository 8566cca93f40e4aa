//! What happened around an event.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::Uri;
use serde::Serialize;

use super::events::{self, DetailPath};
use super::params::{self, Parameter};
use super::problem::Problem;
use super::scoped::Scoped;
use super::summary::Summary;
use crate::AuditReader;
use crate::query::Link;

#[derive(Serialize)]
pub(super) struct Timeline {
    by: Option<Link>,
    items: Vec<Summary>,
    is_complete: bool,
}

const TIMELINE: &[Parameter<Option<Link>>] = &[Parameter {
    name: "by",
    takes: "one of `operation_id`, `trace_id`, `request_id` and `session_id`",
    repeats: false,
    read: |by, text| {
        *by = Some(text.parse().ok()?);
        Some(())
    },
}];

pub(super) async fn timeline(
    trail: Scoped,
    path: Result<Path<DetailPath>, PathRejection>,
    uri: Uri,
) -> Result<Json<Timeline>, Problem> {
    let mut by = None;
    params::own(&uri, TIMELINE, &mut by)?;
    let id = events::id_of(path)?;
    let timeline = trail.timeline(id, by).await?;
    let timeline = timeline.ok_or_else(Problem::no_such_event)?;
    Ok(Json(Timeline {
        by: timeline.by,
        items: timeline.items.into_iter().map(Summary).collect(),
        is_complete: timeline.is_complete,
    }))
}
