//! The way to the response's head.

use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Method, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::{End, ResponseBody};
use super::ending;
use super::exchange::Exchange;
use super::guard::PanicGuard;
use crate::Outcome;

pin_project! {
    /// The future that [`Audit`](super::Audit) returns. Dropping it before it is
    /// ready is recorded as [`Outcome::AbortedBeforeHead`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        method: Method,
        exchange: Option<Arc<Exchange>>,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(exchange) = this.project().exchange.take() {
                exchange.finish(Outcome::AbortedBeforeHead);
            }
        }
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, method: Method, exchange: Arc<Exchange>) -> Self {
        Self {
            inner,
            method,
            exchange: Some(exchange),
        }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
    E: Display + 'static,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let guard = PanicGuard::new(this.exchange.as_deref());
        let polled = this.inner.poll(cx);
        guard.disarm();
        let result = ready!(polled);
        let exchange = this
            .exchange
            .take()
            .expect("a future is not polled after it was ready");
        Poll::Ready(match result {
            Ok(response) => Ok(answered(response, this.method, exchange)),
            Err(error) => {
                let (outcome, text) = ending::of_error(&error, Outcome::ServiceError);
                exchange.error(&text);
                exchange.finish(outcome);
                Err(error)
            }
        })
    }
}

/// Records the head, and the end too where the head is all there is.
fn answered<R: Body>(
    response: Response<R>,
    method: &Method,
    exchange: Arc<Exchange>,
) -> Response<ResponseBody<R>> {
    let status = response.status();
    exchange.head(status, response.headers());
    if let Some(outcome) = ends_with_head(&response, method) {
        exchange.finish(outcome);
        return response.map(ResponseBody::finished);
    }
    let content_length = promised_length(&response);
    let outcome = match status {
        StatusCode::REQUEST_TIMEOUT => Outcome::TimedOut,
        _ => Outcome::Completed,
    };
    let end = End {
        exchange,
        content_length,
        outcome,
    };
    response.map(|body| ResponseBody::new(body, end))
}

/// The outcome of a response that has no body, or whose body no server will poll.
fn ends_with_head<R: Body>(response: &Response<R>, method: &Method) -> Option<Outcome> {
    let status = response.status();
    if status == StatusCode::SWITCHING_PROTOCOLS
        || (*method == Method::CONNECT && status.is_success())
    {
        return Some(Outcome::Upgraded);
    }
    let is_bodiless = *method == Method::HEAD
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
        || response.body().is_end_stream();
    is_bodiless.then_some(match status {
        StatusCode::REQUEST_TIMEOUT => Outcome::TimedOut,
        _ => Outcome::Completed,
    })
}

/// The size that is known of a body in advance: its own word, or the head's.
fn promised_length<R: Body>(response: &Response<R>) -> Option<u64> {
    response.body().size_hint().exact().or_else(|| {
        let header = response.headers().get(http::header::CONTENT_LENGTH)?;
        header.to_str().ok()?.parse().ok()
    })
}
