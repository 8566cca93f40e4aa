//! What a policy says of one request: first as far as its head tells, then for good.

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};

use super::{Overflow, Policy, Rule};
use crate::{Level, Outcome};

/// What is to become of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) level: Level,
    /// The share of such requests that is recorded.
    pub(crate) sample: f64,
    pub(crate) overflow: Overflow,
}

impl Default for Verdict {
    /// Everything, always.
    fn default() -> Self {
        Self {
            level: Level::Full,
            sample: 1.0,
            overflow: Overflow::DropNewest,
        }
    }
}

/// What is known of a request when it arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) route: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
}

/// What is known of an exchange besides when it has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End<'a> {
    pub(crate) status: Option<u16>,
    pub(crate) outcome: Outcome,
    pub(crate) actor: Option<&'a [u8]>,
}

/// What a policy says of a request whose head it has seen.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// The verdict, unless an open rule matches in the end.
    otherwise: Verdict,
    open: Option<Open>,
}

/// Rules that match the head and ask for the end too, in their order, of the
/// policy that was in force when the request arrived.
#[derive(Debug)]
struct Open {
    policy: Arc<Policy>,
    rules: Vec<usize>,
}

impl Judgement {
    /// Judges what has just arrived. The head is only looked at if there are rules.
    pub(crate) fn of<'a>(policy: &Arc<Policy>, head: impl FnOnce() -> Head<'a>) -> Self {
        if policy.rules.is_empty() {
            return Self::settled(policy.default);
        }
        let head = head();
        let mut otherwise = policy.default;
        let mut rules = Vec::new();
        for (index, rule) in policy.rules.iter().enumerate() {
            if rule.matches_head(&head) {
                if !rule.is_late() {
                    otherwise = policy.verdict_of(rule);
                    break;
                }
                rules.push(index);
            }
        }
        let open = (!rules.is_empty()).then(|| Open {
            policy: Arc::clone(policy),
            rules,
        });
        Self { otherwise, open }
    }

    /// Everything is to be recorded.
    pub(crate) fn everything() -> Self {
        Self::settled(Verdict::default())
    }

    /// Nothing is to be recorded.
    pub(crate) fn nothing() -> Self {
        Self::settled(Verdict {
            level: Level::None,
            ..Verdict::default()
        })
    }

    fn settled(verdict: Verdict) -> Self {
        Self {
            otherwise: verdict,
            open: None,
        }
    }

    /// The highest level that the verdict may have.
    pub(crate) fn highest(&self) -> Level {
        self.open().fold(self.otherwise.level, |highest, open| {
            highest.max(open.1.level)
        })
    }

    /// The strictest overflow that the verdict may have.
    pub(crate) fn overflow(&self) -> Overflow {
        self.open()
            .fold(self.otherwise.overflow, |strictest, open| {
                strictest.max(open.1.overflow)
            })
    }

    /// The highest level that the verdict may have, now that the status is known.
    pub(crate) fn highest_with(&self, status: StatusCode) -> Level {
        let status = Some(status.as_u16());
        let mut highest = Level::None;
        for (rule, verdict) in self.open().filter(|(rule, _)| rule.matches_status(status)) {
            highest = highest.max(verdict.level);
            if !rule.is_later_than_status() {
                return highest;
            }
        }
        highest.max(self.otherwise.level)
    }

    /// The verdict. The end is only looked at if a rule depends on it.
    pub(crate) fn verdict<'a>(&self, end: impl FnOnce() -> End<'a>) -> Verdict {
        if self.open.is_none() {
            return self.otherwise;
        }
        let end = end();
        self.open()
            .find(|(rule, _)| rule.matches_end(&end))
            .map_or(self.otherwise, |(_, verdict)| verdict)
    }

    /// The open rules and what each of them says.
    fn open(&self) -> impl Iterator<Item = (&Rule, Verdict)> {
        self.open.iter().flat_map(|Open { policy, rules }| {
            rules.iter().map(|index| {
                let rule = &policy.rules[*index];
                (rule, policy.verdict_of(rule))
            })
        })
    }
}

/// Whether a number is a share of requests: from 0 to 1, and with a weight that is a number too.
pub(crate) fn is_sample(share: f64) -> bool {
    (0.0..=1.0).contains(&share) && !share.is_subnormal()
}
