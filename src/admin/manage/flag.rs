//! Flagging an event for somebody to look at.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use serde::Deserialize;

use super::Managed;
use crate::AuditReader;
use crate::admin::events::{DetailPath, id_of};
use crate::admin::problem::Problem;
use crate::event::limits;
use crate::store::Flag;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    flagged: bool,
    reason: Option<String>,
}

pub(super) async fn flag(
    path: Result<Path<DetailPath>, PathRejection>,
    request: Managed<Wanted>,
) -> Result<StatusCode, Problem> {
    let Managed {
        trail,
        auditor,
        body,
    } = request;
    let id = id_of(path)?;
    let reason = body.reason.filter(|reason| !reason.is_empty());
    if reason.is_some() && !body.flagged {
        return Err(Problem::bad_request(
            "The field `reason` is for events that are flagged.",
        ));
    }
    let manager = auditor.manager().ok_or_else(Problem::unmanaged)?;
    let sanitizer = auditor.sanitizer();
    let reason = reason.map(|reason| sanitizer.text(reason.as_bytes(), limits::TEXT_BYTES));
    trail.tell("flagged", &body.flagged);
    trail.tell("reason", &reason);
    if trail.get(id).await?.is_none() {
        return Err(Problem::no_such_event());
    }
    let flag = match body.flagged {
        true => Flag::Up(reason.as_deref()),
        false => Flag::Down,
    };
    match manager.set_flag(id, flag).await {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        Ok(false) => Err(Problem::no_such_event()),
        Err(error) => {
            trail.failed();
            Err(Problem::unchanged(&error))
        }
    }
}
