//! What is offered to the trail.

use serde::Serialize;

use super::{Actor, Change, EventId, Frame, Kind, Resource, Tag, limits};

/// Something that happened, told by hand; see [`Auditor::record`](crate::Auditor::record).
///
/// ```
/// use tower_audit::{Actor, Event};
///
/// let event = Event::activity("report.send")
///     .actor(Actor::service("nightly"))
///     .resource("report", 7)
///     .detail("recipients", &3);
/// ```
///
/// An event is raw: it cannot be printed or serialized, only sanitized.
/// Texts over their [limit](limits) are cut, with a note in the record.
/// Setting a single value twice keeps the second.
pub struct Event {
    id: EventId,
    frame: Frame,
}

impl Event {
    /// An event of any kind that happens now.
    #[allow(clippy::needless_pass_by_value)] // an enum of words
    pub fn new(kind: Kind) -> Self {
        Self::with_id(EventId::now(), &kind)
    }

    pub(crate) fn with_id(id: EventId, kind: &Kind) -> Self {
        let mut frame = Frame::default();
        frame.id(Tag::Id, id);
        frame.name(Tag::Kind, kind.as_str());
        Self { id, frame }
    }

    /// A user's or a job's action, such as `order.cancel`.
    pub fn activity(action: &str) -> Self {
        Self::new(Kind::Activity).action(action)
    }

    /// A login, a logout, a change of credentials, such as `login`.
    pub fn auth(action: &str) -> Self {
        Self::new(Kind::Auth).action(action)
    }

    /// Something of the service itself, such as `job.failed`.
    pub fn system(action: &str) -> Self {
        Self::new(Kind::System).action(action)
    }

    /// The id under which the record will be found.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// Sets who did it.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // a builder reads better without `&`
    pub fn actor(mut self, actor: Actor) -> Self {
        self.frame.actor(&actor);
        self
    }

    /// Sets the tenant in which it happened.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // ids are passed as they are
    pub fn tenant(mut self, id: impl ToString) -> Self {
        self.frame.name(Tag::TenantId, &id.to_string());
        self
    }

    /// Sets the session in which it happened. Pass a name of the session, never its secret token.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // ids are passed as they are
    pub fn session(mut self, id: impl ToString) -> Self {
        self.frame.name(Tag::SessionId, &id.to_string());
        self
    }

    /// Sets the operation that several events share.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // ids are passed as they are
    pub fn operation(mut self, id: impl ToString) -> Self {
        self.frame.name(Tag::OperationId, &id.to_string());
        self
    }

    /// Sets the id of the event that caused this one.
    #[must_use]
    pub fn parent(mut self, id: EventId) -> Self {
        self.frame.id(Tag::ParentId, id);
        self
    }

    /// Sets what was done, as a short name such as `order.create`.
    #[must_use]
    pub fn action(mut self, action: &str) -> Self {
        self.frame.name(Tag::Action, action);
        self
    }

    /// Sets the group of actions that this one belongs to, such as `billing`.
    #[must_use]
    pub fn category(mut self, category: &str) -> Self {
        self.frame.name(Tag::Category, category);
        self
    }

    /// Sets a sentence for people.
    #[must_use]
    pub fn description(mut self, description: &str) -> Self {
        self.frame
            .text(Tag::Description, description, limits::TEXT_BYTES);
        self
    }

    /// Sets what it was done to.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // ids are passed as they are
    pub fn resource(mut self, kind: &str, id: impl ToString) -> Self {
        self.frame.resource(&Resource::new(kind, id));
        self
    }

    /// Adds a named value. One that cannot be serialized, or takes more than
    /// [`limits::DETAIL_BYTES`] as JSON, is left out, with a note in the record.
    #[must_use]
    pub fn detail(mut self, name: &str, value: &impl Serialize) -> Self {
        self.frame.detail(name, value);
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        self.frame.name(Tag::Tags, tag);
        self
    }

    /// Flags the event for somebody to look at.
    #[must_use]
    pub fn flag(mut self, reason: &str) -> Self {
        self.frame.text(Tag::Flag, reason, limits::TEXT_BYTES);
        self
    }

    /// Adds what changed.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // a builder reads better without `&`
    pub fn change(mut self, change: Change) -> Self {
        self.frame.bytes(Tag::Change, change.to_json().as_bytes());
        self
    }

    /// Sets whether it succeeded. Defaults to true, or to false once there is an error.
    #[must_use]
    pub fn success(mut self, success: bool) -> Self {
        self.frame.bytes(Tag::Success, &[u8::from(success)]);
        self
    }

    /// Sets what went wrong. Its text is sanitized as far as text can be; leave out what is secret.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // an error is passed as it is
    pub fn error(mut self, error: impl ToString) -> Self {
        self.frame
            .text(Tag::Error, &error.to_string(), limits::TEXT_BYTES);
        self
    }

    /// Sets how grave it is, such as `warning`.
    #[must_use]
    pub fn severity(mut self, severity: &str) -> Self {
        self.frame.name(Tag::Severity, severity);
        self
    }

    /// Sets the part of the service that it happened in.
    #[must_use]
    pub fn component(mut self, component: &str) -> Self {
        self.frame.name(Tag::Component, component);
        self
    }

    /// Sets the route of this crate's own that was asked.
    #[cfg(feature = "admin")]
    pub(crate) fn route(mut self, route: &'static str) -> Self {
        self.frame.text(Tag::Route, route, limits::PATH_BYTES);
        self
    }

    /// Sets the query string that came with it.
    #[cfg(feature = "admin")]
    pub(crate) fn query(mut self, query: &str) -> Self {
        self.frame.text(Tag::Query, query, limits::QUERY_BYTES);
        if query.len() > limits::QUERY_BYTES {
            self.frame.mark(Tag::QueryCut);
        }
        self
    }

    /// Its raw bytes, for the queue.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.frame.as_bytes()
    }
}

impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
