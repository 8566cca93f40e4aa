//! Frames: the unit in which a segment is written, checked and read.
//!
//! A frame is a header of 32 bytes and a payload. All numbers are little endian:
//!
//! | Bytes | What |
//! |---|---|
//! | 0–3 | magic; its first byte never stands in UTF-8 |
//! | 4–7 | crc32c of bytes 8–31 |
//! | 8–11 | crc32c of the payload |
//! | 12–15 | length of the payload |
//! | 16–19 | crc32c of the [table of columns](super::layout) that the payload is written for |
//! | 20–27 | sequence: 1 more than that of the frame before |
//! | 28 | kind of payload: 1 is a record, others are for later |
//! | 29–31 | zero |
//!
//! The header has a check of its own so that a length is believed, and
//! memory asked for, only if it was written as it stands there.

mod reader;
#[cfg(test)]
mod tests;

pub(super) use reader::{FrameReader, Item};

/// Where a frame begins. It changes with the format's version.
pub(super) const MAGIC: [u8; 4] = [0xf5, b'T', 0xfa, b'1'];
pub(super) const HEADER_BYTES: usize = 32;
/// The largest payload: a sanitized record of all that an event may bring
/// ([`EVENT_BYTES`](crate::event::limits::EVENT_BYTES)), each byte escaped.
pub(super) const MAX_PAYLOAD_BYTES: usize = 16 * 1024 * 1024;

/// The payload is a record.
pub(super) const KIND_RECORD: u8 = 1;

/// A frame as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) kind: u8,
    pub(super) sequence: u64,
    /// Names the table of columns.
    pub(super) layout: u32,
    pub(super) payload: &'a [u8],
}

/// A frame's header whose check holds.
#[derive(Clone, Copy)]
struct Header {
    payload_crc: u32,
    length: usize,
    layout: u32,
    sequence: u64,
    kind: u8,
}

/// The payload is larger than [`MAX_PAYLOAD_BYTES`].
#[derive(Debug)]
pub(super) struct TooLarge;

/// Appends a frame whose payload `write` appends.
///
/// # Errors
/// If the payload is too large; `to` is as it was then.
pub(super) fn put(
    to: &mut Vec<u8>,
    kind: u8,
    sequence: u64,
    layout: u32,
    write: impl FnOnce(&mut Vec<u8>),
) -> Result<(), TooLarge> {
    let start = to.len();
    to.extend_from_slice(&[0; HEADER_BYTES]);
    write(to);
    let (header, payload) = to[start..].split_at_mut(HEADER_BYTES);
    if payload.len() > MAX_PAYLOAD_BYTES {
        to.truncate(start);
        return Err(TooLarge);
    }
    header[..4].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&crc32c::crc32c(payload).to_le_bytes());
    header[12..16].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    header[16..20].copy_from_slice(&layout.to_le_bytes());
    header[20..28].copy_from_slice(&sequence.to_le_bytes());
    header[28] = kind;
    let check = crc32c::crc32c(&header[8..]);
    header[4..8].copy_from_slice(&check.to_le_bytes());
    Ok(())
}

impl Header {
    /// The header at the start of `bytes`; `None` if there is none that holds.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.first_chunk::<HEADER_BYTES>()?;
        let number = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| header[at + byte]));
        let length = number(12) as usize;
        let holds = header[..4] == MAGIC
            && number(4) == crc32c::crc32c(&header[8..])
            && length <= MAX_PAYLOAD_BYTES;
        holds.then(|| Self {
            payload_crc: number(8),
            length,
            layout: number(16),
            sequence: u64::from(number(24)) << 32 | u64::from(number(20)),
            kind: header[28],
        })
    }
}
