//! Frames out of bytes that nobody vouches for.

use std::io::{self, ErrorKind, Read};

use memchr::memmem;

use super::{Frame, HEADER_BYTES, Header, MAGIC, MAX_PAYLOAD_BYTES};

/// Reads frames, and finds the next one behind bytes that are none.
///
/// It holds one frame and what was read along with it, at most a little over
/// 32 MiB for hostile bytes and 64 KiB for ordinary records. Its time is
/// linear in the bytes, whatever they are.
pub(in super::super) struct FrameReader<R> {
    source: R,
    buffer: Vec<u8>,
    /// The part of the buffer that is not consumed yet.
    start: usize,
    end: usize,
    at_end: bool,
    /// Bytes consumed so far.
    consumed: u64,
    /// Bytes of payloads that were checked in vain.
    wasted: u64,
    region: Region,
}

/// What there is next.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Item<'a> {
    /// A frame whose checks hold.
    Frame(Frame<'a>),
    /// Bytes that are no frame, before the next one or at the end.
    Damaged {
        /// How many.
        bytes: u64,
    },
    /// A frame that breaks off, or zeros, at the end: what a kill or the loss of power leaves.
    Torn {
        /// How many bytes there are of it.
        bytes: u64,
    },
}

/// Bytes that were passed over since the last frame.
#[derive(Default)]
struct Region {
    bytes: u64,
    /// It begins with the beginning of a frame, to which the rest is missing.
    is_cut: bool,
    has_other_than_zeros: bool,
}

/// What stands at the place that is looked at.
enum Look {
    Whole(Header),
    /// A payload that is not what was written, of a frame of this size.
    Wrong(usize),
    /// The beginning of a frame, and then the end of the bytes.
    Cut,
    Nothing,
}

const CHUNK_BYTES: usize = 64 * 1024;
const MAX_FRAME_BYTES: usize = HEADER_BYTES + MAX_PAYLOAD_BYTES;

impl<R: Read> FrameReader<R> {
    pub(in super::super) fn new(source: R) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            at_end: false,
            consumed: 0,
            wasted: 0,
            region: Region::default(),
        }
    }

    /// The next bytes, `count` of them or all there are, without consuming them.
    ///
    /// # Errors
    /// If the source cannot be read.
    pub(in super::super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        self.fill(count)?;
        let available = self.window();
        Ok(&available[..count.min(available.len())])
    }

    /// Passes over bytes that were peeked at.
    pub(in super::super) fn consume(&mut self, count: usize) {
        self.start += count;
        self.consumed += count as u64;
    }

    /// Bytes that lie behind, whatever they were.
    pub(in super::super) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// What there is next, or `None` at the end.
    ///
    /// # Errors
    /// If the source cannot be read.
    pub(in super::super) fn next(&mut self) -> io::Result<Option<Item<'_>>> {
        loop {
            self.fill(HEADER_BYTES)?;
            if self.window().is_empty() {
                return Ok(self.region_at_end());
            }
            match self.look()? {
                Look::Whole(_) if self.region.bytes > 0 => {
                    let bytes = std::mem::take(&mut self.region).bytes;
                    return Ok(Some(Item::Damaged { bytes }));
                }
                Look::Whole(header) => {
                    let payload = self.start + HEADER_BYTES;
                    self.consume(HEADER_BYTES + header.length);
                    return Ok(Some(Item::Frame(Frame {
                        kind: header.kind,
                        sequence: header.sequence,
                        layout: header.layout,
                        payload: &self.buffer[payload..payload + header.length],
                    })));
                }
                Look::Wrong(size) => {
                    // Another frame may begin within what should have been this
                    // one's payload, where bytes are missing. Looking for it is
                    // worth some reading twice, but not for each byte again.
                    self.wasted += size as u64;
                    let patience = 2 * (self.consumed + MAX_FRAME_BYTES as u64);
                    self.pass(if self.wasted > patience { size } else { 1 });
                }
                Look::Cut => {
                    self.region.is_cut |= self.region.bytes == 0;
                    self.pass(1);
                }
                Look::Nothing => {
                    let bytes = self.up_to_magic();
                    self.pass(bytes);
                }
            }
        }
    }

    #[cfg(test)]
    pub(super) fn wasted(&self) -> u64 {
        self.wasted
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    fn region_at_end(&mut self) -> Option<Item<'static>> {
        let region = std::mem::take(&mut self.region);
        let bytes = region.bytes;
        match region {
            Region { bytes: 0, .. } => None,
            Region { is_cut: true, .. } => Some(Item::Torn { bytes }),
            Region {
                has_other_than_zeros: false,
                ..
            } => Some(Item::Torn { bytes }),
            _ => Some(Item::Damaged { bytes }),
        }
    }

    /// Says what stands at the start of the window, which has a header's bytes unless the source has ended.
    fn look(&mut self) -> io::Result<Look> {
        let window = self.window();
        if window.len() < HEADER_BYTES {
            let is_start = window.iter().zip(MAGIC).all(|(byte, magic)| *byte == magic);
            return Ok(if is_start { Look::Cut } else { Look::Nothing });
        }
        let Some(header) = Header::parse(window) else {
            return Ok(Look::Nothing);
        };
        let size = HEADER_BYTES + header.length;
        self.fill(size)?;
        Ok(match self.window().get(HEADER_BYTES..size) {
            None => Look::Cut,
            Some(payload) if crc32c::crc32c(payload) == header.payload_crc => Look::Whole(header),
            Some(_) => Look::Wrong(size),
        })
    }

    /// How many bytes to pass over so that a magic, or what may become one, stands first.
    fn up_to_magic(&self) -> usize {
        let behind = &self.window()[1..];
        let next = memmem::find(behind, &MAGIC);
        // The window's end may cut a magic in two.
        1 + next.unwrap_or_else(|| behind.len().saturating_sub(MAGIC.len() - 1))
    }

    fn pass(&mut self, count: usize) {
        self.region.bytes += count as u64;
        self.region.has_other_than_zeros |= self.window()[..count].iter().any(|byte| *byte != 0);
        self.consume(count);
    }

    fn window(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Reads until the window has `count` bytes or the source has ended.
    fn fill(&mut self, count: usize) -> io::Result<()> {
        while self.end - self.start < count && !self.at_end {
            // Moving costs no more than what was consumed since the last time.
            if self.start >= self.end - self.start {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            if self.end == self.buffer.len() {
                // Grows by what really came, not by what some length says.
                let grown = (2 * self.end).max(CHUNK_BYTES);
                self.buffer.resize(grown.min(self.end + MAX_FRAME_BYTES), 0);
            }
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
