//! Both bodies, passed through and looked at on the way.

use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::ending;
use super::exchange::Exchange;
use super::guard::PanicGuard;
use super::refusal::Answer;
use crate::Outcome;

pin_project! {
    /// A request body on its way to the handler.
    #[derive(Debug)]
    pub struct RequestBody<B> {
        #[pin]
        inner: B,
        exchange: Arc<Exchange>,
    }
}

impl<B> RequestBody<B> {
    pub(super) fn new(inner: B, exchange: Arc<Exchange>) -> Self {
        Self { inner, exchange }
    }
}

impl<B: Body> Body for RequestBody<B>
where
    B::Error: 'static,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        // Looked at where it is: moving it would cost more than looking.
        let polled = this.inner.as_mut().poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    this.exchange.see_request(data);
                    // A body that has told its size is not asked for its end.
                    if this.inner.is_end_stream() {
                        this.exchange.request_complete();
                    }
                }
            }
            Poll::Ready(None) => this.exchange.request_complete(),
            Poll::Ready(Some(Err(error))) if ending::is_hang_up(error) => {
                this.exchange.request_broke_off();
            }
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

pin_project! {
    /// A response body on its way to the client. Dropping it before its end
    /// is recorded as [`Outcome::AbortedMidBody`].
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        inner: Answer<B>,
        end: Option<End>,
    }

    impl<B> PinnedDrop for ResponseBody<B> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(end) = this.project().end.take() {
                end.dropped();
            }
        }
    }
}

/// What is to be told once a response body has ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) exchange: Arc<Exchange>,
    pub(super) content_length: Option<u64>,
    /// The outcome, if the body reaches its end.
    pub(super) outcome: Outcome,
}

impl End {
    /// Looks at what the body gave; says whether that was its end, which is told then.
    fn is_told_by<D, E>(&self, polled: &Option<Result<Frame<D>, E>>, is_end: bool) -> bool
    where
        D: Buf,
        E: Display + 'static,
    {
        let frame = match polled {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                let (outcome, text) = ending::of_error(error, Outcome::BodyError);
                self.exchange.error(&text);
                self.exchange.finish(outcome);
                return true;
            }
            None => {
                self.complete();
                return true;
            }
        };
        if let Some(data) = frame.data_ref() {
            self.exchange.see_response(data);
        }
        if let Some(trailers) = frame.trailers_ref() {
            self.exchange.see_trailers(trailers);
        }
        // A body that has told its size is not asked for its end.
        let is_told = is_end || frame.is_trailers();
        if is_told {
            self.complete();
        }
        is_told
    }

    // A server that has sent as many bytes as `content-length` promised has
    // no reason to ask for more, so that is an end too.
    fn dropped(&self) {
        let bytes = self.exchange.response_bytes();
        if self.content_length.is_some_and(|length| bytes >= length) {
            self.complete();
        } else {
            self.exchange.finish(Outcome::AbortedMidBody);
        }
    }

    fn complete(&self) {
        self.exchange.response_complete();
        self.exchange.finish(self.outcome);
    }
}

impl<B> ResponseBody<B> {
    /// A body whose end is to be told.
    pub(super) fn new(inner: Answer<B>, end: End) -> Self {
        Self {
            inner,
            end: Some(end),
        }
    }

    /// A body of which nothing is left to record.
    pub(super) fn finished(inner: Answer<B>) -> Self {
        Self { inner, end: None }
    }
}

impl<B: Default> Default for ResponseBody<B> {
    /// A body of which nothing is recorded: what other layers answer with by themselves.
    fn default() -> Self {
        let body = B::default();
        Self::finished(Answer::Inner { body })
    }
}

impl<B: Body> Body for ResponseBody<B>
where
    B::Data: From<Bytes>,
    B::Error: Display + 'static,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let end = this.end.as_ref();
        let guard = PanicGuard::new(end.map(|end| &*end.exchange));
        let polled = this.inner.as_mut().poll_frame(cx);
        guard.disarm();
        if let (Some(end), Poll::Ready(frame)) = (end, &polled)
            && end.is_told_by(frame, this.inner.is_end_stream())
        {
            *this.end = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
