//! The answer to a request whose record would find no room, or is not durable.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// A body of the inner service, or that of a refusal.
    #[derive(Debug)]
    #[project = AnswerProjection]
    pub(super) enum Answer<B> {
        Inner { #[pin] body: B },
        Refusal { rest: &'static str },
    }
}

/// As RFC 9457 has it.
const PROBLEM: &str = r#"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the audit trail cannot take a record of this request now; try again later"}"#;

/// When to try again: by then the writer has made room, if it can.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// The same after the handler has run: whoever repeats the request repeats what that did.
const HANDLED_PROBLEM: &str = r#"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the request was handled, but the audit trail could not take its record; look at what it did before you repeat it"}"#;

/// `503 Service Unavailable`, as `application/problem+json`, before the handler runs.
pub(super) fn refusal<B>() -> Response<Answer<B>> {
    let mut response = problem(PROBLEM);
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
    response
}

/// The same in place of what the handler has answered.
pub(super) fn late_refusal<B>() -> Response<Answer<B>> {
    problem(HANDLED_PROBLEM)
}

fn problem<B>(text: &'static str) -> Response<Answer<B>> {
    let mut response = Response::new(Answer::Refusal { rest: text });
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let content_type = HeaderValue::from_static("application/problem+json");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    response
}

/// What a service answers, or a refusal where there is nothing.
pub(super) fn or_refusal<B>(response: Option<Response<B>>) -> Response<Answer<B>> {
    match response {
        Some(response) => response.map(|body| Answer::Inner { body }),
        None => refusal(),
    }
}

impl<B: Body> Body for Answer<B>
where
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project() {
            AnswerProjection::Inner { body } => body.poll_frame(cx),
            AnswerProjection::Refusal { rest } => {
                let text = std::mem::take(rest);
                let frame = || Ok(Frame::data(Bytes::from_static(text.as_bytes()).into()));
                Poll::Ready((!text.is_empty()).then(frame))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Inner { body } => body.is_end_stream(),
            Self::Refusal { rest } => rest.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Inner { body } => body.size_hint(),
            Self::Refusal { rest } => SizeHint::with_exact(rest.len() as u64),
        }
    }
}
