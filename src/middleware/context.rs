//! What a handler says about its own request.

use std::fmt;
use std::sync::Arc;

use http::Request;
use serde::Serialize;

use super::exchange::Exchange;
use crate::event::{Actor, Change, EventId, Frame, Kind, Resource, Tag, limits};

/// Adds meaning to the record of the request at hand.
///
/// The layer puts it into the request's extensions; with the feature `axum`
/// it is an extractor too. Outside the layer the extractor gives an inert
/// one, which does nothing.
///
/// What is said after the response has ended is lost. Texts over their
/// [limit](limits) are cut, with a note in the record. Setting a single
/// value twice keeps the second.
///
/// ```
/// use tower_audit::{Actor, AuditContext};
///
/// fn cancel(audit: &AuditContext, user: u64, order: u64) {
///     audit.actor(Actor::user(user)).action("order.cancel").resource("order", order);
/// }
/// # cancel(&AuditContext::default(), 1, 2);
/// ```
#[derive(Clone, Default)]
pub struct AuditContext {
    exchange: Option<Arc<Exchange>>,
}

#[allow(clippy::needless_pass_by_value)] // ids and actors are passed as they are
impl AuditContext {
    pub(super) fn new(exchange: Arc<Exchange>) -> Self {
        Self {
            exchange: Some(exchange),
        }
    }

    /// Whether this context belongs to a request that is recorded, as far as
    /// can be told yet: not if the [policy](crate::Policy) leaves the request
    /// out or the trail is [paused](crate::Auditor::pause). Rules about the
    /// end, and sampling, may still leave it out.
    pub fn is_active(&self) -> bool {
        self.id().is_some()
    }

    /// The id under which the request's record will be found: the
    /// [`parent`](crate::Event::parent) of events that it causes. None where the context is not active.
    pub fn id(&self) -> Option<EventId> {
        self.exchange.as_ref()?.id()
    }

    /// Sets the kind of the record, such as [`Kind::Auth`]. Defaults to [`Kind::Http`].
    pub fn kind(&self, kind: Kind) -> &Self {
        self.add(|frame| frame.name(Tag::Kind, kind.as_str()))
    }

    /// Sets who does it.
    pub fn actor(&self, actor: Actor) -> &Self {
        self.add(|frame| frame.actor(&actor))
    }

    /// Sets the tenant in which it happens.
    pub fn tenant(&self, id: impl ToString) -> &Self {
        self.add(|frame| frame.name(Tag::TenantId, &id.to_string()))
    }

    /// Sets the session in which it happens. Pass a name of the session, never its secret token.
    pub fn session(&self, id: impl ToString) -> &Self {
        self.add(|frame| frame.name(Tag::SessionId, &id.to_string()))
    }

    /// Sets the operation that several events share.
    pub fn operation(&self, id: impl ToString) -> &Self {
        self.add(|frame| frame.name(Tag::OperationId, &id.to_string()))
    }

    /// Sets the request's id. Defaults to the header `x-request-id`, then to the record's own id.
    pub fn request_id(&self, id: impl ToString) -> &Self {
        self.add(|frame| frame.name(Tag::RequestId, &id.to_string()))
    }

    /// Sets what is done, as a short name such as `order.create`.
    pub fn action(&self, action: &str) -> &Self {
        self.add(|frame| frame.name(Tag::Action, action))
    }

    /// Sets the group of actions that this one belongs to, such as `billing`.
    pub fn category(&self, category: &str) -> &Self {
        self.add(|frame| frame.name(Tag::Category, category))
    }

    /// Sets a sentence for people.
    pub fn description(&self, description: &str) -> &Self {
        self.add(|frame| frame.text(Tag::Description, description, limits::TEXT_BYTES))
    }

    /// Sets what it is done to.
    pub fn resource(&self, kind: &str, id: impl ToString) -> &Self {
        self.add(|frame| frame.resource(&Resource::new(kind, id)))
    }

    /// Adds a named value. One that cannot be serialized, or takes more than
    /// [`limits::DETAIL_BYTES`] as JSON, is left out, with a note in the record.
    pub fn detail(&self, name: &str, value: &impl Serialize) -> &Self {
        self.add(|frame| frame.detail(name, value))
    }

    /// Adds a tag.
    pub fn tag(&self, tag: &str) -> &Self {
        self.add(|frame| frame.name(Tag::Tags, tag))
    }

    /// Flags the request for somebody to look at.
    pub fn flag(&self, reason: &str) -> &Self {
        self.add(|frame| frame.text(Tag::Flag, reason, limits::TEXT_BYTES))
    }

    /// Adds what changed.
    pub fn change(&self, change: Change) -> &Self {
        self.add(|frame| frame.bytes(Tag::Change, change.to_json().as_bytes()))
    }

    /// Sets whether it succeeded. Defaults to whether it was completed with a status below 400.
    pub fn success(&self, success: bool) -> &Self {
        self.add(|frame| frame.bytes(Tag::Success, &[u8::from(success)]))
    }

    /// Sets what went wrong. Its text is sanitized as far as text can be; leave out what is secret.
    pub fn error(&self, error: impl ToString) -> &Self {
        self.add(|frame| frame.text(Tag::Error, &error.to_string(), limits::TEXT_BYTES))
    }

    /// The exchange of a request that a layer has seen.
    pub(super) fn exchange_of<B>(request: &Request<B>) -> Option<Arc<Exchange>> {
        request.extensions().get::<Self>()?.exchange.clone()
    }

    fn add(&self, add: impl FnOnce(&mut Frame)) -> &Self {
        if let Some(exchange) = &self.exchange
            && exchange.has_begun()
        {
            // Apart from the exchange, so that no code of the application
            // (`ToString`, `Serialize`) runs under its lock.
            let mut fields = Frame::default();
            add(&mut fields);
            exchange.enrich(&fields);
        }
        self
    }
}

impl Drop for AuditContext {
    // A handler that panics drops its context while it unwinds. That is how
    // a panic shows which a layer further in turns into a response.
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(exchange) = &self.exchange
        {
            exchange.panicking();
        }
    }
}

impl fmt::Debug for AuditContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditContext")
            .field("id", &self.id())
            .finish()
    }
}
