//! Deleting events.

use std::time::Duration;

use axum::Json;
use axum::http::Uri;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::Managed;
use crate::admin::params;
use crate::admin::problem::Problem;
use crate::query::Accuracy;
use crate::{AuditReader, Filter, PageRequest};

/// How long a request goes on to delete; the next one goes on from there.
const TIME: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// As a query string has it.
    filter: String,
    #[serde(default = "unless_told")]
    dry_run: bool,
}

fn unless_told() -> bool {
    true
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Purged {
    Counted {
        dry_run: bool,
        count: u64,
        count_accuracy: Accuracy,
    },
    Deleted {
        dry_run: bool,
        deleted: u64,
        /// Whether that was all; otherwise the same request deletes more.
        is_complete: bool,
    },
}

pub(super) async fn purge(request: Managed<Wanted>) -> Result<Json<Purged>, Problem> {
    let Managed {
        trail,
        auditor,
        body: Wanted { filter, dry_run },
    } = request;
    trail.tell_query(&filter);
    trail.tell("dry_run", &dry_run);
    let filter = read(&filter)?;
    let manager = auditor.manager().ok_or_else(Problem::unmanaged)?;
    if dry_run {
        let count = trail.count(&filter).await?;
        return Ok(Json(Purged::Counted {
            dry_run,
            count: count.records,
            count_accuracy: count.accuracy,
        }));
    }
    let started = Instant::now();
    let (mut deleted, mut is_complete) = (0, false);
    let mut page = PageRequest::new(PageRequest::MAX_LIMIT)?;
    while !is_complete && started.elapsed() < TIME {
        let found = trail.list(&filter, &page).await?;
        let ids: Vec<_> = found.items.iter().map(|record| record.id).collect();
        let answer = match ids.is_empty() {
            true => Ok(0),
            false => manager.delete(&ids).await,
        };
        deleted += match answer {
            Ok(deleted) => deleted,
            Err(error) => {
                trail.failed();
                return Err(Problem::unchanged(&error));
            }
        };
        match found.next_cursor {
            Some(cursor) => page = page.cursor(cursor),
            None => is_complete = true,
        }
    }
    trail.tell("deleted", &deleted);
    Ok(Json(Purged::Deleted {
        dry_run,
        deleted,
        is_complete,
    }))
}

/// The filter of a query string, whole, and never that of all events.
fn read(text: &str) -> Result<Filter, Problem> {
    let unreadable = || {
        Problem::bad_request("The field `filter` takes conditions as a query string has them.")
            .parameter("filter")
    };
    let uri: Uri = format!("/?{text}").parse().map_err(|_| unreadable())?;
    // What follows a `#` would be left out, and more would pass than was meant.
    if uri.query() != Some(text) {
        return Err(unreadable());
    }
    let filter = params::read(&uri, &[], &mut ())?;
    if filter == Filter::new() {
        return Err(Problem::bad_request(
            "The field `filter` takes at least one condition: all events are never deleted at once.",
        )
        .parameter("filter"));
    }
    Ok(filter)
}
