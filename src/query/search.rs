//! What a search looks for: words, and what a word is.
//!
//! A word is a run of characters without [separators](is_separator), folded
//! to lower case character by character. No store's own idea of words, case
//! or locale comes into it, so all of them find the same.

use crate::Record;
use crate::event::{Column, Value};

/// How much of a word counts: what goes beyond is ignored, in records and in questions.
pub(crate) const WORD_CHARS: usize = 64;

/// The columns that are searched.
pub(crate) const COLUMNS: [&str; 11] = [
    "action",
    "path",
    "actor_id",
    "actor_name",
    "actor_email",
    "resource_type",
    "resource_id",
    "resource_name",
    "error",
    "description",
    "user_agent",
];

/// What is between words, from the first to the last: all of ASCII but letters
/// and digits, the punctuation and signs of Latin-1, all white space, and the
/// punctuation of most writing systems that have their own.
pub(crate) const SEPARATORS: [(char, char); 17] = [
    ('\0', '/'),
    (':', '@'),
    ('[', '`'),
    ('{', '\u{a9}'),
    ('\u{ab}', '\u{b4}'),
    ('\u{b6}', '\u{b9}'),
    ('\u{bb}', '\u{bf}'),
    ('\u{d7}', '\u{d7}'),
    ('\u{f7}', '\u{f7}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{2000}', '\u{206f}'),
    ('\u{3000}', '\u{3003}'),
    ('\u{3008}', '\u{3011}'),
    ('\u{3014}', '\u{301f}'),
    ('\u{ff01}', '\u{ff0f}'),
    ('\u{ff1a}', '\u{ff20}'),
    ('\u{ff3b}', '\u{ff40}'),
];

/// No word has this character.
pub(crate) fn is_separator(c: char) -> bool {
    SEPARATORS
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&c))
}

/// The character in lower case, if that is one character and both are ASCII or neither is.
pub(crate) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) if !one.is_ascii() => one,
        _ => c,
    }
}

/// The words of a text, in order.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(is_separator)
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(WORD_CHARS).map(fold).collect())
}

/// Adds the words of a text to those that a search asks for, which are in
/// order. A word that another one starts with asks for nothing more.
pub(super) fn add(asked: &mut Vec<String>, text: &str) {
    asked.extend(words(text));
    asked.sort();
    asked.dedup_by(|later, earlier| {
        // The one that is kept is the longer one.
        let is_start = later.starts_with(earlier.as_str());
        if is_start {
            std::mem::swap(later, earlier);
        }
        is_start
    });
}

/// The words of a record.
pub(crate) fn words_of(record: &Record) -> impl Iterator<Item = String> {
    COLUMNS.into_iter().flat_map(|name| {
        let column = Column::named(name).expect("the columns that are searched exist");
        match column.get(record) {
            Value::Text(text) => words(&text).collect(),
            _ => Vec::new(),
        }
    })
}

/// Whether each word that is asked for starts one of a record's.
pub(super) fn matches(asked: &[String], record: &Record) -> bool {
    if asked.is_empty() {
        return true;
    }
    let there: Vec<_> = words_of(record).collect();
    asked
        .iter()
        .all(|word| there.iter().any(|other| other.starts_with(word.as_str())))
}

/// All characters that [fold](fold) to this one, itself among them, if there is another.
#[cfg(feature = "postgres")]
pub(crate) fn cases(folded: char) -> Option<&'static [char]> {
    use std::collections::HashMap;
    use std::sync::LazyLock;

    /// Behind all writing systems that have cases.
    const END: char = '\u{1f000}';
    static CASES: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
        let mut cases = HashMap::<char, Vec<char>>::new();
        for c in ('\0'..END).filter(|c| fold(*c) != *c) {
            let folded = fold(c);
            cases.entry(folded).or_insert_with(|| vec![folded]).push(c);
        }
        cases
    });
    CASES.get(&folded).map(Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked(text: &str) -> Vec<String> {
        let mut asked = Vec::new();
        add(&mut asked, text);
        asked
    }

    #[test]
    fn words_are_what_is_between_punctuation_and_white_space() {
        for (text, expected) in [
            ("order.create", &["order", "create"][..]),
            ("/a//b_c/{id}?x=1", &["a", "b", "c", "id", "x", "1"]),
            ("Ada@Example.COM", &["ada", "example", "com"]),
            (
                "GR\u{dc}SSE \u{dc}ber\u{a0}\u{4f60}\u{597d}",
                &["gr\u{fc}sse", "\u{fc}ber", "\u{4f60}\u{597d}"],
            ),
            ("\u{201c}quoted\u{201d}\u{2014}dash", &["quoted", "dash"]),
            ("\u{1f980}\u{200d}\u{1f4bb}", &["\u{1f980}", "\u{1f4bb}"]),
            // Neither of these becomes what an `i` or a `k` would find.
            ("\u{130}stanbul \u{212a}", &["\u{130}stanbul", "\u{212a}"]),
            ("a\0b", &["a", "b"]),
            (" ':*&|!() ", &[]),
        ] {
            assert_eq!(words(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
        let long = "\u{c4}".repeat(WORD_CHARS + 1);
        assert_eq!(words(&long).next(), Some("\u{e4}".repeat(WORD_CHARS)));
    }

    #[test]
    fn what_another_word_asks_for_already_is_left_out() {
        assert_eq!(asked("b ab a abc b"), ["abc", "b"]);
        assert_eq!(asked("a a-b"), ["a", "b"]);
        assert!(asked("...").is_empty());
    }

    #[test]
    fn white_space_separates_and_separators_are_no_letters() {
        for c in '\0'..=char::MAX {
            assert!(!c.is_whitespace() || is_separator(c), "{c:?}");
            assert!(
                !c.is_alphanumeric()
                    || !is_separator(c)
                    || "\u{b2}\u{b3}\u{b9}\u{bc}\u{bd}\u{be}".contains(c),
                "{c:?}"
            );
        }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn cases_are_all_that_fold_to_a_character() {
        for c in '\0'..=char::MAX {
            let cases = cases(fold(c)).unwrap_or_default();
            assert!(
                fold(c) == c && cases.is_empty() || cases.contains(&c),
                "{c:?}"
            );
            assert!(cases.iter().all(|other| fold(*other) == fold(c)), "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing_and_a_word_is_one_word(text in any::<String>()) {
            for word in words(&text) {
                prop_assert_eq!(words(&word).collect::<Vec<_>>(), [word.clone()]);
            }
        }

        #[test]
        fn what_is_left_out_asks_for_nothing_more(text in "[ab ]{0,12}", there in "[abc ]{0,12}") {
            let there: Vec<_> = words(&there).collect();
            let finds = |asked: &[String]| asked.iter().all(|word| there.iter().any(|other| other.starts_with(word.as_str())));
            prop_assert_eq!(finds(&asked(&text)), finds(&words(&text).collect::<Vec<_>>()));
        }
    }
}
