//! Raw data on its way to the writer, as bytes.
//!
//! A [`Frame`] is a sequence of fields, each a [tag](Tag), a length and a
//! payload. It is filled on the request's own thread, copied once into the
//! queue, and read on the writer's thread as a [`Capture`](super::Capture),
//! which only the sanitizer turns into something that can be stored. Frames never leave the process,
//! so the format has no version.

use std::cell::RefCell;
use std::fmt;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName};

use super::{Actor, EventId, Resource, Stage, Tag, limits};

/// Raw data of one event, as bytes. Prints nothing and serializes to nothing.
#[derive(Clone, Default)]
pub(crate) struct Frame {
    /// Written up to `len`; what lies behind is of no meaning.
    buffer: Vec<u8>,
    len: usize,
    /// What other frames have brought.
    added: usize,
    full: bool,
}

/// Room for the head of an ordinary request and a little more.
const SPARE_BYTES: usize = 4096;
/// Requests that one thread serves at the same time, more or less.
const SPARE_COUNT: usize = 32;
/// The length of a field, behind its tag.
pub(super) const LENGTH_BYTES: usize = 4;
/// The lengths of a header's name and value, before both.
pub(super) const LINE_BYTES: usize = 3;
/// The longest name of a header that the byte for its length can tell.
const MAX_HEADER_NAME: usize = u8::MAX as usize;

thread_local! {
    static SPARES: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

impl Frame {
    /// An empty frame in a buffer that an earlier frame of this thread has left.
    pub(crate) fn reusing() -> Self {
        let spare = SPARES.try_with(|spares| spares.borrow_mut().pop());
        Self {
            buffer: spare.ok().flatten().unwrap_or_else(|| vec![0; SPARE_BYTES]),
            ..Self::default()
        }
    }

    /// Leaves the buffer to the next frame of this thread.
    #[inline] // without moving all of the frame
    pub(crate) fn reuse(self) {
        if self.buffer.len() != SPARE_BYTES {
            return;
        }
        // A thread that is being torn down has no spares any more.
        let _ = SPARES.try_with(|spares| {
            let mut spares = spares.borrow_mut();
            if spares.len() < SPARE_COUNT {
                spares.push(self.buffer);
            }
        });
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    /// Adds the fields of another frame; all of them or, past
    /// [`limits::ADDED_BYTES`] in all, none.
    pub(crate) fn append(&mut self, other: &Self) {
        if self.added + other.len > limits::ADDED_BYTES {
            self.overflow();
        } else {
            self.added += other.len;
            self.room(other.len).copy_from_slice(other.as_bytes());
        }
    }

    #[inline]
    pub(crate) fn bytes(&mut self, tag: Tag, payload: &[u8]) {
        if let Some(room) = self.open(tag, payload.len()) {
            room.copy_from_slice(payload);
        }
    }

    pub(crate) fn number(&mut self, tag: Tag, number: u64) {
        self.bytes(tag, &number.to_le_bytes());
    }

    pub(crate) fn id(&mut self, tag: Tag, id: EventId) {
        self.bytes(tag, id.as_uuid().as_bytes());
    }

    pub(crate) fn mark(&mut self, tag: Tag) {
        self.bytes(tag, &[]);
    }

    /// Makes a provisional record of an event of it.
    pub(crate) fn stage(&mut self, stage: Stage) {
        self.bytes(Tag::Stage, &[stage as u8]);
    }

    pub(crate) fn note(&mut self, note: &'static str) {
        self.bytes(Tag::Note, note.as_bytes());
    }

    /// Adds a text of at most `limit` bytes; the rest is left behind, with a note.
    #[inline]
    pub(crate) fn text(&mut self, tag: Tag, text: &str, limit: usize) {
        if text.len() <= limit {
            self.bytes(tag, text.as_bytes());
        } else {
            self.bytes(tag, limits::cut(text, limit).as_bytes());
            self.note("text_truncated");
        }
    }

    pub(crate) fn name(&mut self, tag: Tag, name: &str) {
        self.text(tag, name, limits::NAME_BYTES);
    }

    pub(crate) fn peer(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(v4) => self.bytes(Tag::Peer, &v4.octets()),
            IpAddr::V6(v6) => self.bytes(Tag::Peer, &v6.octets()),
        }
    }

    /// Adds header lines, as many as the [limits] allow. Says whether these were all, and whole.
    pub(crate) fn headers(&mut self, tag: Tag, headers: &HeaderMap) -> bool {
        if headers.is_empty() {
            return true;
        }
        if self.len + limits::HEADERS_BYTES > limits::EVENT_BYTES {
            self.overflow();
            return false;
        }
        self.mark(tag);
        let start = self.len;
        let mut room = limits::HEADERS_BYTES;
        let mut note = None;
        for (line, (name, value)) in headers.iter().enumerate() {
            let (name, mut value) = (name.as_str().as_bytes(), value.as_bytes());
            if value.len() > limits::HEADER_VALUE_BYTES {
                value = &value[..limits::HEADER_VALUE_BYTES];
                note = Some("header_value_truncated");
            }
            let length = LINE_BYTES + name.len() + value.len();
            if line == limits::HEADER_LINES || length > room {
                note = Some("headers_truncated");
                break;
            }
            if name.len() > MAX_HEADER_NAME {
                note = Some("headers_truncated");
                continue;
            }
            room -= length;
            let [low, high] = (value.len() as u16).to_le_bytes();
            let (lengths, texts) = self.room(length).split_at_mut(LINE_BYTES);
            lengths.copy_from_slice(&[name.len() as u8, low, high]);
            let (to_name, to_value) = texts.split_at_mut(name.len());
            to_name.copy_from_slice(name);
            to_value.copy_from_slice(value);
        }
        let length = (self.len - start) as u32;
        self.buffer[start - LENGTH_BYTES..start].copy_from_slice(&length.to_le_bytes());
        if let Some(note) = note {
            self.note(note);
        }
        note.is_none()
    }

    /// Adds the end of a chain of addresses: its end is what proxies wrote,
    /// so whatever a client puts before it cannot push it out.
    pub(crate) fn forwarded(&mut self, headers: &HeaderMap, name: &HeaderName) {
        let mut room = limits::TEXT_BYTES;
        for value in headers.get_all(name).iter().rev() {
            let line = value.as_bytes();
            if line.len() > room {
                let tail = &line[line.len() - room..];
                // The hop that the cut goes through cannot be read any more.
                let whole = tail
                    .iter()
                    .position(|byte| *byte == b',')
                    .map_or(&[][..], |comma| &tail[comma..]);
                self.parts(Tag::Forwarded, &[b"...", whole]);
                return;
            }
            room -= line.len();
            self.bytes(Tag::Forwarded, line);
        }
    }

    pub(crate) fn actor(&mut self, actor: &Actor) {
        let fields = [
            (Tag::ActorKind, &actor.kind),
            (Tag::ActorId, &actor.id),
            (Tag::ActorName, &actor.name),
            (Tag::ActorEmail, &actor.email),
            (Tag::ActorRole, &actor.role),
        ];
        for (tag, field) in fields {
            if let Some(text) = field {
                self.name(tag, text);
            } else {
                // A later actor replaces an earlier one wholly.
                self.mark(tag);
            }
        }
    }

    pub(crate) fn resource(&mut self, resource: &Resource) {
        self.name(Tag::ResourceType, &resource.kind);
        self.name(Tag::ResourceId, &resource.id);
        self.name(
            Tag::ResourceName,
            resource.name.as_deref().unwrap_or_default(),
        );
    }

    /// Adds a named value. What cannot be written as JSON, or is too large, leaves a note.
    pub(crate) fn detail(&mut self, name: &str, value: &impl serde::Serialize) {
        let name = limits::cut(name, usize::from(u8::MAX));
        match serde_json::to_vec(value) {
            Ok(json) if json.len() <= limits::DETAIL_BYTES => {
                self.parts(Tag::Detail, &[&[name.len() as u8], name.as_bytes(), &json]);
            }
            Ok(_) => self.note("detail_too_large"),
            Err(_) => self.note("detail_not_serializable"),
        }
    }

    fn parts(&mut self, tag: Tag, parts: &[&[u8]]) {
        let length = parts.iter().map(|part| part.len()).sum();
        if let Some(mut room) = self.open(tag, length) {
            for part in parts {
                let (to_part, rest) = room.split_at_mut(part.len());
                to_part.copy_from_slice(part);
                room = rest;
            }
        }
    }

    /// Writes a field's tag and length, and gives the room for its payload,
    /// unless the frame would become too large.
    #[inline]
    fn open(&mut self, tag: Tag, length: usize) -> Option<&mut [u8]> {
        if self.len + length > limits::EVENT_BYTES {
            self.overflow();
            return None;
        }
        let (head, payload) = self
            .room(1 + LENGTH_BYTES + length)
            .split_at_mut(1 + LENGTH_BYTES);
        let [a, b, c, d] = (length as u32).to_le_bytes();
        head.copy_from_slice(&[tag as u8, a, b, c, d]);
        Some(payload)
    }

    /// The next bytes of the frame, to be written.
    #[inline]
    fn room(&mut self, length: usize) -> &mut [u8] {
        let start = self.len;
        self.len += length;
        if self.len > self.buffer.len() {
            self.grow();
        }
        &mut self.buffer[start..self.len]
    }

    #[cold]
    fn grow(&mut self) {
        let size = self.len.max(2 * self.buffer.len()).max(256);
        self.buffer.resize(size, 0);
    }

    #[cold]
    fn overflow(&mut self) {
        if !self.full {
            self.full = true;
            let note = b"event_truncated";
            let room = self.room(1 + LENGTH_BYTES + note.len());
            room[0] = Tag::Note as u8;
            room[1..=LENGTH_BYTES].copy_from_slice(&(note.len() as u32).to_le_bytes());
            room[1 + LENGTH_BYTES..].copy_from_slice(note);
        }
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Capture;
    use super::*;

    #[test]
    fn a_frame_never_grows_past_its_limit_and_says_so() {
        let mut frame = Frame::default();
        let large = vec![b'x'; limits::EVENT_BYTES / 3];
        for _ in 0..5 {
            frame.bytes(Tag::RequestBody, &large);
        }
        assert!(frame.as_bytes().len() < limits::EVENT_BYTES + 64);
        let fields: Vec<_> = Capture::new(frame.as_bytes()).fields().collect();
        assert_eq!(
            fields.iter().filter(|(tag, _)| *tag == Tag::Note).count(),
            1
        );
    }

    proptest! {
        #[test]
        fn fields_come_out_as_they_went_in(payloads in prop::collection::vec((0..Tag::ALL.len(), prop::collection::vec(any::<u8>(), 0..100)), 0..20)) {
            let mut frame = Frame::default();
            for (tag, payload) in &payloads {
                frame.bytes(Tag::ALL[*tag], payload);
            }
            let fields: Vec<_> = Capture::new(frame.as_bytes())
                .fields()
                .map(|(tag, payload)| (tag as usize, payload.to_vec()))
                .collect();
            prop_assert_eq!(fields, payloads);
        }

        #[test]
        fn any_bytes_can_be_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for (_, payload) in Capture::new(&bytes).fields() {
                let _ = (Capture::named(payload), Capture::number(payload));
                Capture::headers(payload).for_each(drop);
            }
        }
    }
}
