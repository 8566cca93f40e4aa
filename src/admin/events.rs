//! Records: a page of them, and one with everything.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::Uri;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::scoped::Scoped;
use super::summary::{Detail, Summary};
use super::{list_params, params};
use crate::query::Accuracy;
use crate::{AuditReader, Cursor, EventId, Timestamp};

#[derive(Serialize)]
pub(super) struct List {
    items: Vec<Summary>,
    next_cursor: Option<Cursor>,
    prev_cursor: Option<Cursor>,
    scanned_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count_accuracy: Option<Accuracy>,
}

pub(super) async fn list(trail: Scoped, uri: Uri) -> Result<Json<List>, Problem> {
    let asked = list_params::read(&uri)?;
    page(&trail, &asked).await
}

/// The page that is asked for, with its count if that is asked for.
pub(super) async fn page(trail: &Scoped, asked: &list_params::List) -> Result<Json<List>, Problem> {
    let page = trail.list(&asked.filter, &asked.page).await?;
    let count = match asked.count {
        true => Some(trail.count(&asked.filter).await?),
        false => None,
    };
    Ok(Json(List {
        items: page.items.into_iter().map(Summary).collect(),
        next_cursor: page.next_cursor,
        prev_cursor: page.prev_cursor,
        scanned_until: page.scanned_until,
        count: count.map(|count| count.records),
        count_accuracy: count.map(|count| count.accuracy),
    }))
}

/// By name, since the mount point may have parameters of its own.
#[derive(Deserialize)]
pub(super) struct DetailPath {
    id: EventId,
}

pub(super) fn id_of(path: Result<Path<DetailPath>, PathRejection>) -> Result<EventId, Problem> {
    path.map(|Path(DetailPath { id })| id).map_err(|_| {
        Problem::bad_request("The parameter `id` takes the id of an event: a UUID.").parameter("id")
    })
}

pub(super) async fn detail(
    trail: Scoped,
    path: Result<Path<DetailPath>, PathRejection>,
    uri: Uri,
) -> Result<Json<Detail>, Problem> {
    params::none(&uri)?;
    let id = id_of(path)?;
    match trail.get(id).await? {
        Some(record) => Ok(Json(Detail {
            record,
            hidden: trail.access().hidden_columns(),
        })),
        None => Err(Problem::no_such_event()),
    }
}
