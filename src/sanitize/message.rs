//! One side of an exchange, request or response: its fields come in any
//! order and are judged together.

use super::body::{Body, Kept};
use super::headers::{self, HeaderRules};
use super::media::is_identity;
use super::rules::Rules;
use super::{Sanitizer, clean, form, text};
use crate::Level;
use crate::event::{Capture, Fields, Json, limits};

/// What was captured of a request or a response.
#[derive(Default)]
pub(super) struct Message<'a> {
    headers: Vec<(&'a [u8], &'a [u8])>,
    grpc_status: Option<&'a [u8]>,
    pub(super) body: Option<&'a [u8]>,
    pub(super) cut: bool,
    /// Up to how many bytes the body is to be decoded.
    pub(super) decode: Option<usize>,
}

impl<'a> Message<'a> {
    pub(super) fn headers(&mut self, payload: &'a [u8]) {
        self.headers.extend(Capture::headers(payload));
    }

    /// Of trailers only the status of a gRPC call is kept.
    pub(super) fn trailers(&mut self, payload: &'a [u8]) {
        let status = Capture::headers(payload).find(|(name, _)| *name == b"grpc-status");
        self.grpc_status = status.map(|(_, value)| value);
    }

    /// The status of a gRPC call: from the trailers, or from the headers of an answer without a body.
    fn grpc_status(&self) -> Option<u16> {
        let value = self
            .grpc_status
            .or_else(|| self.values("grpc-status").last())?;
        let status = std::str::from_utf8(value).ok()?.parse().ok()?;
        // Known ones go up to 16; whatever is longer than a status of HTTP is none.
        (status < 1000).then_some(status)
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| *value)
    }

    fn freeze(&self, rules: &Rules, listed: &HeaderRules, size: Option<i64>) -> Frozen {
        // Of two that differ, nobody knows which one the other side followed.
        let content_type = self.values("content-type").next();
        let in_doubt = self
            .values("content-type")
            .any(|other| Some(other) != content_type);
        let mut codings = self
            .values("content-encoding")
            .filter(|coding| !is_identity(coding));
        let content_encoding = codings.next().map(<[u8]>::trim_ascii);
        let body = Body {
            content_type: content_type.filter(|_| !in_doubt),
            content_encoding,
            captured: self.body,
            cut: self.cut,
            decode: self.decode.filter(|_| codings.next().is_none()),
            size: size.and_then(|size| u64::try_from(size).ok()),
        };
        let content_type = content_type.map(|value| {
            let value = clean::text(value, limits::HEADER_VALUE_BYTES);
            let value = text::net(rules, &value).unwrap_or(value);
            limits::cut(&value, limits::NAME_BYTES).to_owned()
        });
        Frozen {
            content_type: content_type.filter(|value| !value.is_empty()),
            headers: listed.sanitize(rules, &self.headers),
            body: body.sanitize(rules),
        }
    }
}

struct Frozen {
    content_type: Option<String>,
    headers: Option<Json>,
    body: Option<Kept>,
}

impl Sanitizer {
    pub(super) fn freeze_request(&self, request: &Message<'_>, fields: &mut Fields) {
        let rules = &*self.rules;
        let frozen = request.freeze(rules, &rules.request_headers, fields.request_bytes);
        fields.request_content_type = frozen.content_type;
        fields.request_headers = frozen.headers;
        fields.request_truncated = request.cut;
        if let Some(body) = frozen.body.filter(|_| covers(fields, Level::Request)) {
            fields.request_body = Some(body.text);
            fields.request_encoding = body.encoding;
            fields.request_truncated |= body.cut;
        }
        for name in request
            .values("cookie")
            .flat_map(|value| headers::cookie_names(rules, value))
        {
            if fields.cookies.len() < limits::LIST_ITEMS && !fields.cookies.contains(&name) {
                fields.cookies.push(name);
            }
        }
    }

    pub(super) fn freeze_response(&self, response: &Message<'_>, fields: &mut Fields) {
        let rules = &*self.rules;
        let frozen = response.freeze(rules, &rules.response_headers, fields.response_bytes);
        fields.response_content_type = frozen.content_type;
        fields.response_headers = frozen.headers;
        fields.response_truncated = response.cut;
        fields.grpc_status = response.grpc_status();
        if let Some(body) = frozen.body.filter(|_| covers(fields, Level::Full)) {
            fields.response_body = Some(body.text);
            fields.response_encoding = body.encoding;
            fields.response_truncated |= body.cut;
        }
    }

    /// The query, without its question mark; `cut` if there was more of it.
    pub(super) fn query(&self, query: &[u8], cut: bool) -> Option<String> {
        let query = clean::text(query, query.len().saturating_mul(3));
        let sanitized = form::sanitize(&self.rules, &query, cut);
        let kept = limits::cut(&sanitized, limits::QUERY_BYTES);
        (!kept.is_empty()).then(|| kept.to_owned())
    }

    /// A path, of which any part may be a token or a pair, percent-encoded or not.
    pub(super) fn path(&self, path: &[u8]) -> Option<String> {
        let path = clean::text(path, path.len().saturating_mul(3));
        let path = text::encoded_value(&self.rules, &path, false).unwrap_or(path);
        let kept = limits::cut(&path, limits::PATH_BYTES);
        (!kept.is_empty()).then(|| kept.to_owned())
    }
}

/// Whether the level of a capture, if it has one, includes a body.
fn covers(fields: &Fields, body: Level) -> bool {
    fields.level.is_none_or(|level| level >= body)
}
