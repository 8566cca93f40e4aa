//! Whether and when a request may go on to its handler.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Request;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::exchange::Exchange;
use crate::Overflow;
use crate::writer::Room;

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

/// A request that waits for room in the queue, and the service that is ready for it.
pub(super) struct Held<S, B> {
    service: S,
    request: Request<B>,
    exchange: Arc<Exchange>,
    room: Pin<Box<dyn Future<Output = Option<Room>> + Send>>,
}

impl<S, B> Admission<S, B>
where
    S: Service<Request<B>> + Clone,
{
    /// Lets the request pass, as far as there is room for its record.
    pub(super) fn of(
        service: &mut S,
        request: Request<B>,
        exchange: &Arc<Exchange>,
        overflow: Overflow,
    ) -> Self {
        if overflow == Overflow::DropNewest || exchange.reserve() {
            let future = service.call(request);
            return Self::Called { future };
        }
        let Overflow::Wait(longest) = overflow else {
            exchange.refuse();
            return Self::Refused;
        };
        // The one that was polled ready is the one to be called.
        let next = service.clone();
        let held = Held {
            service: std::mem::replace(service, next),
            request,
            room: Box::pin(exchange.room_within(longest)),
            exchange: Arc::clone(exchange),
        };
        Self::Held {
            held: Some(Box::new(held)),
        }
    }
}

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
                    let room = ready!(waiting.room.as_mut().poll(cx));
                    let mut held = held.take().expect("a request is held until it is called");
                    held.exchange.occupy(room);
                    held.service.call(held.request)
                }
            };
            self.set(Self::Called { future });
        }
    }
}
