//! All records that pass a filter, as a file that is sent while it is read.

mod csv;
mod encoder;
mod formula;
mod params;
mod pump;

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use tokio::sync::Semaphore;

use self::encoder::Encoder;
use self::params::Format;
use super::problem::Problem;
use super::scoped::Scoped;
use super::stream::stream;
use super::trail::Trail;

/// The most exports of a router at once: each holds a few pages in memory.
const MAX_EXPORTS: usize = 4;
/// How long a client may take nothing.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn route() -> MethodRouter<Trail> {
    let turns = Arc::new(Semaphore::new(MAX_EXPORTS));
    get(move |trail: Scoped, uri: Uri| export(trail, uri, Arc::clone(&turns)))
}

async fn export(trail: Scoped, uri: Uri, turns: Arc<Semaphore>) -> Result<Response, Problem> {
    let asked = params::read(&uri)?;
    let turn = turns
        .try_acquire_owned()
        .map_err(|_| Problem::unavailable("Too many exports are under way: try again later."))?;
    let (outlet, body) = stream(PATIENCE);
    let encoder = Encoder::new(asked.format, trail.shown_columns());
    let headers = [
        (CONTENT_TYPE, asked.format.content_type()),
        (CONTENT_DISPOSITION, asked.format.disposition()),
    ];
    // The first page is waited for: what is wrong from the start is said in words.
    let export = pump::Export::start(Arc::new(trail), asked.filter, asked.cursor).await?;
    tokio::spawn(async move {
        let _turn = turn;
        export.run(encoder, outlet).await;
    });
    Ok((headers, body).into_response())
}

impl Format {
    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
        })
    }

    fn disposition(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Csv => r#"attachment; filename="audit-events.csv""#,
            Self::Json => r#"attachment; filename="audit-events.json""#,
            Self::Ndjson => r#"attachment; filename="audit-events.ndjson""#,
        })
    }
}
