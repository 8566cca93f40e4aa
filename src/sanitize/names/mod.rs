//! Which names stand for something secret.
//!
//! A name is percent-decoded, split into words at everything that is not a
//! letter or a digit, at camel-case humps and between letters and digits,
//! folded to lower case and joined again. The joined letters then run once
//! through an automaton of all listed names; a hit counts if it lies in the
//! words as its [`Place`] asks. So `x-api-key`, `apiKey` and `API_KEY` are
//! `apikey`, and `author` is not `auth`.

mod automaton;
mod list;
mod words;

use std::collections::HashSet;
use std::fmt;

use automaton::Automaton;
use words::Words;

use super::rules::{MASK, StrategyId};
use super::strategy::Strategy;
use crate::Error;

/// Bytes of a name in a rule.
const RULE_BYTES: usize = 100;

/// Where in a name a listed one has to lie. A plural `s` may follow it everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Anywhere, across words too: for what is long and means one thing only.
    Anywhere,
    /// At the end of a word: `token` in `usertoken`, not in `tokenizer`.
    WordEnd,
    /// One or more whole words: `otp` in `otp_code`.
    Words,
    /// The last words, digits aside: `pin` in `card_pin2`, not in `pin_color`.
    Last,
    /// All of it.
    Whole,
}

/// What a listed name stands for.
#[derive(Clone, Copy, Debug)]
struct Listed {
    place: Place,
    strategy: StrategyId,
    /// Of several names that lie in one, the strictest counts.
    strictness: u8,
}

/// What the rules say of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A listed name lies in it.
    Listed(StrategyId),
    /// It is a name whose values stay.
    Allowed,
    Unlisted,
}

/// The rules, while they are being collected.
#[derive(Clone)]
pub(super) struct NameRules {
    listed: Vec<(Vec<u8>, Listed)>,
    allowed: HashSet<Vec<u8>>,
}

impl NameRules {
    pub(super) fn shipped() -> Self {
        let listed = list::SHIPPED
            .iter()
            .flat_map(|(place, names)| {
                let listed = Listed {
                    place: *place,
                    strategy: MASK,
                    strictness: Strategy::Mask.strictness(),
                };
                names
                    .iter()
                    .map(move |name| (name.as_bytes().to_vec(), listed))
            })
            .collect();
        Self {
            listed,
            allowed: HashSet::new(),
        }
    }

    /// Lists a name with its strategy, instead of what was said of it before.
    pub(super) fn list(
        &mut self,
        name: &str,
        strategy: StrategyId,
        strictness: u8,
    ) -> Result<(), Error> {
        let joined = checked(name)?;
        self.allowed.remove(&joined);
        let listed = Listed {
            place: Place::Words,
            strategy,
            strictness,
        };
        for (_, same) in self.listed.iter_mut().filter(|(other, _)| *other == joined) {
            *same = Listed {
                place: same.place,
                ..listed
            };
        }
        self.listed.push((joined, listed));
        Ok(())
    }

    pub(super) fn allow(&mut self, name: &str) -> Result<(), Error> {
        let joined = checked(name)?;
        self.listed.retain(|(listed, _)| *listed != joined);
        self.allowed.insert(joined);
        Ok(())
    }

    pub(super) fn build(self) -> Result<Names, Error> {
        let automaton = Automaton::new(&self.listed)
            .ok_or_else(|| Error::configuration("too many sensitive names for a sanitizer"))?;
        Ok(Names {
            automaton,
            allowed: self.allowed,
        })
    }
}

/// The letters and digits of a name, in lower case.
pub(super) fn joined(name: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(name.len());
    words::letters(name, |letter, _| joined.push(letter));
    joined
}

fn checked(name: &str) -> Result<Vec<u8>, Error> {
    let unusable = |why: &str| {
        Error::configuration(format!("{name:?} cannot be a rule of a sanitizer: {why}"))
    };
    if name.len() > RULE_BYTES {
        return Err(unusable("a name has at most 100 bytes"));
    }
    let joined = joined(name.as_bytes());
    if joined.is_empty() {
        return Err(unusable("a name has letters or digits"));
    }
    Ok(joined)
}

/// The rules, ready to be asked.
pub(super) struct Names {
    automaton: Automaton,
    allowed: HashSet<Vec<u8>>,
}

impl Names {
    /// What the rules say of a name, which may be percent-encoded; escapes of
    /// JSON are already resolved.
    pub(super) fn verdict(&self, name: &[u8]) -> Verdict {
        if self.automaton.may_hit(name) {
            return self.verdict_of_hit(name);
        }
        if !self.allowed.is_empty() && self.allowed.contains(&joined(name)) {
            return Verdict::Allowed;
        }
        Verdict::Unlisted
    }

    fn verdict_of_hit(&self, name: &[u8]) -> Verdict {
        let mut words = Words::new();
        if words::plain(name) {
            words::ascii_letters(name, |letter, starts| words.push(letter, starts));
        } else {
            words::letters(name, |letter, starts| words.push(letter, starts));
        }
        if !words.is_complete() {
            // Names of unusual length are not looked at word by word: any hit counts.
            let joined = joined(name);
            return strictest(self.automaton.hits(&joined).map(|(_, _, listed)| listed));
        }
        if self.allowed.contains(words.joined()) {
            return Verdict::Allowed;
        }
        strictest(
            self.automaton
                .hits(words.joined())
                .filter(|(start, end, listed)| lies_well(&words, *start, *end, listed.place))
                .map(|(_, _, listed)| listed),
        )
    }
}

fn strictest(hits: impl Iterator<Item = Listed>) -> Verdict {
    hits.max_by_key(|listed| listed.strictness)
        .map_or(Verdict::Unlisted, |listed| Verdict::Listed(listed.strategy))
}

fn lies_well(words: &Words, start: usize, end: usize, place: Place) -> bool {
    let plural = words.joined().get(end) == Some(&b's');
    let ends = |is_end: &dyn Fn(usize) -> bool| is_end(end) || (plural && is_end(end + 1));
    match place {
        Place::Anywhere => !list::is_harmless(&words.joined()[start..]),
        Place::WordEnd => ends(&|at| words.is_border(at)),
        Place::Words => words.is_border(start) && ends(&|at| words.is_border(at)),
        Place::Last => words.is_border(start) && ends(&|at| words.only_digits_from(at)),
        Place::Whole => start == 0 && ends(&|at| at == words.joined().len()),
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Strategy;

    fn is_sensitive(names: &Names, name: &[u8]) -> bool {
        matches!(names.verdict(name), Verdict::Listed(_))
    }

    fn deny(rules: &mut NameRules, name: &str) -> Result<(), Error> {
        rules.list(name, MASK, Strategy::Mask.strictness())
    }

    fn shipped() -> Names {
        NameRules::shipped().build().unwrap()
    }

    #[test]
    fn sensitive_names_are_found_however_they_are_written() {
        let names = shipped();
        for name in include_str!("sensitive.txt").split_whitespace() {
            assert!(is_sensitive(&names, name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn names_that_only_look_alike_are_left_alone() {
        let names = shipped();
        for name in include_str!("harmless.txt").split_whitespace() {
            assert!(!is_sensitive(&names, name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_denied_name_counts_as_whole_words() {
        let mut rules = NameRules::shipped();
        deny(&mut rules, "customer_no").unwrap();
        deny(&mut rules, "contraseña").unwrap();
        let names = rules.build().unwrap();
        for name in [
            "customerNo",
            "CUSTOMER-NO",
            "the_customer_no_2",
            "customerno",
            "CONTRASEÑA",
        ] {
            assert!(is_sensitive(&names, name.as_bytes()), "{name}");
        }
        for name in ["customer", "no_customer", "customer_north", "mycustomerno"] {
            assert!(!is_sensitive(&names, name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn an_allowed_name_leaves_the_list_and_exempts_itself() {
        let mut rules = NameRules::shipped();
        rules.allow("pin").unwrap();
        rules.allow("max_tokens").unwrap();
        let names = rules.build().unwrap();
        assert!(!is_sensitive(&names, b"card_pin"));
        assert!(!is_sensitive(&names, b"maxTokens"));
        assert!(is_sensitive(&names, b"tokens"));
    }

    #[test]
    fn of_several_names_in_one_the_strictest_counts() {
        let mut rules = NameRules::shipped();
        let partial = Strategy::Partial(4).strictness();
        rules.list("email", 1, partial).unwrap();
        rules.list("token", 2, partial).unwrap();
        let names = rules.build().unwrap();
        assert_eq!(names.verdict(b"user_email"), Verdict::Listed(1));
        assert_eq!(names.verdict(b"emailPassword"), Verdict::Listed(MASK));
        assert_eq!(names.verdict(b"usertoken"), Verdict::Listed(2));
        assert_eq!(names.verdict(b"accesstoken"), Verdict::Listed(MASK));
    }

    #[test]
    fn a_rule_without_letters_or_of_great_length_is_refused() {
        let mut rules = NameRules::shipped();
        assert!(
            deny(&mut rules, "--")
                .unwrap_err()
                .to_string()
                .contains("\"--\"")
        );
        assert!(deny(&mut rules, &"a".repeat(101)).is_err());
    }

    #[test]
    fn a_very_long_name_is_sensitive_if_it_holds_a_listed_one_anywhere() {
        let names = shipped();
        let filler = "x".repeat(200);
        assert!(is_sensitive(
            &names,
            format!("{filler}_password").as_bytes()
        ));
        assert!(!is_sensitive(&names, filler.as_bytes()));
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_a_name(name in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = is_sensitive(&shipped(), &name);
        }

        #[test]
        fn a_name_stays_sensitive_however_it_is_encoded(at in 0..8_usize, prefix in "[a-z]{0,5}_") {
            let word = "password";
            let encoded = format!("{prefix}{}%{:02X}{}", &word[..at], word.as_bytes()[at], &word[at + 1..]);
            prop_assert!(is_sensitive(&shipped(), encoded.as_bytes()), "{}", encoded);
        }
    }
}
