//! The inside of JSON strings, to text and back.

use std::borrow::Cow;
use std::fmt::Write;

use super::lex;

/// The text that a string's valid content stands for. What no store takes,
/// NUL and half a surrogate pair, becomes U+FFFD.
pub(super) fn resolved(content: &str) -> Cow<'_, str> {
    let bytes = content.as_bytes();
    let Some(mut at) = content.find('\\') else {
        return Cow::Borrowed(content);
    };
    let mut text = content[..at].to_owned();
    while at < bytes.len() {
        let (letter, length) = match bytes.get(at + 1) {
            Some(b'u') => code_point(bytes, at),
            Some(b'b') => ('\u{8}', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(b'n') => ('\n', 2),
            Some(b'r') => ('\r', 2),
            Some(b't') => ('\t', 2),
            Some(&other) => (char::from(other), 2),
            None => break,
        };
        text.push(letter);
        at += length;
        let rest = content.get(at..).unwrap_or_default();
        let span = rest.find('\\').unwrap_or(rest.len());
        text.push_str(&rest[..span]);
        at += span;
    }
    Cow::Owned(text)
}

fn code_point(bytes: &[u8], at: usize) -> (char, usize) {
    let unit = |at| lex::code_unit(bytes, at).unwrap_or_default();
    let high = unit(at);
    if (0xd800..0xdc00).contains(&high) && bytes[at + 6..].starts_with(b"\\u") {
        let low = unit(at + 6);
        if (0xdc00..0xe000).contains(&low) {
            let point = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            return (char::from_u32(point).unwrap_or('\u{fffd}'), 12);
        }
    }
    let letter = char::from_u32(high).filter(|letter| *letter != '\0');
    (letter.unwrap_or('\u{fffd}'), 6)
}

/// Adds `text` as the content of a string.
pub(in crate::sanitize) fn push_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(|letter: char| letter < ' ' || matches!(letter, '"' | '\\')) {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0 => out.push('\u{fffd}'),
            control => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{control:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}
