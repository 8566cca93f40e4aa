//! Whether and when a request may go on to its handler.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Request;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::exchange::Exchange;
use crate::Overflow;

pin_project! {
    /// The inner service's future, or what comes instead of it or before.
    /// Ready with nothing if the request is refused.
    #[project = AdmissionProjection]
    pub(super) enum Admission<S, B>
    where
        S: Service<Request<B>>,
    {
        Called { #[pin] future: S::Future },
        // In a box, since hardly any request is held.
        Held { held: Option<Box<Held<S, B>>> },
        Refused,
    }
}

/// A request that waits, and the service that is ready for it.
pub(super) struct Held<S, B> {
    service: S,
    request: Request<B>,
    exchange: Arc<Exchange>,
    /// Whether it may go on.
    admitted: Waiting,
}

/// What somebody waits for, and how it turned out.
pub(super) type Waiting = Pin<Box<dyn Future<Output = bool> + Send>>;

impl<S, B> Admission<S, B>
where
    S: Service<Request<B>> + Clone,
{
    /// Lets the request pass, as far as there is room for its record, and
    /// once it is durable where that is asked for.
    pub(super) fn of(
        service: &mut S,
        request: Request<B>,
        exchange: &Arc<Exchange>,
        overflow: Overflow,
    ) -> Self {
        let is_staged = exchange.is_strict() && !exchange.has_provisional();
        if is_staged || (overflow != Overflow::DropNewest && !exchange.reserve()) {
            return Self::hold(service, request, exchange, overflow, is_staged);
        }
        let future = service.call(request);
        Self::Called { future }
    }

    #[cold]
    fn hold(
        service: &mut S,
        request: Request<B>,
        exchange: &Arc<Exchange>,
        overflow: Overflow,
        is_staged: bool,
    ) -> Self {
        let admitted: Waiting = if is_staged {
            // Room for what is to follow, too: it must not be dropped then.
            if !exchange.reserve() {
                exchange.refuse(NO_ROOM);
                return Self::Refused;
            }
            Box::pin(exchange.stage())
        } else if let Overflow::Wait(longest) = overflow {
            let exchange = Arc::clone(exchange);
            Box::pin(async move {
                exchange.wait_for_room(longest).await;
                true
            })
        } else {
            exchange.refuse(NO_ROOM);
            return Self::Refused;
        };
        // The one that was polled ready is the one to be called.
        let next = service.clone();
        let held = Held {
            service: std::mem::replace(service, next),
            request,
            exchange: Arc::clone(exchange),
            admitted,
        };
        Self::Held {
            held: Some(Box::new(held)),
        }
    }
}

const NO_ROOM: &str = "refused: the audit queue has no room for a record";
/// What the record says if the journal did not take it, should it be stored at all.
pub(super) const NOT_DURABLE: &str = "refused: the audit journal did not take the record";

impl<S, B> Future for Admission<S, B>
where
    S: Service<Request<B>>,
{
    type Output = Result<Option<S::Response>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let future = match self.as_mut().project() {
                AdmissionProjection::Called { future } => return future.poll(cx).map_ok(Some),
                AdmissionProjection::Refused => return Poll::Ready(Ok(None)),
                AdmissionProjection::Held { held } => {
                    let waiting = held.as_mut().expect("a request is held until it is called");
                    let is_admitted = ready!(waiting.admitted.as_mut().poll(cx));
                    let mut held = held.take().expect("a request is held until it is called");
                    if !is_admitted {
                        held.exchange.refuse(NOT_DURABLE);
                        self.set(Self::Refused);
                        continue;
                    }
                    held.service.call(held.request)
                }
            };
            self.set(Self::Called { future });
        }
    }
}
