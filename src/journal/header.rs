//! What a segment says of itself before its first frame.
//!
//! | Bytes | What |
//! |---|---|
//! | 0–7 | magic |
//! | 8–9 | the format's version |
//! | 10–11 | the version's complement, so that damage does not pass for a newer version |
//! | 12–15 | length of the whole header |
//! | 16–31 | the writer's name, a UUID |
//! | 32–39 | when the segment was begun, microseconds since 1970 |
//! | 40–47 | the sequence of the first frame |
//! | … | the [table of columns](super::layout) |
//! | last 4 | crc32c of everything before |
//!
//! The first twelve bytes are the same in every version.

use uuid::Uuid;

use super::layout::{Layout, table};
use crate::Timestamp;

/// The version that is written. Every version up to it is read.
pub(super) const VERSION: u16 = 1;
/// More than any header has.
pub(super) const MAX_HEADER_BYTES: usize = 64 * 1024;

const MAGIC: [u8; 8] = [0xf5, b'T', b'A', b'J', b'\r', b'\n', 0x1a, b'\n'];
const TABLE_AT: usize = 48;
const CHECK_BYTES: usize = 4;

/// What a segment says of itself.
#[derive(Clone, Debug)]
pub(super) struct SegmentHeader {
    pub(super) writer: Uuid,
    pub(super) first_sequence: u64,
    pub(super) layout: Layout,
}

/// Why there is no header to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoHeader {
    /// The bytes end before it does: the segment was hardly begun.
    Cut,
    /// It is not what was written.
    Damaged,
    /// A newer version of the crate has written the segment.
    Newer(u16),
}

/// The bytes of a header, with today's columns.
pub(super) fn header_bytes(writer: Uuid, created_at: Timestamp, first_sequence: u64) -> Vec<u8> {
    let table = &table().bytes;
    let length = TABLE_AT + table.len() + CHECK_BYTES;
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(!VERSION).to_le_bytes());
    bytes.extend_from_slice(&(length as u32).to_le_bytes());
    bytes.extend_from_slice(writer.as_bytes());
    bytes.extend_from_slice(&created_at.as_micros().to_le_bytes());
    bytes.extend_from_slice(&first_sequence.to_le_bytes());
    bytes.extend_from_slice(table);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

impl SegmentHeader {
    /// Reads the header at the start of `bytes`, which are a segment's first
    /// [`MAX_HEADER_BYTES`], or all of it. Tells how many bytes it takes, too.
    ///
    /// # Errors
    /// If there is none that can be read.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, usize), NoHeader> {
        let is_start = bytes.iter().zip(MAGIC).all(|(byte, magic)| *byte == magic);
        if !is_start {
            return Err(NoHeader::Damaged);
        }
        let fixed: &[u8; TABLE_AT] = bytes.first_chunk().ok_or(NoHeader::Cut)?;
        let two = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
        let eight = |at: usize| fixed[at..at + 8].try_into().unwrap_or_default();
        let version = two(8);
        if two(10) != !version {
            return Err(NoHeader::Damaged);
        }
        match version {
            VERSION => {}
            0 => return Err(NoHeader::Damaged),
            newer => return Err(NoHeader::Newer(newer)),
        }
        let length = usize::from(two(12)) | usize::from(two(14)) << 16;
        if !(TABLE_AT + CHECK_BYTES..=MAX_HEADER_BYTES).contains(&length) {
            return Err(NoHeader::Damaged);
        }
        let header = bytes.get(..length).ok_or(NoHeader::Cut)?;
        let (header, check) = header
            .split_last_chunk::<CHECK_BYTES>()
            .ok_or(NoHeader::Damaged)?;
        if u32::from_le_bytes(*check) != crc32c::crc32c(header) {
            return Err(NoHeader::Damaged);
        }
        let found = Self {
            writer: Uuid::from_bytes(fixed[16..32].try_into().unwrap_or_default()),
            first_sequence: u64::from_le_bytes(eight(40)),
            layout: Layout::parse(&header[TABLE_AT..]).ok_or(NoHeader::Damaged)?,
        };
        Ok((found, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<u8> {
        header_bytes(Uuid::from_u128(7), Timestamp::from_micros(-5), 1 << 40)
    }

    fn of_version(version: u16) -> Vec<u8> {
        let mut bytes = header();
        bytes[8..10].copy_from_slice(&version.to_le_bytes());
        bytes[10..12].copy_from_slice(&(!version).to_le_bytes());
        bytes
    }

    #[test]
    fn a_header_comes_back() {
        let bytes = [header(), vec![1; 99]].concat();
        let (found, length) = SegmentHeader::parse(&bytes).unwrap();
        assert_eq!(length, bytes.len() - 99);
        assert_eq!(found.writer, Uuid::from_u128(7));
        assert_eq!(found.first_sequence, 1 << 40);
        assert_eq!(found.layout.hash, table().hash);
    }

    #[test]
    fn a_header_that_breaks_off_is_cut() {
        let bytes = header();
        for end in 0..bytes.len() {
            let found = SegmentHeader::parse(&bytes[..end]);
            assert_eq!(found.err(), Some(NoHeader::Cut));
        }
    }

    #[test]
    fn no_damage_passes_for_a_header_or_a_newer_version() {
        for at in 0..header().len() {
            for flip in 1..=255 {
                let mut bytes = header();
                bytes[at] ^= flip;
                let found = SegmentHeader::parse(&bytes).err();
                // A length that was damaged may lie behind the end.
                assert!(matches!(found, Some(NoHeader::Damaged | NoHeader::Cut)));
                assert!(found == Some(NoHeader::Damaged) || (12..16).contains(&at));
            }
        }
    }

    #[test]
    fn a_newer_version_is_told_from_damage_whatever_follows() {
        let mut bytes = of_version(VERSION + 1);
        bytes[12..].fill(0xff);
        let found = SegmentHeader::parse(&bytes).err();
        assert_eq!(found, Some(NoHeader::Newer(VERSION + 1)));
        let found = SegmentHeader::parse(&of_version(0)).err();
        assert_eq!(found, Some(NoHeader::Damaged));
    }
}
