//! Pairs as forms and queries write them (`application/x-www-form-urlencoded`).

use std::borrow::Cow;

use super::mask::{REDACTED, TRUNCATED_PAIR};
use super::rules::{Rules, Treatment};
use super::strategy::{Sort, Strategy};
use super::{growth, percent, text};

/// The pairs with secret values masked. Of pairs that were cut, the last one
/// is dropped and the mark of truncation takes its place.
pub(super) fn sanitize(rules: &Rules, pairs: &str, cut: bool) -> String {
    let mut out = String::with_capacity(pairs.len());
    let most = growth::most(pairs.len());
    let mut pairs = pairs.split('&').peekable();
    let mut is_first = true;
    while let Some(pair) = pairs.next() {
        let end = out.len();
        if !is_first {
            out.push('&');
        }
        let start = out.len();
        if cut && pairs.peek().is_none() {
            out.push_str(TRUNCATED_PAIR);
        } else if !push_pair(rules, pair, &mut out) {
            out.truncate(end);
            continue;
        } else if out.len() > most && out.len() - start > pair.len() + REDACTED.len() {
            out.truncate(start);
            out.push_str(REDACTED);
        }
        is_first = false;
    }
    out
}

/// Adds what stays of a pair; false if it is left out.
fn push_pair(rules: &Rules, pair: &str, out: &mut String) -> bool {
    let Some((name, value)) = pair.split_once('=') else {
        // Without a name there is nothing to judge it by but itself.
        match &rules.otherwise {
            _ if pair.is_empty() => {}
            Some(strategy) if strategy.is_remove() => return false,
            Some(strategy) => push_applied(rules, strategy, pair, out),
            None => {
                out.push_str(&text::shown(rules, pair, true));
            }
        }
        return true;
    };
    let decoded = percent::decoded(name.as_bytes(), true);
    let treatment = rules.treatment(&decoded);
    if treatment.is_remove() {
        return false;
    }
    if rules.otherwise.is_some()
        && let Some(strategy) = treatment.strategy()
        && is_padding(value)
    {
        // What looks like a name may be a value of which nobody has allowed anything.
        push_applied(rules, strategy, pair, out);
        return true;
    }
    if matches!(treatment, Treatment::Keep) && !decoded.iter().all(is_usual_in_name) {
        // Perhaps no pair at all but text, or JSON, in which there is a `=`.
        if let Some(sanitized) = text::encoded_value(rules, pair, true) {
            out.push_str(&sanitized);
            return true;
        }
    }
    // What looks like a name may be a token whose padding is the `=`.
    out.push_str(&text::shown(rules, name, true));
    out.push('=');
    match treatment.strategy() {
        _ if value.is_empty() => {}
        Some(strategy) => push_applied(rules, strategy, value, out),
        None => {
            out.push_str(&text::shown(rules, value, true));
        }
    }
    true
}

fn push_applied(rules: &Rules, strategy: &Strategy, value: &str, out: &mut String) {
    let spaced = percent::spaced(value, true);
    // Once, as whoever reads the form does.
    let decoded = percent::decode_once(spaced.as_bytes());
    let value = decoded.as_deref().unwrap_or(spaced.as_bytes());
    match rules.applied(strategy, &String::from_utf8_lossy(value), Sort::Text) {
        // A mark, as it stands everywhere.
        Cow::Borrowed(mark) => out.push_str(mark),
        Cow::Owned(text) => out.push_str(&percent::encoded(&text, true)),
    }
}

/// Whether nothing stands behind a name, or no more than base64 ends with.
fn is_padding(value: &str) -> bool {
    let decoded = percent::decoded(value.as_bytes(), true);
    let is_blank = |byte: &u8| *byte == b'=' || byte.is_ascii_whitespace();
    decoded.iter().all(is_blank)
}

fn is_usual_in_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte >= 0x80 || b"-_.[]$*~ ".contains(byte)
}

/// Whether a body can be a form: something else under a form's name is not
/// to be taken for pairs, lest its secrets are taken for names.
pub(super) fn is_form(body: &str) -> bool {
    let usual = |byte: u8| byte > b' ' && byte != 0x7f && !b"\"<>{}\\^`|".contains(&byte);
    let holds_a_value = body.contains('=');
    holds_a_value
        && body.split('&').all(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            name.len() <= 256 && name.bytes().all(usual) && !name.starts_with("--")
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::sync::Arc;

    use super::super::Sanitizer;
    use super::*;

    fn rules() -> Arc<Rules> {
        Sanitizer::default().rules
    }

    #[test]
    fn values_of_sensitive_names_are_masked_however_the_name_is_encoded() {
        for (raw, kept) in [
            ("", ""),
            ("a=1&b=", "a=1&b="),
            ("a=1&password=x&b=2", "a=1&password=[redacted]&b=2"),
            ("p%61ssword=x", "p%61ssword=[redacted]"),
            ("p%2561ssword=x", "p%2561ssword=[redacted]"),
            (
                "api+key=x&API-KEY=y",
                "api+key=[redacted]&API-KEY=[redacted]",
            ),
            ("user[password]=x", "user[password]=[redacted]"),
            ("user%5Bpassword%5D=x", "user%5Bpassword%5D=[redacted]"),
            ("user.password=x=y", "user.password=[redacted]"),
            ("a=1;password=x", "a=1%3Bpassword=[redacted]"),
            ("a=%2B+%20", "a=%2B+%20"),
        ] {
            assert_eq!(sanitize(&rules(), raw, false), kept);
        }
    }

    #[test]
    fn values_that_hold_json_or_a_query_are_sanitized_within() {
        for raw in [
            "data={\"password\":\"canary\"}",
            "data=%7B%22password%22%3A%22canary%22%7D",
            "data=%257B%2522password%2522%253A%2522canary%2522%257D",
            "next=https%3A%2F%2Fhost%2F%3Ftoken%3Dcanary",
            "next=https://user:canary@host/",
            "eyJhbGciOiJIUzI1NiJ9.canary.canary",
            "{\"password\":\"canary=canary\"}=1",
            "%7B%22password%22%3A%22canary=canary%22%7D",
            "a:1;password:canary=canary",
        ] {
            let kept = sanitize(&rules(), raw, false);
            // Masked while still encoded, JSON may be broken off where the mask begins.
            let is_marked = kept.contains("[redacted]") || kept.contains("$truncated");
            assert!(!kept.contains("canary") && is_marked, "{kept}");
        }
    }

    #[test]
    fn a_cut_form_loses_its_last_pair() {
        assert_eq!(sanitize(&rules(), "a=1&b=2", true), "a=1&%24truncated=true");
        assert_eq!(sanitize(&rules(), "a=1&", true), "a=1&%24truncated=true");
        assert_eq!(sanitize(&rules(), "pass", true), "%24truncated=true");
    }

    #[test]
    fn other_formats_are_no_forms() {
        assert!(is_form("a=1&b[]=2&c=%7B&d"));
        for body in [
            "{\"password\":\"x\"}",
            "<a b='c'/>",
            "--x\r\nname=a",
            "user: a\npassword: b=c",
            "canary",
        ] {
            assert!(!is_form(body), "{body}");
        }
    }

    proptest! {
        // In text that is no pairs a second look may mask more, never less.
        #[test]
        fn sanitizing_pairs_twice_changes_nothing_more(form in "((user|[a-c]|%70assword|token)=([a-c+]|%2[05]|token|eyJhbGciOiJIUzI1NiJ9){0,4}&){0,8}", cut: bool) {
            let rules = rules();
            let once = sanitize(&rules, &form, cut);
            prop_assert_eq!(sanitize(&rules, &once, false), once);
        }

        #[test]
        fn no_cut_shows_a_secret(at in 0..60_usize) {
            let form = "a=1&password=canary&user%5Btoken%5D=canary&b=2&Api-Key=canary";
            let kept = sanitize(&rules(), &form[..at], true);
            prop_assert!(!kept.contains("can"), "{}", kept);
        }
    }
}
