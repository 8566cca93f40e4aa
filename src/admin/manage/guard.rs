//! Who may change the trail, and from where.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde::de::DeserializeOwned;

use crate::Auditor;
use crate::admin::problem::Problem;
use crate::admin::scoped::Scoped;
use crate::admin::trail::Trail;

/// The most bytes of a request's body.
const MAX_BODY: usize = 64 * 1024;

/// A request to change the trail, by somebody who may.
pub(super) struct Managed<T> {
    pub(super) trail: Scoped,
    pub(super) auditor: Auditor,
    pub(super) body: T,
}

impl<T: DeserializeOwned> FromRequest<Trail> for Managed<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Trail) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let trail = Scoped::from_request_parts(&mut parts, state).await?;
        if !trail.access().may_manage() {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "Changing the audit trail is not allowed.",
            ));
        }
        // Without an auditor it would not be recorded.
        let auditor = state.auditor().ok_or_else(Problem::unmanaged)?.clone();
        if !is_from_here(&parts) {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "The audit trail cannot be changed from a page of another origin.",
            ));
        }
        // A page of another origin cannot send it without asking first.
        if !is_json(&parts.headers) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body must be of the type `application/json`.",
            ));
        }
        let body = to_bytes(body, MAX_BODY).await.map_err(|_| {
            Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "The body is longer than 64 KiB, or broke off.",
            )
        })?;
        Ok(Self {
            body: read(&body)?,
            trail,
            auditor,
        })
    }
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    // What is wrong with it is not told: that may quote it.
    serde_json::from_slice(body).map_err(|_| {
        Problem::bad_request(
            "The body is not what this path takes: a field is unknown, missing or of the wrong type.",
        )
    })
}

/// Whether the request comes from no page, or from one of this origin, as browsers tell.
fn is_from_here(parts: &Parts) -> bool {
    let only = |name: &str| {
        let mut values = parts.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(drop),
            (Some(_), Some(_)) => Err(()),
        }
    };
    let (Ok(site), Ok(origin), Ok(host)) = (
        only("sec-fetch-site"),
        only(ORIGIN.as_str()),
        only(HOST.as_str()),
    ) else {
        return false;
    };
    if site.is_some_and(|site| site != "same-origin") {
        return false;
    }
    let Some(origin) = origin else { return true };
    // Over HTTP/2 the host is a part of the URI.
    let own = host.or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    let origin: Option<Uri> = origin.parse().ok();
    let authority = origin.as_ref().and_then(Uri::authority);
    matches!((authority, own), (Some(origin), Some(own)) if origin.as_str().eq_ignore_ascii_case(own))
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = given.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
