//! Errors as `application/problem+json` (RFC 9457).

use std::borrow::Cow;
use std::time::Duration;

use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Denied;
use crate::Error;

/// Seconds after which it is worth asking a store again.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// What the outside is told when a request cannot be answered.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: Cow<'static, str>,
    parameter: Option<Cow<'static, str>>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Problem {
    /// `detail` is a sentence without anything of the request in it.
    pub(super) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            detail: detail.into(),
            parameter: None,
            header: None,
        }
    }

    pub(super) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn parameter(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.parameter = Some(name.into());
        self
    }

    fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    pub(super) fn not_found(detail: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "The audit trail can only be read: use GET or HEAD.",
        )
        .header(ALLOW, HeaderValue::from_static("GET, HEAD"))
    }

    /// Where more can be done than reading.
    pub(super) fn other_method(allow: &'static str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "This path takes another method.",
        )
        .header(ALLOW, HeaderValue::from_static(allow))
    }

    pub(super) fn no_such_event() -> Self {
        Self::not_found("There is no event of this id.")
    }

    pub(super) fn unmanaged() -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "The audit trail cannot be changed here: its store does not support it.",
        )
    }

    /// A store's failure to change something: told in full to the log, and in general to the outside.
    pub(super) fn unchanged(error: &Error) -> Self {
        tracing::warn!(
            code = error.code(),
            "the audit trail cannot be changed: {error}"
        );
        if error.is_transient() {
            return Self::unavailable(
                "The audit trail cannot be changed at the moment: try again.",
            );
        }
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The audit trail cannot be changed: the service's log says why.",
        )
    }

    pub(super) fn write_only() -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "The audit trail cannot be read here: its store can only be written.",
        )
    }

    pub(super) fn nobody() -> Self {
        Self::not_found("There are no events of your own: who you are was not told.")
    }

    /// The limit allows another request after `wait`.
    pub(super) fn too_many_requests(wait: Duration) -> Self {
        // Rounded up: whoever comes too early is refused again.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "That was asked too often: try again later.",
        )
        .header(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// A route that lacks its guard: a bug.
    pub(super) fn unguarded() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The audit trail cannot be read at this path.",
        )
    }

    pub(super) fn unavailable(detail: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).header(RETRY_AFTER, RETRY_SECONDS)
    }
}

/// A store's failure: told in full to the log, and in general to the outside.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        tracing::warn!(
            code = error.code(),
            "the audit trail cannot be read: {error}"
        );
        if error.is_timeout() {
            return Self::unavailable(
                "The audit trail took too long to answer: try again, or ask for a shorter time.",
            );
        }
        if error.is_transient() {
            return Self::unavailable("The audit trail cannot be read at the moment: try again.");
        }
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The audit trail cannot be read: the service's log says why.",
        )
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unauthenticated { challenge } => Self::new(
                StatusCode::UNAUTHORIZED,
                "Reading the audit trail needs credentials: they are missing or wrong.",
            )
            .header(WWW_AUTHENTICATE, challenge),
            Denied::Forbidden => Self::new(
                StatusCode::FORBIDDEN,
                "Reading the audit trail is not allowed.",
            ),
            Denied::Unavailable => {
                Self::unavailable("Access cannot be checked at the moment: try again.")
            }
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'a str>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            // "No more than what the status says" (RFC 9457, section 4.2.1).
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &self.detail,
            parameter: self.parameter.as_deref(),
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.extend(self.header.map(|header| *header));
        response
    }
}
