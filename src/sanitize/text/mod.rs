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

use std::borrow::Cow;

use super::mask::REDACTED;
use super::rules::Rules;
use super::strategy::Sort;
use super::{json, percent};

/// Bytes of the shortest text that can hold a secret behind a name: `pin=1`.
const SHORTEST: usize = 5;

/// How often a text is looked at again after something was masked.
const PASSES: usize = 4;

/// What stays of `text`, if not all of it may.
pub(super) fn net(rules: &Rules, text: &str) -> Option<String> {
    if rules.patterns.is_empty() {
        return shipped_net(rules, text);
    }
    let replaced = rules.patterns.replace(rules, text, Sort::Text);
    shipped_net(rules, replaced.as_deref().unwrap_or(text)).or(replaced)
}

fn shipped_net(rules: &Rules, text: &str) -> Option<String> {
    if text.len() < SHORTEST {
        return None;
    }
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    let mut before = 0;
    let mut block_end = 0;
    loop {
        if at >= block_end {
            let block = tokens::skip_quiet_blocks(bytes, at);
            if block > at {
                before = SORTS[usize::from(bytes[block - 1])];
                at = block;
            }
            block_end = at + tokens::BLOCK;
        }
        let Some(&byte) = bytes.get(at) else {
            break;
        };
        let sort = SORTS[usize::from(byte)];
        // A token begins where no word goes on.
        let awaited = SIGN | (!before & WORD) >> 1;
        before = sort;
        let found = match sort & awaited {
            0 => None,
            SIGN => pairs::value_at(rules, text, at),
            _ => tokens::secret_at(text, at),
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
pub(super) fn value(rules: &Rules, text: &str, inner: u8) -> Option<String> {
    if !json::looks_like_json(text) {
        return net(rules, text);
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
        rules,
        text.trim_start_matches('\u{feff}'),
        document,
        &mut out,
    ) {
        json::Reading::Unreadable => Some(REDACTED.to_owned()),
        json::Reading::Complete | json::Reading::Truncated => (out != text).then_some(out),
    }
}

/// Like [`value`], for text that may be percent-encoded, once or several
/// times; the answer is encoded again. With `plus`, a `+` is a space.
///
/// Each round of decoding is judged for itself: what a secret holds in
/// encoded form (`ab%26cd`) must not end it once it is decoded.
pub(super) fn encoded_value(rules: &Rules, encoded: &str, plus: bool) -> Option<String> {
    let mut text = percent::spaced(encoded, plus);
    let mut is_masked = false;
    for round in 0..=percent::ROUNDS {
        // Where one secret is masked, another may come to stand behind a name.
        for _ in 0..PASSES {
            let Some(sanitized) = value(rules, &text, 1) else {
                break;
            };
            text = Cow::Owned(sanitized);
            is_masked = true;
        }
        if round == percent::ROUNDS {
            break;
        }
        let Some(decoded) = percent::decode_once(text.as_bytes()) else {
            break;
        };
        text = Cow::Owned(String::from_utf8_lossy(&decoded).into_owned());
    }
    is_masked.then(|| percent::encoded(&text, plus))
}

/// The sign between a name and its value.
const SIGN: u8 = 1;
/// The first letter of a token that is known by its start.
const FIRST: u8 = 2;
/// A letter or a digit. Twice [`FIRST`].
const WORD: u8 = 4;

const SORTS: [u8; 256] = {
    let mut sorts = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        if (byte as u8).is_ascii_alphanumeric() {
            sorts[byte] |= WORD;
        }
        byte += 1;
    }
    let mut at = 0;
    while at < tokens::FIRST_LETTERS.len() {
        sorts[tokens::FIRST_LETTERS[at] as usize] |= FIRST;
        at += 1;
    }
    sorts[b':' as usize] = SIGN;
    sorts[b'=' as usize] = SIGN;
    sorts[b'>' as usize] = SIGN;
    sorts
};
