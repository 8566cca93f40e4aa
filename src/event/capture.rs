//! Raw data as the writer reads it.

use std::fmt;

use uuid::Uuid;

use super::frame::{LENGTH_BYTES, LINE_BYTES};
use super::{EventId, Stage, Tag};

/// A frame as the writer reads it: raw, borrowed, and still not for any sink.
#[derive(Clone, Copy)]
pub(crate) struct Capture<'a> {
    bytes: &'a [u8],
}

impl<'a> Capture<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The fields in the order in which they were added.
    pub(crate) fn fields(self) -> impl Iterator<Item = (Tag, &'a [u8])> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            let (&tag, after) = rest.split_first()?;
            let (length, after) = after.split_first_chunk::<LENGTH_BYTES>()?;
            let (payload, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = after;
            Some((*Tag::ALL.get(usize::from(tag))?, payload))
        })
    }

    /// What it is a provisional record of, if it is no event itself.
    pub(crate) fn stage(self) -> Option<Stage> {
        // Written last.
        let (tag, payload) = self.fields().last()?;
        match (tag, payload) {
            (Tag::Stage, [byte]) if *byte == Stage::Dismissed as u8 => Some(Stage::Dismissed),
            (Tag::Stage, _) => Some(Stage::Begun),
            _ => None,
        }
    }

    /// The event's id.
    pub(crate) fn id(self) -> Option<EventId> {
        let (_, id) = self.fields().find(|(tag, _)| *tag == Tag::Id)?;
        Some(Uuid::from_slice(id).ok()?.into())
    }

    /// The names and values in the payload of headers or trailers.
    pub(crate) fn headers(payload: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut rest = payload;
        std::iter::from_fn(move || {
            let (&[name, low, high], after) = rest.split_first_chunk::<LINE_BYTES>()?;
            let (name, after) = after.split_at_checked(usize::from(name))?;
            let (value, after) = after.split_at_checked(u16::from_le_bytes([low, high]).into())?;
            rest = after;
            Some((name, value))
        })
    }

    /// Splits the payload of a detail into its name and its value.
    pub(crate) fn named(payload: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let (&length, rest) = payload.split_first()?;
        rest.split_at_checked(usize::from(length))
    }

    pub(crate) fn number(payload: &[u8]) -> Option<u64> {
        Some(u64::from_le_bytes(payload.try_into().ok()?))
    }
}

impl fmt::Debug for Capture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").finish_non_exhaustive()
    }
}
