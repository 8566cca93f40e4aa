//! New records as they are stored, as server-sent events.

mod seen;
mod tail;

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use tokio::sync::Semaphore;

use self::tail::Tail;
use super::params;
use super::problem::Problem;
use super::scoped::Scoped;
use super::stream::stream;
use super::trail::Trail;
use crate::EventId;

/// The most clients of a router at once.
const MAX_CLIENTS: usize = 32;
/// How long a client may take nothing.
const PATIENCE: Duration = Duration::from_secs(10);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(super) fn route() -> MethodRouter<Trail> {
    let turns = Arc::new(Semaphore::new(MAX_CLIENTS));
    get(move |trail: Scoped, uri: Uri, headers: HeaderMap| {
        live(trail, uri, headers, Arc::clone(&turns))
    })
}

async fn live(
    trail: Scoped,
    uri: Uri,
    headers: HeaderMap,
    turns: Arc<Semaphore>,
) -> Result<Response, Problem> {
    let filter = params::read::<()>(&uri, &[], &mut ())?;
    let last = last_event_id(&headers)?;
    let turn = turns
        .try_acquire_owned()
        .map_err(|_| Problem::unavailable("Too many clients follow the trail: try again later."))?;
    let (outlet, body) = stream(PATIENCE);
    let tail = Tail::start(Arc::new(trail), filter, last).await?;
    tokio::spawn(async move {
        let _turn = turn;
        tail.run(outlet).await;
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        // Proxies of one make pass on what comes as it comes.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, body).into_response())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<EventId>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    id.map(Some).ok_or_else(|| {
        Problem::bad_request("The header `last-event-id` takes the id of an event: a UUID.")
    })
}
