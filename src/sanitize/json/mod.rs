//! JSON, complete or cut off, in one pass over its bytes.
//!
//! The scanner checks the grammar, copies what may stay in spans as it was
//! written, and never builds a value. Nesting costs no memory and no
//! recursion; what is deeper than readers go is masked. Where the input breaks off, what is complete stays: the member
//! or element in progress is dropped, the innermost open object gets
//! `"$truncated": true` as its last member (an array gets
//! `{"$truncated": true}` as its last element), and what is open is closed.
//!
//! The rules decide about a value by its place and its name; one that they
//! hide is hidden whatever its type, except `null`.
//! Strings that hold JSON themselves are sanitized within, one level deep and
//! masked beyond; all others pass the net for text.

mod escape;
mod keys;
mod lex;
mod nesting;
mod scanner;
#[cfg(test)]
mod tests;
mod trail;
#[cfg(feature = "testing")]
mod whole;

use lex::Stop;
use scanner::Scanner;

use super::mask::REDACTED;
use super::rules::Rules;

pub(super) use escape::push_escaped;

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// All of it was read.
    Complete,
    /// It breaks off; what was complete is kept.
    Truncated,
    /// It is not JSON, or breaks off before anything can be kept. Nothing was written.
    Unreadable,
}

/// What the caller knows of a document.
#[derive(Clone, Copy)]
pub(super) struct Document {
    /// There was more of it.
    pub(super) cut: bool,
    pub(super) name: DocumentName,
    /// How many levels of JSON in strings are looked into.
    pub(super) inner: u8,
    /// Up to how many bytes the output may grow before values are masked for
    /// their length; see [`most`](super::growth::most).
    pub(super) most: usize,
}

/// What is known of the name that a document goes by.
#[derive(Clone, Copy)]
pub(super) enum DocumentName {
    /// It has none. Nobody can tell what a string or a number of its own is,
    /// so that is masked.
    None,
    /// It is not sensitive.
    Harmless,
    /// It is allowed, where only what is allowed stays.
    Allowed,
}

impl Document {
    /// A body, or a line of one.
    pub(super) const fn body(cut: bool, most: usize) -> Self {
        Self {
            cut,
            name: DocumentName::None,
            inner: 1,
            most,
        }
    }

    /// A document that goes by a name.
    pub(super) const fn named(name: DocumentName, most: usize) -> Self {
        Self {
            cut: false,
            name,
            inner: 1,
            most,
        }
    }
}

/// Adds the sanitized document to `out`.
pub(super) fn sanitize(
    rules: &Rules,
    input: &str,
    document: Document,
    out: &mut String,
) -> Reading {
    let base = out.len();
    let mut scanner = Scanner::new(rules, input, document, out);
    let reading = match scanner.run() {
        Ok(()) => {
            scanner.finish();
            Reading::Complete
        }
        Err(Stop::Cut) if scanner.close_what_is_open() => Reading::Truncated,
        Err(_) => Reading::Unreadable,
    };
    if reading == Reading::Unreadable {
        out.truncate(base);
    }
    reading
}

/// Whether text starts like an object or an array.
pub(super) fn looks_like_json(text: &str) -> bool {
    // Most texts are told by their first byte: no bracket, no white space, no mark of byte order.
    if matches!(text.as_bytes().first(), Some(b'!'..=b'Z' | b'\\'..=b'z')) {
        return false;
    }
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\n', '\r']);
    let inside = text.get(1..).unwrap_or_default().trim_start();
    let starts = |starts: &[&str]| starts.iter().any(|start| inside.starts_with(start));
    match text.as_bytes().first() {
        Some(b'{') => starts(&["\"", "}"]),
        Some(b'[') if inside.starts_with(REDACTED) => false,
        Some(b'[') => {
            inside.starts_with(|first: char| first.is_ascii_digit())
                || starts(&["{", "[", "]", "\"", "-", "true", "false", "null"])
        }
        _ => false,
    }
}
