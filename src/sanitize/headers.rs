//! Headers: those on a list, by value; cookies by name.

use std::collections::HashSet;

use http::HeaderName;

use super::rules::Rules;
use super::strategy::{Sort, Strategy};
use super::{clean, json, text, url};
use crate::Error;
use crate::event::{Json, limits};

/// Request headers that are kept. Not among them: what authenticates, and
/// addresses of clients, which have columns of their own.
const REQUEST: &[&str] = &[
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "access-control-request-headers",
    "access-control-request-method",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-type",
    "dnt",
    "expect",
    "grpc-timeout",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "origin",
    "pragma",
    "prefer",
    "range",
    "referer",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-gpc",
    "te",
    "traceparent",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-correlation-id",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-http-method-override",
    "x-request-id",
    "x-requested-with",
];

/// Response headers that are kept. `set-cookie` is there by the names of its cookies.
const RESPONSE: &[&str] = &[
    "accept-ranges",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "age",
    "allow",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "date",
    "deprecation",
    "etag",
    "expires",
    "grpc-message",
    "grpc-status",
    "last-modified",
    "link",
    "location",
    "ratelimit",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "server",
    "server-timing",
    "set-cookie",
    "sunset",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "x-correlation-id",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
];

/// Headers that are kept although their name looks sensitive: their values are not secret.
const KNOWN_HARMLESS: &[&str] = &["access-control-allow-credentials", "set-cookie"];

/// Which headers of one side are kept.
#[derive(Clone, Debug)]
pub(super) struct HeaderRules(HashSet<Box<str>>);

impl HeaderRules {
    pub(super) fn request() -> Self {
        Self(REQUEST.iter().map(|name| (*name).into()).collect())
    }

    pub(super) fn response() -> Self {
        Self(RESPONSE.iter().map(|name| (*name).into()).collect())
    }

    pub(super) fn add(&mut self, name: &str) -> Result<(), Error> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
            Error::configuration(format!(
                "{name:?} cannot be a rule of a sanitizer: not a header name"
            ))
        })?;
        self.0.insert(name.as_str().into());
        Ok(())
    }

    /// The headers on the list as one object of strings, in the order of
    /// their first lines. Lines of one name are joined by `, ` (RFC 9110, 5.3).
    pub(super) fn sanitize(&self, rules: &Rules, lines: &[(&[u8], &[u8])]) -> Option<Json> {
        let mut kept: Vec<(String, String)> = Vec::new();
        for (name, value) in lines {
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            if !self.0.contains(name.as_str()) {
                continue;
            }
            let Some(value) = sanitize_value(rules, &name, value) else {
                continue;
            };
            match kept.iter_mut().find(|(other, _)| *other == name) {
                Some(_) if value.is_empty() => {}
                Some((_, joined)) => {
                    joined.push_str(", ");
                    joined.push_str(&value);
                }
                None => kept.push((name, value)),
            }
        }
        if kept.is_empty() {
            return None;
        }
        let mut object = String::from("{");
        for (at, (name, value)) in kept.iter().enumerate() {
            object.push_str(if at == 0 { "\"" } else { ",\"" });
            json::push_escaped(&mut object, name);
            object.push_str("\":\"");
            json::push_escaped(&mut object, value);
            object.push('"');
        }
        object.push('}');
        Some(Json::from_valid(object))
    }
}

/// What stays of a header's value; nothing if the header is left out.
fn sanitize_value(rules: &Rules, name: &str, value: &[u8]) -> Option<String> {
    if name == "cookie" {
        return Some(cookie_names(rules, value).collect::<Vec<_>>().join(", "));
    }
    if name == "set-cookie" {
        let cookie = value.split(|byte| *byte == b';').next();
        return Some(cookie_names(rules, cookie.unwrap_or_default()).collect());
    }
    let harmless = KNOWN_HARMLESS.contains(&name);
    let strategy = rules.listed(name.as_bytes()).filter(|_| !harmless);
    if strategy.is_some_and(Strategy::is_remove) {
        return None;
    }
    let cut = value.len() >= limits::HEADER_VALUE_BYTES;
    let value = clean::text(value, limits::HEADER_VALUE_BYTES);
    if let Some(strategy) = strategy {
        let value = rules.applied(strategy, &value, Sort::Text);
        return Some(limits::cut(&value, limits::HEADER_KEPT_BYTES).to_owned());
    }
    let sanitized = match name {
        "referer" | "location" | "content-location" | "origin" => url::sanitize(rules, &value, cut),
        "link" => url::sanitize_links(rules, &value, cut),
        _ => text::encoded_value(rules, &value, false).unwrap_or(value),
    };
    Some(limits::cut(&sanitized, limits::HEADER_KEPT_BYTES).to_owned())
}

/// The names of the cookies in a `cookie` header. One without a name is left out: it would be its value.
pub(super) fn cookie_names(rules: &Rules, value: &[u8]) -> impl Iterator<Item = String> {
    value.split(|byte| *byte == b';').filter_map(|cookie| {
        let end = cookie.iter().position(|byte| *byte == b'=')?;
        let name = clean::text(cookie[..end].trim_ascii(), limits::NAME_BYTES);
        let name = text::net(rules, &name).unwrap_or(name);
        (!name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::super::Sanitizer;
    use super::*;

    fn kept(listed: &HeaderRules, lines: &[(&str, &str)]) -> Option<String> {
        let rules = Sanitizer::default().rules;
        let lines: Vec<_> = lines
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        let json = listed.sanitize(&rules, &lines)?;
        serde_json::from_str::<serde_json::Value>(json.as_str()).unwrap();
        Some(json.to_string())
    }

    #[test]
    fn only_listed_headers_are_kept() {
        let lines = [
            ("Authorization", "Bearer canary"),
            ("cookie", "sid=canary"),
            ("x-api-key", "canary"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-whatever", "canary"),
        ];
        assert_eq!(kept(&HeaderRules::request(), &lines), None);
        assert_eq!(
            kept(
                &HeaderRules::request(),
                &[("Accept", "a"), ("dnt", "1"), ("accept", "\"b\"")]
            )
            .unwrap(),
            r#"{"accept":"a, \"b\"","dnt":"1"}"#
        );
    }

    #[test]
    fn cookies_are_kept_by_name_only() {
        let rules = Sanitizer::default().rules;
        let kept_names: Vec<_> =
            cookie_names(&rules, b"sid=a=b; canary; theme=dark;=canary; ").collect();
        assert_eq!(kept_names, ["sid", "theme"]);
        let lines = [
            ("set-cookie", "sid=canary; Path=/; Secure"),
            ("set-cookie", "theme=canary"),
            ("set-cookie", "canary; Path=/"),
        ];
        assert_eq!(
            kept(&HeaderRules::response(), &lines).unwrap(),
            r#"{"set-cookie":"sid, theme"}"#
        );
    }

    #[test]
    fn urls_in_headers_are_sanitized() {
        let lines = [("referer", "https://u:canary@host/a?token=canary&b=1")];
        assert_eq!(
            kept(&HeaderRules::request(), &lines).unwrap(),
            r#"{"referer":"https://host/a?token=[redacted]&b=1"}"#
        );
    }

    #[test]
    fn an_added_header_with_a_sensitive_name_is_masked() {
        let mut rules = HeaderRules::request();
        rules.add("X-Api-Key").unwrap();
        rules.add("X-Plan").unwrap();
        rules.add("cookie").unwrap();
        assert_eq!(
            kept(
                &rules,
                &[
                    ("x-api-key", "canary"),
                    ("x-plan", "a"),
                    ("cookie", "a=canary; b=c")
                ]
            )
            .unwrap(),
            r#"{"x-api-key":"[redacted]","x-plan":"a","cookie":"a, b"}"#
        );
        assert!(
            rules
                .add("no header")
                .unwrap_err()
                .to_string()
                .contains("no header")
        );
    }

    #[test]
    fn no_listed_header_is_masked_for_its_name() {
        let rules = Sanitizer::default().rules;
        for name in REQUEST.iter().chain(RESPONSE) {
            let masked = rules.listed(name.as_bytes()).is_some();
            assert_eq!(masked, KNOWN_HARMLESS.contains(name), "{name}");
        }
    }
}
