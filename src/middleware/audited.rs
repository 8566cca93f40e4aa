//! What a route says of its own requests.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use super::context::AuditContext;
use crate::Level;
use crate::event::{Frame, Kind, Tag};
use crate::policy::is_sample;

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

impl<S, B> Service<Request<B>> for AuditedService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        if let Some(context) = request.extensions().get::<AuditContext>() {
            context.decorate(&self.decoration, &request);
        }
        self.inner.call(request)
    }
}
