//! What is derived from a capture, on the writer's thread.

mod client_ip;
mod trace_context;

use std::net::IpAddr;

pub(super) use client_ip::ClientIp;

use crate::event::{Capture, Fields, Kind, Tag, limits};
use crate::sanitize::Sanitizer;

/// Derives columns from what the sanitizer has left out: header lines.
#[derive(Clone, Debug)]
pub(super) struct Enricher {
    client_ip: ClientIp,
}

impl Enricher {
    pub(super) fn new(client_ip: ClientIp) -> Self {
        Self { client_ip }
    }

    pub(super) fn enrich(&self, sanitizer: &Sanitizer, capture: Capture<'_>, fields: &mut Fields) {
        if fields.kind == Kind::Gap || fields.method.is_none() {
            return;
        }
        let headers: Vec<_> = request_headers(capture).collect();
        self.find_client(sanitizer, capture, &headers, fields);
        let header = |name: &[u8]| lines(&headers, name).last();
        if let Some(value) = header(b"user-agent") {
            fields.user_agent = Some(sanitizer.text(value, limits::USER_AGENT_BYTES));
        }
        if fields.host.is_none() {
            fields.host = header(b"host").map(|value| sanitizer.host(value));
        }
        if let Some(context) = header(b"traceparent").and_then(trace_context::parse) {
            fields
                .trace_id
                .get_or_insert_with(|| context.trace_id.to_owned());
            fields
                .span_id
                .get_or_insert_with(|| context.span_id.to_owned());
        }
        if fields.request_id.is_none() {
            let given = header(b"x-request-id").filter(|value| is_request_id(value));
            fields.request_id = Some(match given {
                Some(value) => sanitizer.text(value, limits::NAME_BYTES),
                None => fields.id.to_string(),
            });
        }
    }

    fn find_client(
        &self,
        sanitizer: &Sanitizer,
        capture: Capture<'_>,
        headers: &[Header<'_>],
        fields: &mut Fields,
    ) {
        let lines = self.forwarded_lines(capture, headers);
        if !lines.is_empty() {
            fields.forwarded = Some(sanitizer.text(&lines.join(&b", "[..]), limits::TEXT_BYTES));
        }
        let Some(peer) = fields.peer_ip else { return };
        let found = self.client_ip.find(peer, &lines);
        fields.client_ip = Some(found.address);
        if found.malformed {
            fields.capture_notes.push("forwarded_malformed".to_owned());
        }
    }

    /// The lines that tell the client's address, in the order in which they
    /// were sent: from the header lines if all were kept, otherwise from their end, kept apart.
    fn forwarded_lines<'a>(&self, capture: Capture<'a>, headers: &[Header<'a>]) -> Vec<&'a [u8]> {
        let apart = capture.fields().filter(|(tag, _)| *tag == Tag::Forwarded);
        let mut lines: Vec<&[u8]> = apart.map(|(_, line)| line).collect();
        if lines.is_empty() {
            let name = self.client_ip.header_name().as_str().as_bytes();
            return self::lines(headers, name).collect();
        }
        lines.reverse();
        lines
    }
}

/// What the walk along the proxies has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    address: IpAddr,
    /// The walk met a hop that it could not read.
    malformed: bool,
}

/// A header's name and value.
type Header<'a> = (&'a [u8], &'a [u8]);

fn request_headers(capture: Capture<'_>) -> impl Iterator<Item = Header<'_>> {
    capture
        .fields()
        .filter(|(tag, _)| *tag == Tag::RequestHeaders)
        .flat_map(|(_, payload)| Capture::headers(payload))
}

/// The values of a header, in the order in which they were sent.
fn lines<'a>(headers: &[Header<'a>], name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    headers
        .iter()
        .filter(move |(header, _)| *header == name)
        .map(|(_, value)| *value)
}

/// Whether a request id from outside is one: short, and of visible ASCII.
fn is_request_id(value: &[u8]) -> bool {
    (1..=128).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic)
}
