//! What becomes of a value that a rule has found.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::mask::REDACTED;
use super::pseudonym::PseudonymKeys;

/// What becomes of a value that a rule of a [`Sanitizer`](crate::Sanitizer) has found.
///
/// Where several names are found in one, the strictest counts: `Remove`,
/// then `Mask`, `Pseudonym`, `Custom`, `Shape` and `Partial`. A `null` stays, except under `Remove`.
/// Of files in forms the content is never kept, and where a rule finds the field, the file's name is masked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Strategy {
    /// The value stays.
    ///
    /// # Security
    /// Nothing but the net for text looks at it any more.
    Keep,
    /// `****1234`: so many of the value's last characters stay, if they are
    /// no more than a third of it. Otherwise, and for objects and arrays, like [`Mask`](Self::Mask).
    Partial(usize),
    /// The value's type: `[string]`, `[number]` or `[boolean]`. Objects and
    /// arrays stay, with everything in them treated so.
    Shape,
    /// What the function makes of it; see [`Strategy::custom`].
    Custom(CustomStrategy),
    /// `hmac:k1:` and 32 hexadecimal digits: the same for equal values, and
    /// no way back without the key. The text counts as it is written, in
    /// its case, and whatever its name: equal values of two fields have the same one. See
    /// [`SanitizerBuilder::pseudonym_key`](crate::SanitizerBuilder::pseudonym_key).
    /// Objects and arrays are masked.
    Pseudonym,
    /// `[redacted]`, whatever the type.
    Mask,
    /// Nothing: the member, element, pair or header is left out. Where there
    /// is none of these, as in free text, like [`Mask`](Self::Mask).
    Remove,
}

/// A function that decides what is stored of a value; see [`Strategy::custom`].
#[derive(Clone)]
pub struct CustomStrategy(Arc<CustomFn>);

type CustomFn = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The sort of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Text,
    Number,
    Boolean,
}

impl Strategy {
    /// What `function` makes of a value's text; masked if that is `None`, and
    /// if it panics, where panics unwind. Objects and arrays are masked without asking it.
    ///
    /// It runs on the writer's thread and holds up all that is to be stored
    /// while it runs; [`Auditor::preview`](crate::Auditor::preview) and
    /// [`Sanitizer::record`](crate::Sanitizer::record) run it on the caller's.
    ///
    /// # Security
    /// What it returns is stored as it is. The message of a panic goes
    /// wherever the program's panic hook writes it: no value belongs in there.
    pub fn custom(function: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::Custom(CustomStrategy(Arc::new(function)))
    }

    /// What stands for the value's text.
    pub(super) fn text(&self, value: &str, sort: Sort, keys: &PseudonymKeys) -> Cow<'static, str> {
        let text = match self {
            Self::Keep => Some(value.to_owned()),
            Self::Partial(last) => last_characters(value, *last),
            Self::Shape => return sort.shape().into(),
            Self::Custom(custom) => custom.call(value),
            Self::Pseudonym => keys.pseudonym(value),
            Self::Mask | Self::Remove => None,
        };
        text.map_or(REDACTED.into(), Cow::Owned)
    }

    /// Whether objects and arrays are gone into, rather than masked.
    pub(super) fn goes_inside(&self) -> bool {
        matches!(self, Self::Shape)
    }

    pub(super) fn is_remove(&self) -> bool {
        matches!(self, Self::Remove)
    }

    /// Larger for a stricter one.
    pub(super) fn strictness(&self) -> u8 {
        match self {
            Self::Keep => 0,
            Self::Partial(_) => 1,
            Self::Shape => 2,
            Self::Custom(_) => 3,
            Self::Pseudonym => 4,
            Self::Mask => 5,
            Self::Remove => 6,
        }
    }
}

impl CustomStrategy {
    fn call(&self, value: &str) -> Option<String> {
        // What the function leaves behind when it panics is its own affair.
        let made = catch_unwind(AssertUnwindSafe(|| (self.0)(value))).ok()??;
        Some(made.replace('\0', "\u{fffd}"))
    }
}

impl fmt::Debug for CustomStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomStrategy").finish_non_exhaustive()
    }
}

impl Sort {
    fn shape(self) -> &'static str {
        match self {
            Self::Text => "[string]",
            Self::Number => "[number]",
            Self::Boolean => "[boolean]",
        }
    }
}

fn last_characters(value: &str, last: usize) -> Option<String> {
    let count = value.chars().count();
    if last == 0 || count / 3 < last {
        return None;
    }
    let kept = value.chars().skip(count - last);
    Some("****".chars().chain(kept).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(strategy: &Strategy, value: &str) -> String {
        let keys = PseudonymKeys::default();
        strategy.text(value, Sort::Text, &keys).into_owned()
    }

    #[test]
    fn no_more_than_a_third_of_a_value_is_shown() {
        for (value, last, kept) in [
            ("4111111111111111", 4, "****1111"),
            ("abcdefghijkl", 4, "****ijkl"),
            ("abcdefghijk", 4, "[redacted]"),
            ("äöüßéè", 2, "****éè"),
            ("abcdef", 0, "[redacted]"),
            ("", 4, "[redacted]"),
        ] {
            assert_eq!(text(&Strategy::Partial(last), value), kept);
        }
    }

    #[test]
    fn a_function_that_panics_or_gives_nothing_costs_the_value() {
        let custom = Strategy::custom(|value| match value {
            "loud" => panic!("a rule that is wrong"),
            "none" => None,
            other => Some(format!("{other}\0!")),
        });
        assert_eq!(text(&custom, "loud"), REDACTED);
        assert_eq!(text(&custom, "none"), REDACTED);
        assert_eq!(text(&custom, "a"), "a\u{fffd}!");
    }

    #[test]
    fn without_a_key_there_is_no_pseudonym() {
        assert_eq!(text(&Strategy::Pseudonym, "ada"), REDACTED);
    }
}
