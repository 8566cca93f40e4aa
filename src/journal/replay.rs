//! One segment read back: its records, and what is wrong with it.

use std::fs::File;
use std::io;
use std::path::Path;

use super::codec;
use super::frame::{Frame, FrameReader, Item, KIND_RECORD};
use super::header::{MAX_HEADER_BYTES, NoHeader, SegmentHeader};
use super::layout::Layout;
use super::os;
use crate::Record;

/// What was found in place of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Damage {
    /// Records that are lost, as far as known: the frames around a damaged
    /// place tell how many there were between, and one at the end counts for one.
    pub(crate) records: u64,
    /// Bytes that are no frames.
    pub(crate) bytes: u64,
    /// Bytes of frames that were not finished when their process ended.
    pub(crate) torn_bytes: u64,
    /// Frames of kinds that this version does not know, and does not need.
    pub(crate) skipped_frames: u64,
}

impl Damage {
    /// Whether the file is to be kept for somebody to look at.
    pub(super) fn is_serious(&self) -> bool {
        self.records > 0 || self.bytes > 0
    }

    pub(super) fn add(&mut self, other: Self) {
        self.records += other.records;
        self.bytes += other.bytes;
        self.torn_bytes += other.torn_bytes;
        self.skipped_frames += other.skipped_frames;
    }
}

/// The tables of columns that are known without a header that tells them.
pub(super) struct Layouts(Vec<Layout>);

/// More than a segment has frames. A sequence that is further off than that
/// was never written in it, and tells nothing but that something is wrong.
const MAX_LOST: u64 = 1 << 20;

/// Versions of the crate whose segments lie beside each other, at most.
const MAX_LAYOUTS: usize = 4;

/// Reads one segment.
pub(super) struct SegmentReader<R> {
    frames: FrameReader<R>,
    layout: Option<Layout>,
    /// The sequence of the frame that comes next, if none is lost.
    expected: Option<u64>,
    damage: Damage,
    /// Nothing but damage was seen since the last frame.
    is_open: bool,
    /// The header breaks off, and no frame was seen yet.
    is_hardly_begun: bool,
}

/// A record and its place.
pub(super) struct Replayed {
    pub(super) record: Record,
    pub(super) sequence: u64,
    pub(super) bytes: usize,
}

impl Layouts {
    pub(super) fn new() -> Self {
        Self(vec![Layout::current()])
    }

    fn learn(&mut self, layout: &Layout) {
        if self.named(layout.hash).is_none() {
            if self.0.len() == MAX_LAYOUTS {
                self.0.remove(1);
            }
            self.0.push(layout.clone());
        }
    }

    fn named(&self, hash: u32) -> Option<&Layout> {
        self.0.iter().find(|layout| layout.hash == hash)
    }
}

/// Reads the header of a segment.
///
/// # Errors
/// If the file cannot be read; within, why there is no header.
pub(super) fn peek_header(path: &Path) -> io::Result<Result<SegmentHeader, NoHeader>> {
    let mut frames = FrameReader::new(os::open_file(path)?);
    let header = SegmentHeader::parse(frames.peek(MAX_HEADER_BYTES)?);
    Ok(header.map(|(header, _)| header))
}

impl SegmentReader<File> {
    pub(super) fn open(path: &Path, layouts: &mut Layouts) -> io::Result<Self> {
        Self::new(os::open_file(path)?, layouts)
    }
}

impl<R: io::Read> SegmentReader<R> {
    /// Reads a segment's header. Where it is damaged, the frames still tell
    /// which table they are for, and are read if that is a known one.
    pub(super) fn new(source: R, layouts: &mut Layouts) -> io::Result<Self> {
        let mut frames = FrameReader::new(source);
        let header = SegmentHeader::parse(frames.peek(MAX_HEADER_BYTES)?);
        let mut reader = Self {
            frames,
            layout: None,
            expected: None,
            damage: Damage::default(),
            is_open: false,
            is_hardly_begun: matches!(header, Err(NoHeader::Cut)),
        };
        if let Ok((header, length)) = header {
            layouts.learn(&header.layout);
            reader.frames.consume(length);
            reader.expected = Some(header.first_sequence);
            reader.layout = Some(header.layout);
        }
        Ok(reader)
    }

    /// The next record, or `None` at the end.
    ///
    /// # Errors
    /// If the file cannot be read any further. What is left of it counts as damaged.
    pub(super) fn next(&mut self, layouts: &Layouts) -> io::Result<Option<Replayed>> {
        while let Some(item) = self.frames.next()? {
            match item {
                Item::Damaged { bytes } => {
                    self.damage.bytes += bytes;
                    self.is_open = true;
                }
                Item::Torn { bytes } => self.damage.torn_bytes += bytes,
                Item::Frame(frame) => {
                    self.is_open = false;
                    self.is_hardly_begun = false;
                    self.damage.records += self
                        .expected
                        .map_or(0, |next| lost_between(next, frame.sequence));
                    self.expected = Some(frame.sequence.saturating_add(1));
                    if frame.kind != KIND_RECORD {
                        self.damage.skipped_frames += 1;
                        continue;
                    }
                    match read(frame, self.layout.as_ref(), layouts) {
                        Some(replayed) => return Ok(Some(replayed)),
                        None => self.damage.records += 1,
                    }
                }
            }
        }
        if self.is_hardly_begun {
            self.damage.torn_bytes += std::mem::take(&mut self.damage.bytes);
        } else if std::mem::take(&mut self.is_open) {
            self.damage.records += 1;
        }
        Ok(None)
    }

    /// What was found since the last time.
    pub(super) fn take_damage(&mut self) -> Damage {
        std::mem::take(&mut self.damage)
    }

    /// Bytes of the segment that were read.
    pub(super) fn consumed(&self) -> u64 {
        self.frames.consumed()
    }
}

/// How many frames are missing before one with this sequence.
fn lost_between(expected: u64, sequence: u64) -> u64 {
    match sequence.saturating_sub(expected) {
        lost if lost > MAX_LOST => 1,
        lost => lost,
    }
}

/// The frame's record, if there is a table that it is for.
fn read(frame: Frame<'_>, own: Option<&Layout>, others: &Layouts) -> Option<Replayed> {
    let own = own.filter(|layout| layout.hash == frame.layout);
    let layout = own.or_else(|| others.named(frame.layout))?;
    let record = codec::decode(layout, frame.payload).ok()?;
    Some(Replayed {
        record,
        sequence: frame.sequence,
        bytes: frame.payload.len(),
    })
}

#[cfg(test)]
mod tests;
