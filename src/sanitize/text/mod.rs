//! A net for free text: errors, stack traces, descriptions, paths, and
//! strings of which nothing else is known.
//!
//! What it catches: values behind a sensitive name (`name=value`, `name:
//! value`, `"name":"value"`, `<name>value</name>`, quoted or bracketed values
//! whole), credentials behind `Bearer` and `Basic`, userinfo in URLs, JWTs and
//! base64-encoded JSON, PEM blocks, well-known prefixes of keys, and numbers of
//! payment cards. What it does not: a secret that nothing around it gives away.

mod blocks;
mod cards;
mod pairs;
#[cfg(test)]
mod tests;
mod tokens;

use std::borrow::Cow;

pub(super) use cards::is_card_number;

use super::mask::REDACTED;
use super::rules::Rules;
use super::strategy::Sort;
use super::{growth, json, percent};

/// Bytes of the shortest text that can hold a secret behind a name: `pin=1`.
const SHORTEST: usize = 5;

/// Bytes of the shortest token that is known by how it begins, if there is neither
/// a space, as behind `Bearer`, nor a sign in it.
pub(super) const SHORTEST_TOKEN: usize = 12;

/// How often a text is looked at again after something was masked.
const PASSES: usize = 4;

/// What stays of `text`, if not all of it may.
pub(super) fn net(rules: &Rules, text: &str) -> Option<String> {
    let netted = shipped_net(rules, text);
    patterned(rules, text, netted)
}

/// Patterns come last and once: what they leave, a pseudonym perhaps, is not judged again.
#[inline]
fn patterned(rules: &Rules, text: &str, netted: Option<String>) -> Option<String> {
    let known = netted.as_deref().unwrap_or(text);
    let replaced = rules.patterns.replace(rules, known, Sort::Text);
    replaced.or(netted)
}

fn shipped_net(rules: &Rules, text: &str) -> Option<String> {
    if text.len() < SHORTEST {
        return None;
    }
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut copied = 0;
    let mut stretch = 0;
    while stretch < bytes.len() {
        let mut beginnings = blocks::beginnings(bytes, stretch);
        while beginnings != 0 {
            let at = stretch + beginnings.trailing_zeros() as usize;
            beginnings &= beginnings - 1;
            if at < copied {
                continue;
            }
            let found = if blocks::is_sign(bytes[at]) {
                pairs::value_at(rules, text, at)
            } else if tokens::may_begin(&bytes[at..]) {
                tokens::secret_at(text, at)
            } else {
                None
            };
            if let Some((start, end)) = found {
                out.push_str(&text[copied..start]);
                out.push_str(REDACTED);
                copied = end;
            }
        }
        stretch = copied.max(stretch + blocks::STRETCH);
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
        ..json::Document::named(json::DocumentName::Harmless, growth::most(text.len()))
    };
    let mut out = String::new();
    match json::sanitize(
        rules.masking(),
        text.trim_start_matches('\u{feff}'),
        document,
        &mut out,
    ) {
        json::Reading::Unreadable => Some(REDACTED.to_owned()),
        json::Reading::Complete | json::Reading::Truncated => {
            patterned(rules, text, (out != text).then_some(out))
        }
    }
}

/// Like [`value`], for text of which a part may be percent-encoded, as links are in links.
pub(super) fn value_with_links(rules: &Rules, text: &str, inner: u8) -> Option<String> {
    let kept = value(rules, text, inner);
    let known = kept.as_deref().unwrap_or(text);
    // The strings of a document were judged one by one.
    if !known.contains('%') || json::looks_like_json(known) {
        return kept;
    }
    decoded_value(rules, known, false, inner).or(kept)
}

/// The text as it may be shown; see [`encoded_value`].
pub(super) fn shown<'a>(rules: &Rules, encoded: &'a str, plus: bool) -> Cow<'a, str> {
    encoded_value(rules, encoded, plus).map_or(Cow::Borrowed(encoded), Cow::Owned)
}

/// Like [`value`], for text that may be percent-encoded, once or several
/// times; the answer is encoded again. With `plus`, a `+` is a space.
///
/// Each round of decoding is judged for itself: what a secret holds in
/// encoded form (`ab%26cd`) must not end it once it is decoded.
pub(super) fn encoded_value(rules: &Rules, encoded: &str, plus: bool) -> Option<String> {
    decoded_value(rules, encoded, plus, 1)
}

fn decoded_value(rules: &Rules, encoded: &str, plus: bool, inner: u8) -> Option<String> {
    // What is judged again and again is only ever masked, which changes nothing the second time.
    let masking = rules.masking();
    let mut text = percent::spaced(encoded, plus);
    let mut is_masked = false;
    for round in 0..=percent::ROUNDS {
        // Where one secret is masked, another may come to stand behind a name.
        for _ in 0..PASSES {
            let Some(sanitized) = value(masking, &text, inner) else {
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
    if let Some(replaced) = rules.patterns.replace(rules, &text, Sort::Text) {
        text = Cow::Owned(replaced);
        is_masked = true;
    }
    is_masked.then(|| percent::encoded(&text, plus))
}
