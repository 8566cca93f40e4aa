//! How a policy is described.

use super::judgement::{Verdict, is_sample};
use super::{Overflow, Policy, Rule};
use crate::{Error, Level};

/// Describes a policy; made by [`Policy::builder`].
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct PolicyBuilder {
    rules: Vec<Rule>,
    default: Verdict,
}

impl PolicyBuilder {
    /// Adds a rule behind those that are there. The first that matches decides.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Sets how much is recorded where no rule says it. Defaults to [`Level::Full`].
    ///
    /// With [`Level::None`] only what a rule or [`audited`](crate::audited) asks for is recorded.
    pub fn level(mut self, level: Level) -> Self {
        self.default.level = level;
        self
    }

    /// Sets the share of requests that is recorded where no rule says it, from
    /// 0 to 1; see [`Policy`] for what is kept in any case. Defaults to 1: all of them.
    /// A small share makes rare requests hard to find, even where sums stay true.
    pub fn sample(mut self, share: f64) -> Self {
        self.default.sample = share;
        self
    }

    /// Sets what happens to a request when the queue has no room for its
    /// record, where no rule says it. Defaults to [`Overflow::DropNewest`].
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.default.overflow = overflow;
        self
    }

    /// Makes the policy.
    ///
    /// # Errors
    /// If a rule, which the message names, asks for something that makes no
    /// sense, or stands behind one that matches everything; or if the default
    /// sample is no number from 0 to 1.
    pub fn build(self) -> Result<Policy, Error> {
        if !is_sample(self.default.sample) {
            return Err(Error::invalid_input(
                "sample",
                "the default sample must be a number from 0 to 1",
            ));
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let name = || name(index, rule);
            if let Some(fault) = rule.fault() {
                let message = format!("{}: {}", name(), fault.message);
                return Err(Error::invalid_input(fault.parameter, message));
            }
            if rule.matches_everything() && index + 1 < self.rules.len() {
                let message = format!(
                    "{} matches everything, so no rule behind it is ever asked",
                    name()
                );
                return Err(Error::invalid_input("rule", message));
            }
        }
        Ok(Policy {
            rules: self.rules,
            default: self.default,
        })
    }
}

/// Such as `rule 3 (path "/x")`; rules are counted from 1.
fn name(index: usize, rule: &Rule) -> String {
    let number = index + 1;
    match rule.description() {
        Some(description) => format!("rule {number} ({description})"),
        None => format!("rule {number}"),
    }
}
