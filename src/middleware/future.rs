//! The way to the response's head.

use std::fmt::{self, Display};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::admission::{Admission, NOT_DURABLE, Waiting};
use super::body::{End, ResponseBody};
use super::ending;
use super::exchange::Exchange;
use super::guard::PanicGuard;
use super::refusal::{Answer, late_refusal, or_refusal};
use crate::Outcome;

pin_project! {
    /// The future that [`Audit`](super::Audit) returns. Dropping it before it is
    /// ready is recorded as [`Outcome::AbortedBeforeHead`].
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        inner: Admission<S, B>,
        method: Method,
        exchange: Option<Arc<Exchange>>,
        // In a box, since hardly any response is held.
        held: Option<Box<Held<S::Response>>>,
    }

    impl<S, B> PinnedDrop for ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        fn drop(this: Pin<&mut Self>) {
            if let Some(exchange) = this.project().exchange.take() {
                exchange.finish(Outcome::AbortedBeforeHead);
            }
        }
    }
}

/// A response that waits until its record is durable.
struct Held<R> {
    response: R,
    durable: Waiting,
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn new(inner: Admission<S, B>, method: Method, exchange: Arc<Exchange>) -> Self {
        Self {
            inner,
            method,
            exchange: Some(exchange),
            held: None,
        }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Display + 'static,
    R: Body,
    R::Data: From<Bytes>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        const ONCE: &str = "a future is not polled after it was ready";
        let this = self.project();
        if this.held.is_none() {
            let guard = PanicGuard::new(this.exchange.as_deref());
            let polled = this.inner.poll(cx);
            guard.disarm();
            let result = ready!(polled);
            let exchange = this.exchange.as_ref().expect(ONCE);
            match result {
                Ok(Some(response)) if exchange.is_strict() => {
                    exchange.head(response.status(), response.headers());
                    let durable = Box::pin(exchange.stage());
                    *this.held = Some(Box::new(Held { response, durable }));
                }
                Ok(response) => {
                    let response = or_refusal(response);
                    exchange.head(response.status(), response.headers());
                    let exchange = this.exchange.take().expect(ONCE);
                    return Poll::Ready(Ok(answered(response, this.method, exchange)));
                }
                Err(error) => {
                    let (outcome, text) = ending::of_error(&error, Outcome::ServiceError);
                    exchange.error(&text);
                    exchange.finish(outcome);
                    *this.exchange = None;
                    return Poll::Ready(Err(error));
                }
            }
        }
        let held = this.held.as_mut().expect("a response is held");
        let is_durable = ready!(held.durable.as_mut().poll(cx));
        let held = this.held.take().expect("a response is held");
        let exchange = this.exchange.take().expect(ONCE);
        let response = if is_durable {
            or_refusal(Some(held.response))
        } else {
            exchange.refuse(NOT_DURABLE);
            let refusal = late_refusal();
            exchange.head(refusal.status(), refusal.headers());
            refusal
        };
        Poll::Ready(Ok(answered(response, this.method, exchange)))
    }
}

/// Records the end, where the head is all there is.
fn answered<R: Body>(
    response: Response<Answer<R>>,
    method: &Method,
    exchange: Arc<Exchange>,
) -> Response<ResponseBody<R>>
where
    R::Data: From<Bytes>,
{
    let status = response.status();
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

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("exchange", &self.exchange)
            .finish_non_exhaustive()
    }
}
