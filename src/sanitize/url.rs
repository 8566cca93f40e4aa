//! URLs, whole or relative.

use super::form;
use super::rules::Rules;
use super::text;

/// The URL without userinfo, its query and fragment sanitized like forms.
pub(super) fn sanitize(rules: &Rules, url: &str, cut: bool) -> String {
    let (url, fragment) = split(url, '#');
    let (url, query) = split(url, '?');
    let mut out = without_userinfo(url);
    if let Some(sanitized) = text::encoded_value(rules, &out, false) {
        out = sanitized;
    }
    if let Some(query) = query {
        out.push('?');
        out.push_str(&form::sanitize(rules, query, cut && fragment.is_none()));
    }
    if let Some(fragment) = fragment {
        out.push('#');
        out.push_str(&form::sanitize(rules, fragment, cut));
    }
    out
}

/// A `link` header (RFC 8288): every `<URL>` in it sanitized, and the rest like text.
pub(super) fn sanitize_links(rules: &Rules, links: &str, cut: bool) -> String {
    let mut out = String::with_capacity(links.len());
    let mut rest = links;
    let text = |text: &str| text::net(rules, text).unwrap_or_else(|| text.to_owned());
    while let Some((before, after)) = rest.split_once('<') {
        let (url, after, cut) = match after.split_once('>') {
            Some((url, after)) => (url, after, false),
            None => (after, "", cut),
        };
        out.push_str(&text(before));
        out.push('<');
        out.push_str(&sanitize(rules, url, cut));
        out.push('>');
        rest = after;
    }
    out.push_str(&text(rest));
    out
}

fn split(url: &str, sign: char) -> (&str, Option<&str>) {
    match url.split_once(sign) {
        Some((before, after)) => (before, Some(after)),
        None => (url, None),
    }
}

fn without_userinfo(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("//") else {
        return url.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}//{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::super::Sanitizer;
    use super::*;

    #[test]
    fn urls_lose_userinfo_and_secrets_in_query_and_fragment() {
        let rules = Sanitizer::default().rules;
        for (raw, kept) in [
            ("https://host/a?b=1#c", "https://host/a?b=1#c"),
            ("https://user:pw@host:8/a", "https://host:8/a"),
            ("//user@host", "//host"),
            ("/a?token=x&b=1", "/a?token=[redacted]&b=1"),
            ("/cb#access_token=x&b=1", "/cb#access_token=[redacted]&b=1"),
            ("/a;jsessionid=x", "/a;jsessionid=[redacted]"),
            ("?token=x", "?token=[redacted]"),
            ("null", "null"),
            ("", ""),
        ] {
            assert_eq!(sanitize(&rules, raw, false), kept);
        }
        assert_eq!(
            sanitize_links(
                &rules,
                "<https://u:p@h/?token=x>; rel=\"next\", </b>",
                false
            ),
            "<https://h/?token=[redacted]>; rel=\"next\", </b>"
        );
        assert_eq!(
            sanitize(&rules, "/a?b=1&c=can", true),
            "/a?b=1&%24truncated=true"
        );
    }
}
