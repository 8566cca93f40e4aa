//! The service.

use std::fmt::Display;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::admission::Admission;
use super::body::{RequestBody, ResponseBody};
use super::context::AuditContext;
use super::exchange::{Exchange, Shared};
use super::future::ResponseFuture;
use super::guard::PanicGuard;

/// The service that [`AuditLayer`](super::AuditLayer) makes of another one.
#[derive(Clone, Debug)]
pub struct Audit<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Audit<S> {
    pub(super) fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S, B, R> Service<Request<B>> for Audit<S>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>> + Clone,
    S::Error: Display + 'static,
    B: Body,
    R: Body,
    R::Data: From<Bytes>,
    R::Error: Display + 'static,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, RequestBody<B>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let method = request.method().clone();
        let has_body = !request.body().is_end_stream();
        let exchange = Exchange::begin(Arc::clone(&self.shared), &request, has_body);
        request
            .extensions_mut()
            .insert(AuditContext::new(Arc::clone(&exchange)));
        let request = request.map(|body| RequestBody::new(body, Arc::clone(&exchange)));
        let guard = PanicGuard::new(Some(&exchange));
        let admission = Admission::of(&mut self.inner, request, &exchange, exchange.overflow());
        guard.disarm();
        ResponseFuture::new(admission, method, exchange)
    }
}
