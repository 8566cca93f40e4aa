//! Text that no spreadsheet takes for a formula
//! ([OWASP, "CSV Injection"](https://owasp.org/www-community/attacks/CSV_Injection)).
//!
//! An apostrophe goes before each line of a cell that could be taken for
//! one. The lines after the first count because some programs read what is
//! between quotation marks as lines of their own.

use std::borrow::Cow;

/// The text with an apostrophe wherever a formula could start.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    let mut safe = String::new();
    let (mut copied, mut start) = (0, 0);
    for line in text.split_inclusive(is_line_end) {
        let tempts = match start {
            0 => tempts_as_cell(text),
            _ => tempts(line),
        };
        if tempts {
            safe.push_str(&text[copied..start]);
            safe.push('\'');
            copied = start;
        }
        start += line.len();
    }
    if safe.is_empty() {
        return text.into();
    }
    safe.push_str(&text[copied..]);
    safe.into()
}

/// Whether a cell could be taken for a formula. These blanks count as the
/// start of one, too, also behind apostrophes, of which one could be ours.
fn tempts_as_cell(text: &str) -> bool {
    let bare = text.trim_start_matches('\'');
    bare.starts_with(['\t', '\r', '\n']) || tempts(text)
}

/// Whether a formula starts here for somebody who passes over blanks and quotation marks.
fn tempts(text: &str) -> bool {
    text.trim_start_matches(is_passed_over)
        .starts_with(is_trigger)
}

fn is_trigger(character: char) -> bool {
    matches!(
        character,
        '=' | '+' | '-' | '@'
            // The wide forms, the small ones, and the minus sign.
            | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}'
            | '\u{fe66}' | '\u{fe62}' | '\u{fe63}' | '\u{fe6b}' | '\u{2212}'
    )
}

fn is_passed_over(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '"' | '\'' | '`')
        // Quotation marks of printers, and characters without width.
        || matches!(character, '\u{2018}'..='\u{201f}' | '\u{ff02}' | '\u{ff07}')
        || matches!(
            character,
            '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

fn is_line_end(character: char) -> bool {
    matches!(
        character,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a program does that reads the file.
    fn undone(safe: &str) -> String {
        let mut text = String::new();
        let mut start = 0;
        for line in safe.split_inclusive(is_line_end) {
            let rest = line.strip_prefix('\'').filter(|rest| match start {
                0 => tempts_as_cell(&safe[1..]),
                _ => tempts(rest),
            });
            text.push_str(rest.unwrap_or(line));
            start += line.len();
        }
        text
    }

    #[test]
    fn formulas_get_an_apostrophe_and_nothing_else_does() {
        for (text, safe) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("\nx", "'\nx"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            (" \u{a0}\u{feff}\"=1", "' \u{a0}\u{feff}\"=1"),
            ("'=1", "''=1"),
            ("'\t", "''\t"),
            ("''\nx", "'''\nx"),
            ("x\n=1\r\n -2", "x\n'=1\r\n' -2"),
            ("", ""),
            ("x=1", "x=1"),
            ("'tis", "'tis"),
            ("{\"a\":-5}", "{\"a\":-5}"),
            ("x\n\tat y", "x\n\tat y"),
        ] {
            assert_eq!(harmless(text), safe, "{text:?}");
            assert_eq!(undone(safe), text, "{text:?}");
        }
        assert!(matches!(harmless("x\ny"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn no_line_starts_a_formula_and_every_text_can_be_had_back(
            text in "([=+\\-@'\" \t\r\n\u{a0}\u{feff}\u{ff1d}\u{2028}a]|.){0,12}",
        ) {
            let safe = harmless(&text).into_owned();
            prop_assert_eq!(undone(&safe), text);
            let trimmed = |part: &str| {
                let blank = |c: char| is_passed_over(c) && c != '\'';
                part.trim_start_matches(blank).to_owned()
            };
            prop_assert!(!safe.starts_with(['\t', '\r', '\n']));
            prop_assert!(!trimmed(&safe).starts_with(is_trigger));
            for line in safe.split(is_line_end) {
                prop_assert!(!trimmed(line).starts_with(is_trigger), "{:?}", line);
            }
        }
    }
}
