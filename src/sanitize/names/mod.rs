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

/// The rules, while they are being collected.
#[derive(Clone)]
pub(super) struct NameRules {
    listed: Vec<(Vec<u8>, Place)>,
    allowed: HashSet<Vec<u8>>,
}

impl NameRules {
    pub(super) fn shipped() -> Self {
        let listed = list::SHIPPED
            .iter()
            .flat_map(|(place, names)| names.iter().map(|name| (name.as_bytes().to_vec(), *place)))
            .collect();
        Self {
            listed,
            allowed: HashSet::new(),
        }
    }

    pub(super) fn deny(&mut self, name: &str) -> Result<(), Error> {
        let joined = joined(name)?;
        self.allowed.remove(&joined);
        self.listed.push((joined, Place::Words));
        Ok(())
    }

    pub(super) fn allow(&mut self, name: &str) -> Result<(), Error> {
        let joined = joined(name)?;
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

fn joined(name: &str) -> Result<Vec<u8>, Error> {
    let unusable = |why: &str| {
        Error::configuration(format!("{name:?} cannot be a rule of a sanitizer: {why}"))
    };
    if name.len() > RULE_BYTES {
        return Err(unusable("a name has at most 100 bytes"));
    }
    let mut joined = Vec::new();
    words::letters(name.as_bytes(), |letter, _| joined.push(letter));
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
    /// Whether what goes by this name is secret. The name may be
    /// percent-encoded; escapes of JSON are already resolved.
    pub(super) fn is_sensitive(&self, name: &[u8]) -> bool {
        self.automaton.may_hit(name) && self.is_hit(name)
    }

    fn is_hit(&self, name: &[u8]) -> bool {
        let mut words = Words::new();
        if words::plain(name) {
            words::ascii_letters(name, |letter, starts| words.push(letter, starts));
        } else {
            words::letters(name, |letter, starts| words.push(letter, starts));
        }
        let hit = if words.is_complete() {
            self.automaton
                .hits(words.joined())
                .any(|(start, end, place)| lies_well(&words, start, end, place))
        } else {
            self.hit_in_long(name)
        };
        hit && !self.allowed.contains(words.joined())
    }

    /// Names of unusual length are not looked at word by word: any hit counts.
    fn hit_in_long(&self, name: &[u8]) -> bool {
        let mut joined = Vec::with_capacity(name.len());
        words::letters(name, |letter, _| joined.push(letter));
        self.automaton.hits(&joined).next().is_some()
    }
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

    fn shipped() -> Names {
        NameRules::shipped().build().unwrap()
    }

    #[test]
    fn sensitive_names_are_found_however_they_are_written() {
        let names = shipped();
        for name in include_str!("sensitive.txt").split_whitespace() {
            assert!(names.is_sensitive(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn names_that_only_look_alike_are_left_alone() {
        let names = shipped();
        for name in include_str!("harmless.txt").split_whitespace() {
            assert!(!names.is_sensitive(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_denied_name_counts_as_whole_words() {
        let mut rules = NameRules::shipped();
        rules.deny("customer_no").unwrap();
        rules.deny("contraseña").unwrap();
        let names = rules.build().unwrap();
        for name in [
            "customerNo",
            "CUSTOMER-NO",
            "the_customer_no_2",
            "customerno",
            "CONTRASEÑA",
        ] {
            assert!(names.is_sensitive(name.as_bytes()), "{name}");
        }
        for name in ["customer", "no_customer", "customer_north", "mycustomerno"] {
            assert!(!names.is_sensitive(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn an_allowed_name_leaves_the_list_and_exempts_itself() {
        let mut rules = NameRules::shipped();
        rules.allow("pin").unwrap();
        rules.allow("max_tokens").unwrap();
        let names = rules.build().unwrap();
        assert!(!names.is_sensitive(b"card_pin"));
        assert!(!names.is_sensitive(b"maxTokens"));
        assert!(names.is_sensitive(b"tokens"));
    }

    #[test]
    fn a_rule_without_letters_or_of_great_length_is_refused() {
        let mut rules = NameRules::shipped();
        assert!(rules.deny("--").unwrap_err().to_string().contains("\"--\""));
        assert!(rules.deny(&"a".repeat(101)).is_err());
    }

    #[test]
    fn a_very_long_name_is_sensitive_if_it_holds_a_listed_one_anywhere() {
        let names = shipped();
        let filler = "x".repeat(200);
        assert!(names.is_sensitive(format!("{filler}_password").as_bytes()));
        assert!(!names.is_sensitive(filler.as_bytes()));
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_a_name(name in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = shipped().is_sensitive(&name);
        }

        #[test]
        fn a_name_stays_sensitive_however_it_is_encoded(at in 0..8_usize, prefix in "[a-z]{0,5}_") {
            let word = "password";
            let encoded = format!("{prefix}{}%{:02X}{}", &word[..at], word.as_bytes()[at], &word[at + 1..]);
            prop_assert!(shipped().is_sensitive(encoded.as_bytes()), "{}", encoded);
        }
    }
}
