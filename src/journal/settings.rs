//! Where the journal is, and how much it may take.

use std::path::PathBuf;

use uuid::Uuid;

/// What a journal is opened with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where the sub-directories of all processes are. Made if missing.
    pub(crate) directory: PathBuf,
    /// The writer's name, which every segment tells.
    pub(crate) writer: Uuid,
    /// The size at which a segment is full; one that holds a single larger record is larger.
    pub(crate) segment_bytes: u64,
    /// Bytes of all segments that this process writes or has adopted.
    pub(crate) max_bytes: u64,
    /// Bytes that stay free on the file system. Looked at every few MiB, so it is kept roughly.
    pub(crate) min_free_bytes: u64,
    /// Whether [`Journal::sync`](super::Journal::sync) will be called: full
    /// segments then stay open until it was.
    pub(crate) syncs: bool,
}

impl Settings {
    /// Segments of 8 MiB, 1 GiB in all, 256 MiB left free, and no `sync`.
    pub(crate) fn new(directory: impl Into<PathBuf>, writer: Uuid) -> Self {
        Self {
            directory: directory.into(),
            writer,
            segment_bytes: 8 * 1024 * 1024,
            max_bytes: 1024 * 1024 * 1024,
            min_free_bytes: 256 * 1024 * 1024,
            syncs: false,
        }
    }
}
