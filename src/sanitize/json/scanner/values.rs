//! What becomes of a value that is neither object nor array.

use super::Scanner;
use crate::sanitize::json::{escape, lex};
use crate::sanitize::mask::REDACTED;
use crate::sanitize::strategy::{Sort, Strategy};
use crate::sanitize::text;

impl<'a> Scanner<'a> {
    /// A string was read.
    pub(super) fn string(&mut self, start: usize, string: &lex::StringEnd) {
        let end = string.end;
        let strategy = self.strategy();
        // Without a look at what is in it.
        if matches!(strategy, Some(Strategy::Mask)) || self.is_removed(strategy) {
            return self.treat(start, REDACTED, strategy);
        }
        if strategy.is_none() && !self.may_hold_secrets(start, string) {
            return self.nesting.fill();
        }
        let content = &self.input[start + 1..end - 1];
        let resolved = if string.escaped {
            escape::resolved(content)
        } else {
            content.into()
        };
        match strategy {
            Some(strategy) => {
                let text = self.rules.applied(strategy, &resolved, Sort::Text);
                self.treat(start, &text, Some(strategy));
            }
            None => {
                match text::value_with_links(self.rules, &resolved, self.document.inner) {
                    Some(sanitized) => self.replace_content(start, end, &sanitized),
                    None if string.awry => self.replace_content(start, end, &resolved),
                    None => {}
                }
                self.nesting.fill();
            }
        }
    }

    /// Whether a string that stays is worth a look at what is inside.
    fn may_hold_secrets(&self, start: usize, string: &lex::StringEnd) -> bool {
        string.telling
            || string.end - start - 2 >= text::SHORTEST_TOKEN
            || !self.rules.patterns.is_empty()
    }

    /// A number or a literal was read.
    pub(super) fn plain(&mut self, start: usize, sort: Sort) {
        let text = &self.input[start..self.at];
        let strategy = self.strategy();
        match strategy {
            Some(strategy) => {
                let text = self.rules.applied(strategy, text, sort);
                self.treat(start, &text, Some(strategy));
            }
            None => {
                if sort == Sort::Number {
                    if text::is_card_number(text.as_bytes()) {
                        self.replace(start, REDACTED);
                    } else if let Some(text) = self.rules.patterns.replace(self.rules, text, sort) {
                        self.replace(start, &text);
                    }
                }
                self.nesting.fill();
            }
        }
    }

    /// What becomes of a value that is neither object nor array.
    fn strategy(&self) -> Option<&'a Strategy> {
        let own = self.treatment.strategy();
        if self.shaped.is_none() {
            return own;
        }
        own.filter(|own| own.strictness() > Strategy::Shape.strictness())
            .or(Some(&Strategy::Shape))
    }

    /// Whether a value of this strategy has something to be removed from.
    fn is_removed(&self, strategy: Option<&Strategy>) -> bool {
        strategy.is_some_and(Strategy::is_remove) && self.nesting.depth() > 0
    }

    /// Puts what its strategy has made of it in place of the value that was read.
    fn treat(&mut self, start: usize, text: &str, strategy: Option<&Strategy>) {
        if self.is_removed(strategy) {
            self.remove_item();
        } else {
            self.replace(start, text);
            self.nesting.fill();
        }
    }
}
