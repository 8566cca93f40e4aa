//! What is left of a frame where there is little room for it.

use std::borrow::Cow;

use super::frame::LENGTH_BYTES;
use super::{Capture, Tag};

/// What a record says that has lost its bodies.
pub(crate) const NOTE: &str = "bodies_left_out";

/// No [`core`] is larger.
pub(crate) const CORE_BYTES: usize = 8 * 1024;

/// The fields that tell who did what, and how it ended: each a short name or a
/// number, save for path and route.
const CORE: [Tag; 34] = [
    Tag::Id,
    Tag::Kind,
    Tag::Category,
    Tag::Action,
    Tag::Outcome,
    Tag::Success,
    Tag::ErrorCode,
    Tag::ParentId,
    Tag::OperationId,
    Tag::RequestId,
    Tag::TraceId,
    Tag::SpanId,
    Tag::ActorKind,
    Tag::ActorId,
    Tag::ActorName,
    Tag::ActorEmail,
    Tag::ActorRole,
    Tag::TenantId,
    Tag::SessionId,
    Tag::ResourceType,
    Tag::ResourceId,
    Tag::ResourceName,
    Tag::Method,
    Tag::Path,
    Tag::Route,
    Tag::HttpVersion,
    Tag::Status,
    Tag::TtfbUs,
    Tag::DurationUs,
    Tag::RequestBytes,
    Tag::ResponseBytes,
    Tag::Level,
    Tag::Peer,
    Tag::SampleWeight,
];

/// The frame without its bodies, if it has any; a note tells of it.
pub(crate) fn without_bodies(frame: &[u8]) -> Cow<'_, [u8]> {
    let fields = || Capture::new(frame).fields();
    if !fields().any(|(tag, _)| matches!(tag, Tag::RequestBody | Tag::ResponseBody)) {
        return frame.into();
    }
    let mut rest = Vec::with_capacity(1024);
    for (tag, payload) in fields() {
        match tag {
            Tag::RequestBody => add(&mut rest, Tag::RequestBodyCut, &[]),
            Tag::ResponseBody => add(&mut rest, Tag::ResponseBodyCut, &[]),
            Tag::RequestDecode | Tag::ResponseDecode => {}
            _ => add(&mut rest, tag, payload),
        }
    }
    add(&mut rest, Tag::Note, NOTE.as_bytes());
    rest.into()
}

/// The frame's [`CORE`] alone, with a note, in at most [`CORE_BYTES`].
pub(crate) fn core(frame: &[u8]) -> Vec<u8> {
    // Of fields that are single, the last one counts.
    let mut last = [None; Tag::ALL.len()];
    for (tag, payload) in Capture::new(frame).fields() {
        last[tag as usize] = Some(payload);
    }
    let note = b"details_left_out";
    let mut core = Vec::with_capacity(1024);
    for tag in CORE {
        if let Some(payload) = last[tag as usize]
            && core.len() + 2 * (1 + LENGTH_BYTES) + payload.len() + note.len() <= CORE_BYTES
        {
            add(&mut core, tag, payload);
        }
    }
    add(&mut core, Tag::Note, note);
    core
}

fn add(frame: &mut Vec<u8>, tag: Tag, payload: &[u8]) {
    frame.push(tag as u8);
    frame.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    frame.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Frame, limits};
    use super::*;

    fn fields(frame: &[u8]) -> Vec<(Tag, &[u8])> {
        Capture::new(frame).fields().collect()
    }

    #[test]
    fn bodies_are_left_out_and_all_else_stays() {
        let mut frame = Frame::default();
        frame.name(Tag::Method, "PUT");
        frame.number(Tag::RequestDecode, 7);
        frame.bytes(Tag::RequestBody, b"secret");
        frame.bytes(Tag::ResponseBody, b"secret");
        frame.note("other");
        let expected = [
            (Tag::Method, &b"PUT"[..]),
            (Tag::RequestBodyCut, b""),
            (Tag::ResponseBodyCut, b""),
            (Tag::Note, b"other"),
            (Tag::Note, b"bodies_left_out"),
        ];
        assert_eq!(fields(&without_bodies(frame.as_bytes())), expected);
    }

    #[test]
    fn a_frame_without_bodies_stays_as_it_is() {
        let mut frame = Frame::default();
        frame.name(Tag::Method, "GET");
        assert!(matches!(without_bodies(frame.as_bytes()), Cow::Borrowed(_)));
        assert!(matches!(without_bodies(b"\xffno frame"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_core_holds_every_field_at_its_longest() {
        let mut frame = Frame::default();
        let long = "x".repeat(limits::EVENT_BYTES / 64);
        for tag in CORE {
            let limit = match tag {
                Tag::Path | Tag::Route => limits::PATH_BYTES,
                Tag::Id | Tag::ParentId | Tag::Peer => 16,
                Tag::Success => 1,
                Tag::Status | Tag::TtfbUs | Tag::DurationUs | Tag::RequestBytes => 8,
                Tag::ResponseBytes | Tag::SampleWeight => 8,
                _ => limits::NAME_BYTES,
            };
            frame.name(tag, "earlier");
            frame.text(Tag::Detail, &long, long.len());
            frame.bytes(tag, &long.as_bytes()[..limit]);
        }
        let core = core(frame.as_bytes());
        let tags: Vec<_> = fields(&core).into_iter().map(|(tag, _)| tag).collect();
        assert_eq!(tags, [&CORE[..], &[Tag::Note]].concat());
        assert!(
            fields(&core)
                .iter()
                .all(|(_, payload)| payload != b"earlier")
        );
    }

    proptest! {
        #[test]
        fn whatever_the_frame_a_core_keeps_to_its_size(
            sizes in prop::collection::vec((0..Tag::ALL.len(), 0..20_000_usize), 0..60),
        ) {
            let mut frame = Frame::default();
            for (tag, size) in sizes {
                frame.bytes(Tag::ALL[tag], &vec![b'x'; size]);
            }
            prop_assert!(core(frame.as_bytes()).len() <= CORE_BYTES);
            prop_assert!(core(&frame.as_bytes()[frame.as_bytes().len() / 2..]).len() <= CORE_BYTES);
        }
    }
}
