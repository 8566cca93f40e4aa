//! Which records a reader wants.

use std::ops::Range;
use std::time::Duration;

use ipnet::IpNet;

use super::condition::{Condition, Test};
use super::search;
use crate::event::{Outcome, Timestamp, Value};
use crate::{EventId, Kind, Record};

/// Which records a reader wants: those that fulfil every condition that is set.
///
/// A condition that is set twice takes either value; after
/// [`except`](Self::except) it takes neither.
///
/// ```
/// use std::time::Duration;
/// use tower_audit::Filter;
///
/// // What Ada and Bob failed at within a day, other than logging in.
/// let failures = Filter::new()
///     .actor_id("ada")
///     .actor_id("bob")
///     .success(false)
///     .except().action("login")
///     .last(Duration::from_secs(86_400));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    conditions: Vec<Condition>,
    words: Vec<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

/// A filter whose next condition is one that records must not fulfil; see [`Filter::except`].
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it lacks its condition"]
pub struct Except(Filter);

/// The conditions, for filters and for what they leave out: each has a name,
/// a column, and the test that it makes of its argument.
macro_rules! conditions {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident($argument:ident: $type:ty) => $condition:ident, $column:ident, $test:expr;
    )*) => {
        impl Filter {
            $(
                $(#[doc = $doc])+
                #[must_use]
                #[allow(clippy::needless_pass_by_value)] // values of one word
                pub fn $name(self, $argument: $type) -> Self {
                    let condition = Condition::new(stringify!($condition), stringify!($column), false);
                    self.with(condition, $test)
                }
            )*
        }

        /// Conditions that records must not fulfil. A record without a value does not.
        impl Except {
            $(
                $(#[doc = $doc])+
                #[doc = ""]
                #[doc = "Here: none of these."]
                #[must_use]
                #[allow(clippy::needless_pass_by_value)] // values of one word
                pub fn $name(self, $argument: $type) -> Filter {
                    let condition = Condition::new(stringify!($condition), stringify!($column), true);
                    self.0.with(condition, $test)
                }
            )*
        }
    };
}

conditions! {
    /// Events of this kind.
    kind(kind: Kind) => kind, kind, text(kind.as_str());
    /// Events of this category.
    category(category: &str) => category, category, text(category);
    /// Events with this action.
    action(action: &str) => action, action, text(action);
    /// Exchanges that ended this way.
    outcome(outcome: Outcome) => outcome, outcome, text(outcome.as_str());
    /// Successes, or failures.
    success(success: bool) => success, success, flag(success);
    /// Events with this code of an error.
    error_code(code: &str) => error_code, error_code, text(code);
    /// Events of this severity.
    severity(severity: &str) => severity, severity, text(severity);
    /// Events of this component.
    component(component: &str) => component, component, text(component);
    /// Events of this service.
    service(service: &str) => service, service, text(service);
    /// Events that were flagged, or those that were not.
    flagged(flagged: bool) => flagged, flagged, flag(flagged);
    /// Events with this tag.
    tags(tag: &str) => tags, tags, Test::Contains(tag.to_owned());
    /// Events that this one caused.
    parent_id(id: EventId) => parent_id, parent_id, Test::Equals(Value::Uuid(id.as_uuid()));
    /// Events of this operation.
    operation_id(id: &str) => operation_id, operation_id, text(id);
    /// Events of this request.
    request_id(id: &str) => request_id, request_id, text(id);
    /// Events of this W3C trace, in lower case.
    trace_id(id: &str) => trace_id, trace_id, text(id);
    /// Events of actors of this kind, such as `user` or `service`.
    actor_kind(kind: &str) => actor_kind, actor_kind, text(kind);
    /// Events of this actor.
    actor_id(id: &str) => actor_id, actor_id, text(id);
    /// Events of the actor with this e-mail address, as it was recorded.
    actor_email(email: &str) => actor_email, actor_email, text(email);
    /// Events of actors in this role.
    actor_role(role: &str) => actor_role, actor_role, text(role);
    /// Events of this tenant.
    tenant_id(id: &str) => tenant_id, tenant_id, text(id);
    /// Events of this session.
    session_id(id: &str) => session_id, session_id, text(id);
    /// Events about resources of this type.
    resource_type(name: &str) => resource_type, resource_type, text(name);
    /// Events about the resource with this id.
    resource_id(id: &str) => resource_id, resource_id, text(id);
    /// Requests with this HTTP method, in upper case.
    method(method: &str) => method, method, text(method);
    /// Requests of this path.
    path(path: &str) => path, path, text(path);
    /// Requests whose path starts with `prefix`.
    path_prefix(prefix: &str) => path, path, Test::StartsWith(prefix.to_owned());
    /// Requests that the router matched to this template.
    route(route: &str) => route, route, text(route);
    /// Requests to this host.
    host(host: &str) => host, host, text(host);
    /// Responses with this status code.
    status(status: u16) => status, status, Test::Equals(Value::Int(status.into()));
    /// Responses with a status code of this class: 4 means 400 to 499.
    status_class(class: u8) => status, status, {
        let first = i64::from(class) * 100;
        between(first, first + 99)
    };
    /// Responses with this gRPC status code.
    grpc_status(status: u16) => grpc_status, grpc_status, Test::Equals(Value::Int(status.into()));
    /// Exchanges that took so long, or longer.
    min_duration(duration: Duration) => min_duration, duration_us, between(micros(duration), i64::MAX);
    /// Exchanges that took so long, or less.
    max_duration(duration: Duration) => max_duration, duration_us, between(i64::MIN, micros(duration));
    /// Requests of clients with this address, or with one of this network.
    client_ip(network: impl Into<IpNet>) => client_ip, client_ip, {
        let network = network.into().trunc();
        Test::Between(Value::Ip(network.network()), Value::Ip(network.broadcast()))
    };
    /// Requests from this country, by its ISO 3166-1 code.
    country(code: &str) => country, country, text(code);
    /// Requests of this browser.
    browser(name: &str) => browser, browser, text(name);
    /// Requests from this operating system.
    os(name: &str) => os, os, text(name);
    /// Requests from this device.
    device(name: &str) => device, device, text(name);
    /// Requests from mobile devices, or from others.
    is_mobile(is_mobile: bool) => is_mobile, is_mobile, flag(is_mobile);
    /// Requests of robots, or of others.
    is_bot(is_bot: bool) => is_bot, is_bot, flag(is_bot);
}

impl Filter {
    /// A filter that every record passes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Turns the next condition round: records must not fulfil it. Several
    /// such conditions leave out all that they name.
    ///
    /// ```
    /// use tower_audit::Filter;
    ///
    /// let unexpected = Filter::new().status_class(4).except().status(404);
    /// ```
    pub fn except(self) -> Except {
        Except(self)
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

    /// Only events that have all words of this text, or words that start with
    /// them, anywhere in action, path, actor (id, name, e-mail), resource (type,
    /// id, name), error, description and user agent.
    ///
    /// Punctuation and white space are between words, and case does not matter;
    /// of a word the first 64 characters count. Another search asks for its
    /// words, too; a text without words asks for nothing.
    ///
    /// ```
    /// use tower_audit::Filter;
    ///
    /// // Finds an actor `Ada@example.com` whose request had the path `/orders/7`.
    /// let filter = Filter::new().search("ada@exam order");
    /// ```
    #[must_use]
    pub fn search(mut self, text: &str) -> Self {
        search::add(&mut self.words, text);
        self
    }

    /// The words that [searches](Self::search) ask for, in lower case.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The conditions on columns other than the time.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Whether it says anything about the time.
    #[cfg(feature = "admin")]
    pub(crate) fn has_time(&self) -> bool {
        self.from.is_some() || self.to.is_some()
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
            && search::matches(&self.words, record)
    }

    /// Adds a condition beside all others, also those of the same name.
    pub(super) fn and(mut self, mut condition: Condition, test: Test) -> Self {
        condition.or(test);
        self.conditions.push(condition);
        self
    }

    fn with(mut self, condition: Condition, test: Test) -> Self {
        let conditions = &mut self.conditions;
        let same = conditions
            .iter()
            .position(|other| other.is_same(&condition));
        let place = same.unwrap_or(conditions.len());
        if same.is_none() {
            conditions.push(condition);
        }
        conditions[place].or(test);
        self
    }
}

/// No id of version 7 is greater.
const LAST_ID: EventId = EventId::from_bits(u128::MAX);

pub(super) fn text(text: &str) -> Test {
    Test::Equals(Value::Text(text.to_owned().into()))
}

fn flag(flag: bool) -> Test {
    Test::Equals(Value::Bool(flag))
}

fn between(min: i64, max: i64) -> Test {
    Test::Between(Value::Int(min), Value::Int(max))
}

fn micros(duration: Duration) -> i64 {
    duration.as_micros().try_into().unwrap_or(i64::MAX)
}
