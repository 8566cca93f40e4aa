//! The rules of a sanitizer, ready to be asked.

use std::borrow::Cow;
use std::sync::Arc;

use super::headers::HeaderRules;
use super::names::{Names, Verdict};
use super::paths::Paths;
use super::patterns::Patterns;
use super::pseudonym::PseudonymKeys;
use super::strategy::{Sort, Strategy};

/// Which of a sanitizer's strategies.
pub(super) type StrategyId = u16;

/// The strategy of the shipped rules, which every sanitizer has.
pub(super) const MASK: StrategyId = 0;

pub(super) struct Rules {
    pub(super) names: Arc<Names>,
    pub(super) paths: Paths,
    pub(super) patterns: Patterns,
    pub(super) strategies: Vec<Strategy>,
    /// Whether one of them leaves something out.
    pub(super) removes: bool,
    /// What becomes of values of which no rule says that they stay.
    pub(super) otherwise: Option<Strategy>,
    pub(super) keys: PseudonymKeys,
    /// The same rules for documents within values: what they find is
    /// masked, and nothing is exempted by its place. None if these rules do just that.
    pub(super) masking: Option<Box<Self>>,
    pub(super) request_headers: HeaderRules,
    pub(super) response_headers: HeaderRules,
}

/// What the rules say of the value of a name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Treatment<'a> {
    /// It stays.
    Keep,
    /// A rule has found it.
    Found(&'a Strategy),
    /// No rule has found it, and only what is found may stay.
    Otherwise(&'a Strategy),
}

impl Rules {
    /// The rules for documents within values.
    pub(super) fn masking(&self) -> &Self {
        self.masking.as_deref().unwrap_or(self)
    }

    /// What becomes of the value of this name.
    pub(super) fn treatment(&self, name: &[u8]) -> Treatment<'_> {
        self.of_verdict(self.names.verdict(name))
    }

    /// What becomes of the value of a name of which the rules say this.
    #[inline]
    pub(super) fn of_verdict(&self, verdict: Verdict) -> Treatment<'_> {
        match (verdict, &self.otherwise) {
            (Verdict::Listed(strategy), _) => self.found(strategy),
            (Verdict::Unlisted, Some(strategy)) => Treatment::Otherwise(strategy),
            (Verdict::Unlisted, None) | (Verdict::Allowed, _) => Treatment::Keep,
        }
    }

    /// The strategy for this name where names only tell of secrets, as in text and headers.
    pub(super) fn listed(&self, name: &[u8]) -> Option<&Strategy> {
        match self.names.verdict(name) {
            Verdict::Listed(strategy) => Some(self.strategy(strategy)),
            Verdict::Allowed | Verdict::Unlisted => None,
        }
    }

    pub(super) fn found(&self, strategy: StrategyId) -> Treatment<'_> {
        match self.strategy(strategy) {
            Strategy::Keep => Treatment::Keep,
            other => Treatment::Found(other),
        }
    }

    pub(super) fn strategy(&self, strategy: StrategyId) -> &Strategy {
        &self.strategies[usize::from(strategy)]
    }

    /// What stands for a value's text.
    pub(super) fn applied(&self, strategy: &Strategy, text: &str, sort: Sort) -> Cow<'static, str> {
        strategy.text(text, sort, &self.keys)
    }
}

impl<'a> Treatment<'a> {
    pub(super) fn is_remove(self) -> bool {
        self.strategy().is_some_and(Strategy::is_remove)
    }

    /// The strategy for a value that is neither object nor array.
    pub(super) fn strategy(self) -> Option<&'a Strategy> {
        match self {
            Self::Keep => None,
            Self::Found(strategy) | Self::Otherwise(strategy) => Some(strategy),
        }
    }
}
