//! Which records a reader wants.

use std::mem::discriminant;
use std::ops::Range;
use std::time::Duration;

use crate::event::{Column, Outcome, Timestamp, Value};
use crate::{EventId, Kind, Record};

/// Which records a reader wants: those that fulfil every condition that is set.
///
/// ```
/// use std::time::Duration;
/// use tower_audit::Filter;
///
/// let failures_of_a_day = Filter::new().success(false).last(Duration::from_secs(86_400));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    conditions: Vec<Condition>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

/// One condition of a [`Filter`]: a column and what its value must be.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    name: &'static str,
    test: Test,
}

/// What a column's value must be. A missing value fulfils no test.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Test {
    /// Exactly this value.
    Equals(Value<'static>),
    /// A text that starts with this one.
    StartsWith(String),
}

impl Filter {
    /// A filter that every record passes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only events of this kind.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // an enum of words
    pub fn kind(self, kind: Kind) -> Self {
        self.text("kind", kind.as_str())
    }

    /// Only events with this action.
    #[must_use]
    pub fn action(self, action: &str) -> Self {
        self.text("action", action)
    }

    /// Only exchanges that ended this way.
    #[must_use]
    pub fn outcome(self, outcome: Outcome) -> Self {
        self.text("outcome", outcome.as_str())
    }

    /// Only successes, or only failures.
    #[must_use]
    pub fn success(self, success: bool) -> Self {
        self.with("success", Test::Equals(Value::Bool(success)))
    }

    /// Only requests with this HTTP method, in upper case.
    #[must_use]
    pub fn method(self, method: &str) -> Self {
        self.text("method", method)
    }

    /// Only responses with this status code.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.with("status", Test::Equals(Value::Int(status.into())))
    }

    /// Only requests that the router matched to this template.
    #[must_use]
    pub fn route(self, route: &str) -> Self {
        self.text("route", route)
    }

    /// Only requests of this path.
    #[must_use]
    pub fn path(self, path: &str) -> Self {
        self.text("path", path)
    }

    /// Only requests whose path starts with `prefix`.
    #[must_use]
    pub fn path_prefix(self, prefix: &str) -> Self {
        self.with("path", Test::StartsWith(prefix.to_owned()))
    }

    /// Only events of this actor.
    #[must_use]
    pub fn actor_id(self, id: &str) -> Self {
        self.text("actor_id", id)
    }

    /// Only events of this tenant.
    #[must_use]
    pub fn tenant_id(self, id: &str) -> Self {
        self.text("tenant_id", id)
    }

    /// Only events of this request.
    #[must_use]
    pub fn request_id(self, id: &str) -> Self {
        self.text("request_id", id)
    }

    /// Only events of this W3C trace.
    #[must_use]
    pub fn trace_id(self, id: &str) -> Self {
        self.text("trace_id", id)
    }

    /// Only events at or after this time.
    #[must_use]
    pub fn from(mut self, time: Timestamp) -> Self {
        self.from = Some(time);
        self
    }

    /// Only events before this time.
    #[must_use]
    pub fn to(mut self, time: Timestamp) -> Self {
        self.to = Some(time);
        self
    }

    /// Only events of the time that ends now and lasts this long.
    #[must_use]
    pub fn last(self, duration: Duration) -> Self {
        self.from(Timestamp::now().minus(duration))
    }

    fn text(self, name: &'static str, text: &str) -> Self {
        self.with(name, Test::Equals(Value::Text(text.to_owned().into())))
    }

    fn with(mut self, name: &'static str, test: Test) -> Self {
        // A path and a prefix of it are two conditions; two paths are one, set twice.
        let sort = discriminant(&test);
        self.conditions
            .retain(|condition| condition.name != name || discriminant(&condition.test) != sort);
        self.conditions.push(Condition { name, test });
        self
    }

    /// The conditions on columns other than the time.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// The ids that the filter's time allows: from the first, before the second.
    pub fn ids(&self) -> Range<EventId> {
        let first = self.from.unwrap_or_default();
        let start = EventId::lower_bound(first);
        let end = self.to.map_or(LAST_ID, EventId::lower_bound);
        start..end
    }

    /// Whether a record passes, for stores that look at records one by one.
    pub fn matches(&self, record: &Record) -> bool {
        self.ids().contains(&record.id)
            && self
                .conditions
                .iter()
                .all(|condition| condition.matches(record))
    }
}

/// No id of version 7 is greater.
const LAST_ID: EventId = EventId::from_bits(u128::MAX);

impl Condition {
    /// The column that the condition is about.
    pub fn column(&self) -> &'static Column {
        Column::named(self.name).expect("filters only name columns that exist")
    }

    /// What the column's value must be.
    pub fn test(&self) -> &Test {
        &self.test
    }

    /// Whether the text holds a NUL. No column does, and PostgreSQL would fail instead of finding nothing.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn asks_for_nul(&self) -> bool {
        match &self.test {
            Test::Equals(Value::Text(text)) => text.contains('\0'),
            Test::Equals(_) => false,
            Test::StartsWith(prefix) => prefix.contains('\0'),
        }
    }

    fn matches(&self, record: &Record) -> bool {
        let value = self.column().get(record);
        match (&self.test, &value) {
            (Test::Equals(wanted), _) => value == *wanted,
            (Test::StartsWith(prefix), Value::Text(text)) => text.starts_with(prefix.as_str()),
            (Test::StartsWith(_), _) => false,
        }
    }
}
