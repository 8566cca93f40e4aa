//! What a route says of its own requests.

use std::fmt::{self, Display};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::admission::Admission;
use super::body::ResponseBody;
use super::context::AuditContext;
use super::refusal::or_refusal;
use crate::event::{Frame, Kind, Tag};
use crate::policy::is_sample;
use crate::{Level, Overflow};

/// A layer for a route, which says what the requests to it are about and how
/// much of them is recorded. It needs an [`AuditLayer`](crate::AuditLayer)
/// around it, and does nothing without.
///
/// ```
/// use axum::{Router, routing::{get, post}};
/// use tower_audit::{Kind, Level, audited};
///
/// # async fn login() {}
/// # async fn search() {}
/// let routes: Router = Router::new()
///     .route("/login", post(login).layer(audited().kind(Kind::Auth).action("login").level(Level::Metadata)))
///     .route("/search", get(search).layer(audited().action("search").sample(0.1)));
/// # // routes.layer(auditor.layer())
/// ```
pub fn audited() -> Audited {
    Audited::default()
}

/// The layer that [`audited`] makes.
///
/// What it says comes before the handler's word: an
/// [`AuditContext::action`] replaces [`Audited::action`]. Of two such layers
/// around one another the inner one counts.
#[derive(Clone, Debug, Default)]
#[must_use = "a layer does nothing until it is added to a route"]
pub struct Audited {
    decoration: Arc<Decoration>,
}

/// What is said of requests to a route.
#[derive(Clone, Debug, Default)]
pub(super) struct Decoration {
    pub(super) fields: Frame,
    pub(super) level: Option<Level>,
    pub(super) sample: Option<f64>,
    pub(super) overflow: Overflow,
}

impl Audited {
    /// Sets what is done, as a short name such as `login`.
    pub fn action(self, action: &str) -> Self {
        self.with(|decoration| decoration.fields.name(Tag::Action, action))
    }

    /// Sets the kind of the records, such as [`Kind::Auth`]. Defaults to [`Kind::Http`].
    #[allow(clippy::needless_pass_by_value)] // an enum of words
    pub fn kind(self, kind: Kind) -> Self {
        self.with(|decoration| decoration.fields.name(Tag::Kind, kind.as_str()))
    }

    /// Sets the group of actions that this one belongs to, such as `billing`.
    pub fn category(self, category: &str) -> Self {
        self.with(|decoration| decoration.fields.name(Tag::Category, category))
    }

    /// Sets the type of what it is done to; a handler adds the id by
    /// [`AuditContext::resource`].
    pub fn resource_type(self, kind: &str) -> Self {
        self.with(|decoration| decoration.fields.name(Tag::ResourceType, kind))
    }

    /// Sets how much is recorded, whatever the [policy](crate::Policy) says:
    /// more or less, up to what the [settings](crate::AuditLayer) of the layer
    /// around allow. Defaults to what the policy says.
    ///
    /// It holds from here on: a body that a layer further out has begun to read is not captured any more.
    pub fn level(self, level: Level) -> Self {
        self.with(|decoration| decoration.level = Some(level))
    }

    /// Sets the share of requests that is recorded, from 0 to 1, whatever the
    /// [policy](crate::Policy) says; see there for what is kept in any case.
    /// Defaults to what the policy says.
    ///
    /// # Panics
    /// If it is not a number from 0 to 1.
    pub fn sample(self, share: f64) -> Self {
        assert!(is_sample(share), "a sample must be a number from 0 to 1");
        self.with(|decoration| decoration.sample = Some(share))
    }

    /// Sets what happens to a request when the queue has no room for its
    /// record, if that is stricter than what the [policy](crate::Policy) says. Defaults to that.
    /// Of two such layers around one another both count, the outer one first.
    ///
    /// ```
    /// # use axum::{Router, routing::post};
    /// use tower_audit::{Kind, Overflow, audited};
    ///
    /// # async fn login() {}
    /// let must_be_recorded = audited().kind(Kind::Auth).action("login").overflow(Overflow::Reject);
    /// let routes: Router = Router::new().route("/login", post(login).layer(must_be_recorded));
    /// ```
    pub fn overflow(self, overflow: Overflow) -> Self {
        self.with(|decoration| decoration.overflow = overflow)
    }

    fn with(mut self, set: impl FnOnce(&mut Decoration)) -> Self {
        set(Arc::make_mut(&mut self.decoration));
        self
    }
}

impl<S> Layer<S> for Audited {
    type Service = AuditedService<S>;

    fn layer(&self, inner: S) -> AuditedService<S> {
        AuditedService {
            inner,
            decoration: Arc::clone(&self.decoration),
        }
    }
}

/// The service that [`Audited`] makes of another one.
#[derive(Clone, Debug)]
pub struct AuditedService<S> {
    inner: S,
    decoration: Arc<Decoration>,
}

impl<S, B, R> Service<Request<B>> for AuditedService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    R: Body,
    R::Data: From<Bytes>,
    R::Error: Display + 'static,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = AuditedFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> AuditedFuture<S, B> {
        let Some(exchange) = AuditContext::exchange_of(&request) else {
            let future = self.inner.call(request);
            return AuditedFuture {
                inner: Admission::Called { future },
            };
        };
        exchange.decorate(&self.decoration, &request);
        let overflow = if exchange.id().is_some() {
            self.decoration.overflow
        } else {
            Overflow::DropNewest
        };
        AuditedFuture {
            inner: Admission::of(&mut self.inner, request, &exchange, overflow),
        }
    }
}

pin_project! {
    /// The future that [`AuditedService`] returns.
    pub struct AuditedFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        inner: Admission<S, B>,
    }
}

impl<S, B, R> Future for AuditedFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.project().inner.poll(cx);
        polled.map_ok(|response| or_refusal(response).map(ResponseBody::finished))
    }
}

impl<S, B> fmt::Debug for AuditedFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditedFuture").finish_non_exhaustive()
    }
}
