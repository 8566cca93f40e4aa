//! The segment that is being written.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use super::disk::SegmentFile;
use super::segments::SegmentId;

/// A segment that takes frames until it is full, or until a write fails.
pub(super) struct Current {
    pub(super) id: SegmentId,
    pub(super) file: Arc<dyn SegmentFile>,
    pub(super) bytes: u64,
    /// The sequence from which on nothing was made durable yet.
    pub(super) unsynced_from: u64,
}

/// What became of frames that were to be written.
pub(super) struct Written {
    /// How many of them are in the file, wholly.
    pub(super) frames: usize,
    /// The bytes that the file has grown by.
    pub(super) bytes: u64,
    /// Why it was not all of them. Nothing may be written behind them any more.
    pub(super) error: Option<io::Error>,
}

impl Current {
    /// Writes frames, the first of which ends at `ends[0]` of the bytes.
    ///
    /// After an error what stands behind the last whole frame is taken off.
    /// Where even that fails a torn frame stays, which readers know.
    pub(super) fn write(&mut self, bytes: &[u8], ends: &[usize]) -> Written {
        let (written, error) = write_all(&*self.file, bytes);
        let mut kept = (ends.len(), bytes.len());
        if error.is_some() {
            let frames = ends.partition_point(|end| *end <= written);
            kept = (frames, frames.checked_sub(1).map_or(0, |last| ends[last]));
            if self.file.truncate(self.bytes + kept.1 as u64).is_err() {
                kept.1 = written;
            }
        }
        self.bytes += kept.1 as u64;
        Written {
            frames: kept.0,
            bytes: kept.1 as u64,
            error,
        }
    }
}

/// Writes as much as possible, and tells how much that was.
fn write_all(file: &dyn SegmentFile, bytes: &[u8]) -> (usize, Option<io::Error>) {
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Ok(0) => return (written, Some(ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (written, Some(error)),
        }
    }
    (written, None)
}
