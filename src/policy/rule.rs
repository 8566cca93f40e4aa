//! One rule: conditions, and what holds where they are met.

mod matching;

use std::fmt;

use http::{HeaderName, Method};

use super::Overflow;
use super::judgement::is_sample;
use super::status_range::StatusRange;
use super::wildcard::Wildcard;
use crate::{Level, Outcome};

/// One rule of a [`Policy`](super::Policy): conditions that are all required, and what holds where they are met.
///
/// A condition that is given more than once is met by any of its values:
/// `Rule::new().method(Method::GET).method(Method::HEAD).path("/health*")` is
/// about `GET` and `HEAD` of such paths. A rule without conditions matches
/// everything. What a rule does not say, level, sample or overflow, is as the
/// policy has it by default.
///
/// A wildcard is a text in which each `*` stands for any number of characters,
/// slashes included. What is wrong with a rule is told by [`PolicyBuilder::build`](super::PolicyBuilder::build).
#[derive(Clone, Default)]
#[must_use = "a rule does nothing until it is added to a policy"]
pub struct Rule {
    name: Option<Box<str>>,
    methods: Vec<Method>,
    routes: Vec<Box<str>>,
    paths: Vec<Wildcard>,
    headers: Vec<(HeaderName, Vec<Wildcard>)>,
    statuses: Vec<StatusRange>,
    outcomes: Vec<Outcome>,
    actors: Vec<Wildcard>,
    pub(super) level: Option<Level>,
    pub(super) sample: Option<f64>,
    pub(super) overflow: Option<Overflow>,
    fault: Option<Fault>,
}

/// The first thing that is wrong with a rule.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) parameter: &'static str,
    pub(super) message: String,
}

impl Rule {
    /// A rule that matches everything and says nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a name by which errors call the rule. Defaults to its number and first condition.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Asks for a method.
    pub fn method(mut self, method: Method) -> Self {
        self.methods.push(method);
        self
    }

    /// Asks for the template that the router has matched, exactly as it was
    /// given to the router, such as `/orders/{id}`.
    ///
    /// Only known with the feature `axum`, to a layer that was added with
    /// `Router::layer`; otherwise no request matches.
    pub fn route(mut self, route: &str) -> Self {
        if !route.starts_with('/') {
            self.find_fault("route", "a route must start with '/'");
        }
        self.routes.push(route.into());
        self
    }

    /// Asks for a path, by a wildcard such as `/health*`. The query is no part of it.
    ///
    /// # Security
    /// The path is compared as the client has sent it, which may be in more
    /// than one way: `/x%2Fy`, `//x`, `/x/../y`. Where something behind the layer makes them
    /// the same, lower the level by [`route`](Self::route) instead.
    pub fn path(mut self, wildcard: &str) -> Self {
        if !wildcard.starts_with(['/', '*']) {
            self.find_fault("path", "a path must start with '/' or '*'");
        } else if let Some(wrong) = wildcard.chars().find(|character| {
            matches!(character, '?' | '#') || character.is_whitespace() || character.is_control()
        }) {
            let message = format!("a path as it is sent holds no {wrong:?}, so it never matches");
            self.find_fault("path", message);
        }
        self.paths.push(Wildcard::new(wildcard));
        self
    }

    /// Asks for a header of which a line has this value, by a wildcard; `*` is
    /// any value. Other than with the other conditions, several headers are all required.
    ///
    /// # Security
    /// A client sends what it likes: do not lower a level by a header that a
    /// proxy of yours does not set.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            self.find_fault("header", format!("{name:?} is not the name of a header"));
            return self;
        };
        let value = Wildcard::new(value);
        match self.headers.iter_mut().find(|(other, _)| *other == name) {
            Some((_, values)) => values.push(value),
            None => self.headers.push((name, vec![value])),
        }
        self
    }

    /// Asks for a status, such as `404` or [`StatusCode::NOT_FOUND`](http::StatusCode::NOT_FOUND),
    /// or one within a range, such as `500..=599`. An exchange
    /// without a response has none. Decided late; see [`Policy`](super::Policy).
    pub fn status(mut self, status: impl Into<StatusRange>) -> Self {
        let range = status.into();
        if range.is_empty() {
            self.find_fault("status", "no status from 100 to 999 is asked for");
        }
        self.statuses.push(range);
        self
    }

    /// Asks for an outcome. Decided late; see [`Policy`](super::Policy).
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcomes.push(outcome);
        self
    }

    /// Asks for the id of the actor, by a wildcard, as the handler told it by
    /// the end. Decided late; see [`Policy`](super::Policy).
    pub fn actor(mut self, wildcard: &str) -> Self {
        if wildcard.is_empty() {
            self.find_fault("actor", "an actor's id is not empty");
        }
        self.actors.push(Wildcard::new(wildcard));
        self
    }

    /// Sets how much is recorded. Defaults to the policy's own level.
    pub fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    /// Sets the share of requests that is recorded, from 0 to 1; see
    /// [`Policy`](super::Policy) for what is kept in any case. 0 keeps only that. Defaults to
    /// the policy's own share.
    pub fn sample(mut self, share: f64) -> Self {
        if !is_sample(share) {
            self.find_fault("sample", "a sample must be a number from 0 to 1");
        }
        self.sample = Some(share);
        self
    }

    /// Sets what happens to a request when the queue has no room for its
    /// record. Defaults to the policy's own. It is settled when the request arrives: where the rule asks
    /// for something late, it holds for whatever may still match.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = Some(overflow);
        self
    }

    fn find_fault(&mut self, parameter: &'static str, message: impl Into<String>) {
        self.fault.get_or_insert_with(|| Fault {
            parameter,
            message: message.into(),
        });
    }

    pub(super) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }
}

impl fmt::Debug for Rule {
    /// Tells no header's value, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("description", &self.description())
            .field("level", &self.level)
            .field("sample", &self.sample)
            .field("overflow", &self.overflow)
            .finish_non_exhaustive()
    }
}
