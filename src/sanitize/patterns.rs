//! Rules that know a value by what it looks like.

use std::borrow::Cow;

use regex::{Captures, Regex};

use super::growth;
use super::mask::REDACTED;
use super::rules::{Rules, StrategyId};
use super::strategy::Sort;
use crate::Error;

/// Regular expressions, looked for in every text, in the order in which they were given.
#[derive(Default)]
pub(super) struct Patterns(Vec<(Regex, StrategyId)>);

impl Patterns {
    pub(super) fn add(&mut self, pattern: &str, strategy: StrategyId) -> Result<(), Error> {
        let unusable = |why: &str| {
            Error::configuration(format!(
                "{pattern:?} cannot be a pattern of a sanitizer: {why}"
            ))
        };
        let regex = Regex::new(pattern).map_err(|error| unusable(&error.to_string()))?;
        if regex.is_match("") {
            return Err(unusable("it matches the empty text"));
        }
        self.0.push((regex, strategy));
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What stays of `text`, if a pattern is found in it.
    #[inline]
    pub(super) fn replace(&self, rules: &Rules, text: &str, sort: Sort) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        self.replace_all(rules, text, sort)
    }

    fn replace_all(&self, rules: &Rules, text: &str, sort: Sort) -> Option<String> {
        let mut replaced = None;
        for (regex, strategy) in &self.0 {
            let text = replaced.as_deref().unwrap_or(text);
            let strategy = rules.strategy(*strategy);
            let replacement = |found: &Captures<'_>| {
                // At the border of a word there is nothing to be replaced.
                if strategy.is_remove() || found[0].is_empty() {
                    String::new()
                } else {
                    rules.applied(strategy, &found[0], sort).into_owned()
                }
            };
            if let Cow::Owned(new) = regex.replace_all(text, replacement) {
                replaced = Some(new);
            }
        }
        let most = growth::most(text.len());
        replaced.map(|replaced| match replaced.len() {
            length if length > most => REDACTED.to_owned(),
            _ => replaced,
        })
    }
}
