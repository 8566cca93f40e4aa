//! A capture's fields, one by one, on their way into a record.

use std::net::IpAddr;

use super::added::Added;
use super::message::Message;
use super::{Sanitizer, clean};
use crate::event::{Capture, EventId, Fields, Kind, Level, Outcome, Stage, Tag, limits};

impl Sanitizer {
    /// The sanitized fields of a capture, before anything is derived from them.
    pub(crate) fn fields(&self, capture: Capture<'_>) -> Box<Fields> {
        // In its place from the start: it is large.
        let mut fields = Box::new(Fields::new(id(capture)));
        let mut explicit_success = None;
        let mut request = Message::default();
        let mut response = Message::default();
        let mut added = Added::default();
        let (mut query, mut query_cut) = (&[][..], false);
        for (tag, payload) in capture.fields() {
            let name = || some(self.text(payload, limits::NAME_BYTES));
            let text = |limit| some(self.text(payload, limit));
            let number = || Capture::number(payload).and_then(|number| i64::try_from(number).ok());
            let status = || number().and_then(|number| u16::try_from(number).ok());
            match tag {
                Tag::Id => {}
                Tag::Kind => {
                    if let Ok(kind) = Kind::custom(&clean::text(payload, limits::NAME_BYTES)) {
                        fields.kind = kind;
                    }
                }
                Tag::Category => fields.category = name(),
                Tag::Action => fields.action = name(),
                Tag::Description => fields.description = text(limits::TEXT_BYTES),
                Tag::Outcome => fields.outcome = outcome(payload),
                Tag::Success => explicit_success = Some(payload == [1]),
                Tag::Error => fields.error = text(limits::TEXT_BYTES),
                Tag::ErrorCode => fields.error_code = name(),
                Tag::Severity => fields.severity = name(),
                Tag::Component => fields.component = name(),
                Tag::StackTrace => fields.stack_trace = text(limits::STACK_TRACE_BYTES),
                Tag::Service => fields.service = name(),
                Tag::Flag => {
                    fields.flagged = true;
                    fields.flag_reason = text(limits::TEXT_BYTES);
                }
                Tag::Tags => push(&mut fields.tags, self.text(payload, limits::NAME_BYTES)),
                Tag::ParentId => fields.parent_id = event_id(payload),
                Tag::OperationId => fields.operation_id = name(),
                Tag::RequestId => fields.request_id = name(),
                Tag::TraceId => fields.trace_id = name(),
                Tag::SpanId => fields.span_id = name(),
                Tag::ActorKind => fields.actor_kind = name(),
                Tag::ActorId => fields.actor_id = name(),
                Tag::ActorName => fields.actor_name = name(),
                Tag::ActorEmail => fields.actor_email = name(),
                Tag::ActorRole => fields.actor_role = name(),
                Tag::TenantId => fields.tenant_id = name(),
                Tag::SessionId => fields.session_id = name(),
                Tag::ResourceType => fields.resource_type = name(),
                Tag::ResourceId => fields.resource_id = name(),
                Tag::ResourceName => fields.resource_name = name(),
                Tag::Method => fields.method = name(),
                Tag::Path => fields.path = self.path(payload),
                Tag::Query => query = payload,
                Tag::QueryCut => query_cut = true,
                Tag::Route => fields.route = some(clean::text(payload, limits::PATH_BYTES)),
                Tag::HttpVersion => fields.http_version = name(),
                Tag::Host => fields.host = some(self.host(payload)),
                Tag::Status => fields.status = status(),
                Tag::TtfbUs => fields.ttfb_us = number(),
                Tag::DurationUs => fields.duration_us = number(),
                Tag::RequestBytes => fields.request_bytes = number(),
                Tag::ResponseBytes => fields.response_bytes = number(),
                Tag::Level => fields.level = level(payload),
                Tag::SampleWeight => {
                    fields.sample_weight = Capture::number(payload).map_or(1.0, f64::from_bits);
                }
                Tag::RequestDigest => fields.request_digest = made_here(payload),
                Tag::ResponseDigest => fields.response_digest = made_here(payload),
                Tag::Peer => fields.peer_ip = peer(payload),
                Tag::Note => push(
                    &mut fields.capture_notes,
                    clean::text(payload, limits::NAME_BYTES),
                ),
                // Nothing but this was stored, should it ever be seen.
                Tag::Stage => push(&mut fields.capture_notes, Stage::NOTE.to_owned()),
                Tag::RequestHeaders => request.headers(payload),
                Tag::ResponseHeaders => response.headers(payload),
                Tag::ResponseTrailers => response.trailers(payload),
                // Read where the client's address is derived from it.
                Tag::Forwarded => {}
                Tag::RequestBody => request.body = Some(payload),
                Tag::ResponseBody => response.body = Some(payload),
                Tag::RequestBodyCut => request.cut = true,
                Tag::ResponseBodyCut => response.cut = true,
                Tag::RequestDecode => request.decode = size(payload),
                Tag::ResponseDecode => response.decode = size(payload),
                Tag::Detail => added.detail(payload),
                Tag::Change => added.change(payload),
            }
            if is_text(tag) {
                clean::flaws(payload)
                    .for_each(|flaw| push(&mut fields.capture_notes, flaw.to_owned()));
            }
        }
        fields.query = self.query(query, query_cut);
        self.freeze_request(&request, &mut fields);
        self.freeze_response(&response, &mut fields);
        fields.details = self.details(&added);
        fields.changes = self.changes(&added);
        if added.overflowed {
            push(&mut fields.capture_notes, "details_truncated".to_owned());
        }
        fields.success = explicit_success.unwrap_or_else(|| succeeded(&fields));
        fields
    }
}

impl Sanitizer {
    /// The host that was asked for, without userinfo in front of it.
    pub(crate) fn host(&self, payload: &[u8]) -> String {
        let host = payload
            .rsplit(|byte| *byte == b'@')
            .next()
            .unwrap_or_default();
        self.text(host, limits::NAME_BYTES)
    }
}

/// Whether it looks like a success, when nobody said so.
fn succeeded(fields: &Fields) -> bool {
    let ended_well = match fields.outcome {
        Some(outcome) => matches!(outcome, Outcome::Completed | Outcome::Upgraded),
        // Only a request has to end in some way.
        None => fields.method.is_none(),
    };
    ended_well
        && fields.error.is_none()
        && fields.status.is_none_or(|status| status < 400)
        && fields.grpc_status.is_none_or(|status| status == 0)
}

fn id(capture: Capture<'_>) -> EventId {
    capture
        .fields()
        .find(|(tag, _)| *tag == Tag::Id)
        .and_then(|(_, payload)| event_id(payload))
        .unwrap_or_else(EventId::now)
}

fn event_id(payload: &[u8]) -> Option<EventId> {
    uuid::Uuid::from_slice(payload).ok().map(EventId::from)
}

fn size(payload: &[u8]) -> Option<usize> {
    Capture::number(payload)?.try_into().ok()
}

/// A text that is no client's but our own. With a NUL it is none, and no store would take it.
fn made_here(payload: &[u8]) -> Option<String> {
    let text = str::from_utf8(payload).ok()?;
    (!text.contains('\0')).then(|| text.to_owned())
}

fn level(payload: &[u8]) -> Option<Level> {
    str::from_utf8(payload).ok()?.parse().ok()
}

fn outcome(payload: &[u8]) -> Option<Outcome> {
    std::str::from_utf8(payload).ok()?.parse().ok()
}

fn peer(payload: &[u8]) -> Option<IpAddr> {
    let address = match payload.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(payload).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(payload).ok()?),
    };
    Some(address.to_canonical())
}

/// Whether a field is text that is kept as such: where a byte is replaced, the record says so.
fn is_text(tag: Tag) -> bool {
    !matches!(
        tag,
        Tag::Id
            | Tag::ParentId
            | Tag::Success
            | Tag::Status
            | Tag::TtfbUs
            | Tag::DurationUs
            | Tag::RequestBytes
            | Tag::ResponseBytes
            | Tag::RequestHeaders
            | Tag::ResponseHeaders
            | Tag::ResponseTrailers
            | Tag::Forwarded
            | Tag::Peer
            | Tag::RequestBody
            | Tag::ResponseBody
            | Tag::RequestDecode
            | Tag::ResponseDecode
            | Tag::Detail
            | Tag::Change
            | Tag::SampleWeight
    )
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// Adds to a list that stays short and free of repetitions.
fn push(list: &mut Vec<String>, item: String) {
    if list.len() < limits::LIST_ITEMS && !item.is_empty() && !list.contains(&item) {
        list.push(item);
    }
}
