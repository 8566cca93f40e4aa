//! Pairs as forms and queries write them (`application/x-www-form-urlencoded`).

use super::mask::{REDACTED, TRUNCATED_PAIR};
use super::names::Names;
use super::{percent, text};

/// The pairs with secret values masked. Of pairs that were cut, the last one
/// is dropped and the mark of truncation takes its place.
pub(super) fn sanitize(names: &Names, pairs: &str, cut: bool) -> String {
    let mut out = String::with_capacity(pairs.len());
    let mut pairs = pairs.split('&').peekable();
    let mut first = true;
    while let Some(pair) = pairs.next() {
        if !std::mem::take(&mut first) {
            out.push('&');
        }
        if cut && pairs.peek().is_none() {
            out.push_str(TRUNCATED_PAIR);
        } else {
            push_pair(names, pair, &mut out);
        }
    }
    out
}

fn push_pair(names: &Names, pair: &str, out: &mut String) {
    let Some((name, value)) = pair.split_once('=') else {
        // Without a name there is nothing to judge it by but itself.
        out.push_str(
            text::encoded_value(names, pair, true)
                .as_deref()
                .unwrap_or(pair),
        );
        return;
    };
    let decoded = percent::decoded(name.as_bytes(), true);
    let is_sensitive = names.is_sensitive(&decoded);
    if !is_sensitive && !decoded.iter().all(is_usual_in_name) {
        // Perhaps no pair at all but text, or JSON, in which there is a `=`.
        if let Some(sanitized) = text::encoded_value(names, pair, true) {
            out.push_str(&sanitized);
            return;
        }
    }
    // What looks like a name may be a token whose padding is the `=`.
    let shown = text::encoded_value(names, name, true);
    out.push_str(shown.as_deref().unwrap_or(name));
    out.push('=');
    if value.is_empty() {
        return;
    }
    if is_sensitive {
        out.push_str(REDACTED);
    } else {
        let sanitized = text::encoded_value(names, value, true);
        out.push_str(sanitized.as_deref().unwrap_or(value));
    }
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

    use super::super::names::NameRules;
    use super::*;

    fn names() -> Names {
        NameRules::shipped().build().unwrap()
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
            assert_eq!(sanitize(&names(), raw, false), kept);
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
            let kept = sanitize(&names(), raw, false);
            // Masked while still encoded, JSON may be broken off where the mask begins.
            let is_marked = kept.contains("[redacted]") || kept.contains("$truncated");
            assert!(!kept.contains("canary") && is_marked, "{kept}");
        }
    }

    #[test]
    fn a_cut_form_loses_its_last_pair() {
        assert_eq!(sanitize(&names(), "a=1&b=2", true), "a=1&%24truncated=true");
        assert_eq!(sanitize(&names(), "a=1&", true), "a=1&%24truncated=true");
        assert_eq!(sanitize(&names(), "pass", true), "%24truncated=true");
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
            let names = names();
            let once = sanitize(&names, &form, cut);
            prop_assert_eq!(sanitize(&names, &once, false), once);
        }

        #[test]
        fn no_cut_shows_a_secret(at in 0..60_usize) {
            let form = "a=1&password=canary&user%5Btoken%5D=canary&b=2&Api-Key=canary";
            let kept = sanitize(&names(), &form[..at], true);
            prop_assert!(!kept.contains("can"), "{}", kept);
        }
    }
}
