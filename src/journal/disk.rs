//! What the journal writes through, so that tests can make it fail.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::os;

/// The file system, as far as segments are written.
pub(super) trait Disk: Send + Sync {
    /// Makes a segment's file, which is not there yet.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>>;
    /// Makes the names in a directory durable.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
    /// What may still be written there; `None` where nobody tells.
    fn free_bytes(&self, path: &Path) -> Option<u64>;
}

/// A segment that is being written.
pub(super) trait SegmentFile: Send + Sync {
    /// Writes some of the bytes at the end, and tells how many.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;
    /// Cuts the file to `length` bytes.
    fn truncate(&self, length: u64) -> io::Result<()>;
    /// Makes what was written durable.
    fn sync(&self) -> io::Result<()>;
}

/// The file system itself.
pub(super) struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        Ok(Arc::new(os::create_file(path)?))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        os::sync_directory(path)
    }

    fn free_bytes(&self, path: &Path) -> Option<u64> {
        os::free_bytes(path)
    }
}

impl SegmentFile for File {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self;
        Write::write(&mut file, bytes)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
