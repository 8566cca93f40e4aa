//! A net for free text: errors, stack traces, descriptions, paths, and
//! strings of which nothing else is known.
//!
//! What it catches: values behind a sensitive name (`name=value`, `name:
//! value`, `"name":"value"`, `<name>value</name>`, quoted or bracketed values
//! whole), credentials behind `Bearer` and `Basic`, userinfo in URLs, JWTs and
//! base64-encoded JSON, PEM blocks, and well-known prefixes of keys. What
//! it does not: a secret that nothing around it gives away.

mod pairs;
#[cfg(test)]
mod tests;
mod tokens;

use super::mask::REDACTED;
use super::names::{Names, percent_decoded};
use super::{json, text};

/// What stays of `text`, if not all of it may.
pub(super) fn net(names: &Names, text: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(&byte) = text.as_bytes().get(at) {
        let found = match SORTS[usize::from(byte)] {
            Sort::Plain => None,
            Sort::Sign => pairs::value_at(names, text, at),
            Sort::Letter => tokens::secret_at(text, at),
        };
        let Some((start, end)) = found else {
            at += 1;
            continue;
        };
        out.push_str(&text[copied..start]);
        out.push_str(REDACTED);
        copied = end;
        at = end.max(at + 1);
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    (out != text).then_some(out)
}

/// What stays of a text that may also be JSON, if not all of it may.
/// `inner` says how many levels of JSON may still be read.
pub(super) fn value(names: &Names, text: &str, inner: u8) -> Option<String> {
    if !json::looks_like_json(text) {
        return net(names, text);
    }
    if inner == 0 {
        return Some(REDACTED.to_owned());
    }
    let document = json::Document {
        inner: inner - 1,
        ..json::Document::added()
    };
    let mut out = String::new();
    match json::sanitize(
        names,
        text.trim_start_matches('\u{feff}'),
        document,
        &mut out,
    ) {
        json::Reading::Unreadable => Some(REDACTED.to_owned()),
        json::Reading::Complete | json::Reading::Truncated => (out != text).then_some(out),
    }
}

/// Like [`value`], for text that may be percent-encoded; the answer is
/// encoded again. With `plus`, a `+` is a space.
pub(super) fn encoded_value(names: &Names, encoded: &str, plus: bool) -> Option<String> {
    let decoded = percent_decoded(encoded.as_bytes(), plus);
    let decoded = String::from_utf8_lossy(&decoded);
    let sanitized = text::value(names, &decoded, 1)?;
    let mut out = String::with_capacity(sanitized.len());
    for byte in sanitized.bytes() {
        match byte {
            b' ' if plus => out.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'-' | b'.' | b'_' | b'~' | b'[' | b']' | b':' | b'/' | b',' | b'@' | b'$' => {
                out.push(char::from(byte));
            }
            b';' | b'=' | b'?' if !plus => out.push(char::from(byte)),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(char::from(DIGITS[usize::from(byte >> 4)]));
                out.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    Some(out)
}

/// What a byte may begin.
#[derive(Clone, Copy)]
enum Sort {
    Plain,
    /// The sign between a name and its value.
    Sign,
    /// The first letter of a token that is known by its start.
    Letter,
}

const SORTS: [Sort; 256] = {
    let mut sorts = [Sort::Plain; 256];
    let mut at = 0;
    while at < tokens::FIRST_LETTERS.len() {
        sorts[tokens::FIRST_LETTERS[at] as usize] = Sort::Letter;
        at += 1;
    }
    sorts[b':' as usize] = Sort::Sign;
    sorts[b'=' as usize] = Sort::Sign;
    sorts[b'>' as usize] = Sort::Sign;
    sorts
};
