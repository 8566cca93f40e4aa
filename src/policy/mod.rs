//! Which requests are recorded, how much of them, and how often.
//!
//! Plain data and pure functions: a [`Policy`] is [judged](judgement) by
//! twice, when a request's head is there and when the exchange has ended.

mod builder;
mod judgement;
mod overflow;
mod rule;
mod status_range;
#[cfg(test)]
mod tests;
mod wildcard;

pub use builder::PolicyBuilder;
pub use overflow::Overflow;
pub use rule::Rule;
pub use status_range::StatusRange;

pub(crate) use judgement::{End, Head, Judgement, is_sample};

use judgement::Verdict;

/// Ordered rules that say how much of a request is recorded. The first rule that matches decides.
///
/// ```
/// use http::Method;
/// use tower_audit::{Level, Outcome, Policy, Rule};
///
/// let policy = Policy::builder()
///     .rule(Rule::new().status(500..=599).level(Level::Full))
///     .rule(Rule::new().outcome(Outcome::Panicked).level(Level::Full))
///     .rule(Rule::new().status(404).level(Level::Metadata))
///     .rule(Rule::new().method(Method::GET).path("/health*").level(Level::None))
///     .rule(Rule::new().route("/search").sample(0.1))
///     .level(Level::Metadata) // for whatever no rule matches
///     .build()?;
/// # Ok::<_, tower_audit::Error>(())
/// ```
///
/// Set it with [`AuditorBuilder::policy`](crate::AuditorBuilder::policy), and swap
/// it at any time with [`Auditor::set_policy`](crate::Auditor::set_policy). The
/// default records everything at [`Level::Full`]. A policy is about requests;
/// events that are [recorded](crate::Auditor::record) by hand are not judged.
///
/// # Early and late
///
/// Method, path, route and headers are known when a request arrives; status,
/// outcome and actor when its exchange has ended. As long as a rule that asks
/// for the latter may still match, what that rule could want is captured; once
/// the exchange has ended the verdict holds, and what exceeds it is thrown away
/// before it reaches the writer. So a rule for the status 500 costs the
/// capture of every request that no earlier rule decides, and nothing more.
///
/// # With the layer's settings
///
/// The [settings of a layer](crate::AuditLayer) bound the policy: it records
/// the lower of both levels, so under
/// [`metadata_only`](crate::AuditLayer::metadata_only) no policy makes it
/// capture a body, and at [`Level::Full`]
/// [`response_bodies`](crate::AuditLayer::response_bodies) still says which
/// response bodies are captured. [`audited`](crate::audited) on a route
/// replaces the policy's level and sample for that route, within the same bounds.
///
/// # When the queue is full
///
/// [`Overflow`] says what happens to a request whose record finds no room, and
/// is settled when the request arrives: of the rules that may still match, and
/// of [`audited`](crate::audited) on the route, the strictest counts. So "a login
/// must be recorded, a search may be dropped" is
/// `Rule::new().route("/login").overflow(Overflow::Reject)`, or the same on the
/// route; everything else is dropped and counted, by default.
///
/// # Sampling
///
/// A sample of 0.1 keeps one request in ten, each with a
/// [`sample_weight`](crate::Fields::sample_weight) of 10, so that sums over the
/// weights stay true. These are always kept, with a weight of 1:
///
/// - failures: a status of 400 and above, an outcome other than completed or
///   upgraded, an error, a gRPC status other than 0, or a handler that says so;
/// - mutations: any method but `GET`, `HEAD` and `OPTIONS`, so every call of gRPC and most of
///   GraphQL, and records that tell of a change or are of kind `data_change`;
/// - records of kind `auth`, those that somebody has flagged, and those that were too large to keep whole.
///
/// What sampling or [`Level::None`] leaves out was not offered: it is no loss, and counted nowhere.
///
/// [`Level::Full`]: crate::Level::Full
/// [`Level::None`]: crate::Level::None
#[derive(Clone, Debug, Default)]
pub struct Policy {
    rules: Vec<Rule>,
    default: Verdict,
}

impl Policy {
    /// Starts to describe a policy.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }

    /// Whether it leaves nothing out.
    pub(crate) fn records_everything(&self) -> bool {
        self.rules.is_empty() && self.default == Verdict::default()
    }

    /// The same, but for what its default says of a full queue.
    pub(crate) fn with_overflow(mut self, overflow: Overflow) -> Self {
        self.default.overflow = overflow;
        self
    }

    /// How many rules it has.
    pub(crate) fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// What the rule says, filled up with what the policy says by default.
    fn verdict_of(&self, rule: &Rule) -> Verdict {
        Verdict {
            level: rule.level.unwrap_or(self.default.level),
            sample: rule.sample.unwrap_or(self.default.sample),
            overflow: rule.overflow.unwrap_or(self.default.overflow),
        }
    }
}
