//! How a search is put to PostgreSQL: a regular expression that decides, and
//! beside it a full-text query that an index can answer where there is one.
//!
//! PostgreSQL's own parser of texts is left out, and so are its dictionaries
//! and its ideas of case: the words are cut here as `query::search` says, and
//! put into a `tsvector` as they are. Only ASCII letters are folded in there;
//! of other letters a question names every case.

use std::sync::LazyLock;

use crate::query::search::{COLUMNS, SEPARATORS, WORD_CHARS, cases};

/// The most words that the full-text query asks for in place of one.
const MAX_SPELLINGS: usize = 16;

/// The characters between words, as they are written within brackets.
static SEPARATOR: LazyLock<String> = LazyLock::new(|| {
    let range = |(first, last): (char, char)| {
        // No text of the server has NUL, and none of its expressions may.
        let first = first.max('\u{1}');
        format!("\\u{:04x}-\\u{:04x}", u32::from(first), u32::from(last))
    };
    SEPARATORS.into_iter().map(range).collect()
});

/// The texts of a record, with a separator before each.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    let texts = COLUMNS.map(|column| format!("' ' || coalesce({column}, '')"));
    format!("(({}) COLLATE \"C\")", texts.join(" || "))
});

/// The words of a record as an index has them. It must read the same in
/// every statement; a change asks for an index of another name.
pub(super) static WORDS: LazyLock<String> = LazyLock::new(|| {
    // Written with `E`, the text means the same under every setting.
    let separator = SEPARATOR.replace('\\', "\\\\");
    format!(
        "array_to_tsvector(array_remove(regexp_split_to_array(regexp_replace(lower({}), \
         E'([^{separator}]{{{WORD_CHARS}}})[^{separator}]+', E'\\\\1', 'g'), E'[{separator}]+'), ''))",
        *TEXT
    )
});

/// The clause for records in which each of the words starts one. Each text
/// that is bound gives the number of its place.
pub(super) fn clause(words: &[String], bind: &mut dyn FnMut(String) -> usize) -> String {
    let mut clauses: Vec<_> = words
        .iter()
        .map(|word| format!("{} ~ ${}", *TEXT, bind(pattern(word))))
        .collect();
    let queries: Vec<_> = words.iter().map(|word| query(word)).collect();
    let place = bind(queries.join(" & "));
    clauses.push(format!("{} @@ ${place}::tsquery", *WORDS));
    clauses.join(" AND ")
}

/// A regular expression for a word that starts with this one. Words have
/// nothing in them that such an expression takes for anything but itself.
fn pattern(word: &str) -> String {
    let mut pattern = format!("[{}]", *SEPARATOR);
    for c in word.chars() {
        match cases(c) {
            Some(cases) => {
                pattern.push('[');
                pattern.extend(cases);
                pattern.push(']');
            }
            None => pattern.push(c),
        }
    }
    pattern
}

/// A full-text query that finds all that start with this word, and perhaps
/// more: where letters beyond ASCII have too many cases, it asks for what is before them.
fn query(word: &str) -> String {
    let mut spellings = vec![String::new()];
    for c in word.chars() {
        let cases = match cases(c) {
            Some(cases) if !c.is_ascii() => cases,
            _ => &[c],
        };
        if spellings.len() * cases.len() > MAX_SPELLINGS {
            break;
        }
        spellings = spellings
            .iter()
            .flat_map(|start| cases.iter().map(move |c| format!("{start}{c}")))
            .collect();
    }
    let prefixes: Vec<_> = spellings
        .iter()
        .map(|spelling| format!("'{spelling}':*"))
        .collect();
    format!("({})", prefixes.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_every_case_of_letters_beyond_ascii() {
        assert_eq!(query("order"), "('order':*)");
        assert_eq!(query("gr\u{fc}n"), "('gr\u{fc}n':* | 'gr\u{dc}n':*)");
        let many = query(&"\u{fc}".repeat(9));
        assert_eq!(many.matches(":*").count(), MAX_SPELLINGS);
        assert!(pattern("a\u{fc}1").ends_with("[aA][\u{fc}\u{dc}]1"));
    }

    #[test]
    fn the_expression_of_the_index_never_changes() {
        // An index that was built with another one would not be used any more.
        let hash = crate::store::postgres::schema::fnv1a(WORDS.bytes());
        assert_eq!(hash, 12_562_416_705_089_004_328);
    }
}
