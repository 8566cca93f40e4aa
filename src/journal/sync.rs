//! Durability beyond the process's end: what was synced, and what may not be.
//!
//! After a failed fsync the kernel may forget the pages that it could not
//! write, and the next fsync says that all is well. So a file whose fsync has
//! failed is never asked again: its records count as not durable.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::current::Current;
use super::disk::{Disk, SegmentFile};
use super::failure::SyncError;
use super::journal::Journal;
use super::segments::{Part, SegmentId};
use crate::Error;

/// A segment with records that were not made durable yet.
pub(super) struct Unsynced {
    pub(super) segment: SegmentId,
    pub(super) file: Arc<dyn SegmentFile>,
    pub(super) sequences: Range<u64>,
}

/// What is to be made durable, to be done on any thread.
#[must_use = "nothing is durable before it is synced"]
pub(crate) struct SyncHandle {
    disk: Arc<dyn Disk>,
    directory: Option<PathBuf>,
    files: Vec<Unsynced>,
}

/// What became of it, to be told to [`Journal::synced`].
#[must_use = "the journal has to be told"]
pub(crate) struct Synced {
    directory: io::Result<()>,
    files: Vec<(Part, io::Result<()>)>,
}

impl SyncHandle {
    /// Waits until everything that was appended before the handle was made is durable.
    pub(crate) fn sync(self) -> Synced {
        let sync = |file: Unsynced| {
            let part = Part {
                segment: file.segment,
                sequences: file.sequences,
            };
            (part, file.file.sync())
        };
        // The files before the directory: a name that outlives a loss of power then has what it names.
        let files = self.files.into_iter().map(sync).collect();
        let directory = match self.directory {
            Some(path) => self.disk.sync_directory(&path),
            None => Ok(()),
        };
        Synced { directory, files }
    }
}

impl Journal {
    /// Makes everything that was appended durable. Without
    /// [`syncs`](super::Settings::syncs) that is the current segment only.
    ///
    /// # Errors
    /// If that failed for some records, which the error names; they may be
    /// appended again. Or if a [handle](Self::sync_handle) is out, and none are named.
    pub(crate) fn sync(&mut self) -> Result<(), SyncError> {
        match self.sync_handle() {
            Some(handle) => self.synced(handle.sync()),
            None => Err(SyncError {
                suspect: Vec::new(),
                error: Error::internal("a sync of the journal is under way"),
            }),
        }
    }

    /// Whether there are records that were not made durable yet, and no handle is out.
    pub(crate) fn is_unsynced(&self) -> bool {
        !self.is_sync_under_way && self.has_unsynced()
    }

    /// Whether all records are durable, but for those of which it was told otherwise.
    pub(crate) fn is_synced(&self) -> bool {
        !self.is_sync_under_way && !self.has_unsynced()
    }

    fn has_unsynced(&self) -> bool {
        let unsynced = |current: &Current| current.unsynced_from < self.next_sequence;
        !self.unsynced.is_empty() || self.current.as_ref().is_some_and(unsynced)
    }

    /// What is to be made durable now; `None` while an earlier handle was not
    /// answered by [`synced`](Self::synced). A handle that is lost with its
    /// thread thus ends all syncing, and no failure of it can be missed.
    pub(crate) fn sync_handle(&mut self) -> Option<SyncHandle> {
        if self.is_sync_under_way {
            return None;
        }
        self.is_sync_under_way = true;
        let copy = |unsynced: &Unsynced| Unsynced {
            segment: unsynced.segment,
            file: Arc::clone(&unsynced.file),
            sequences: unsynced.sequences.clone(),
        };
        let mut files: Vec<_> = self.unsynced.iter().map(copy).collect();
        if let Some(current) = &self.current {
            let sequences = current.unsynced_from..self.next_sequence;
            if !sequences.is_empty() {
                files.push(Unsynced {
                    segment: current.id,
                    file: Arc::clone(&current.file),
                    sequences,
                });
            }
        }
        // A segment that is begun from here on needs another one.
        let is_synced = std::mem::replace(&mut self.is_directory_synced, true);
        Some(SyncHandle {
            disk: Arc::clone(&self.disk),
            directory: (!is_synced).then(|| self.home.path().to_owned()),
            files,
        })
    }

    /// Takes note of what a handle has done.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync).
    pub(crate) fn synced(&mut self, synced: Synced) -> Result<(), SyncError> {
        self.is_sync_under_way = false;
        let is_directory_synced = synced.directory.is_ok();
        self.is_directory_synced &= is_directory_synced;
        let mut failure = synced.directory.err();
        let mut suspect = Vec::new();
        for (part, result) in synced.files {
            let is_synced = result.is_ok();
            failure = failure.or(result.err());
            if is_synced && is_directory_synced {
                self.is_durable(&part);
            } else {
                suspect.extend(self.is_suspect(part));
            }
        }
        self.sweep();
        let Some(failure) = failure else {
            return Ok(());
        };
        let error = Error::unavailable("records of the journal may not be durable");
        Err(SyncError {
            suspect,
            error: error.caused_by(failure),
        })
    }

    fn is_durable(&mut self, part: &Part) {
        match &mut self.current {
            Some(current) if current.id == part.segment => {
                current.unsynced_from = part.sequences.end;
            }
            _ => {
                for unsynced in &mut self.unsynced {
                    if unsynced.segment == part.segment {
                        unsynced.sequences.start = part.sequences.end;
                    }
                }
                self.unsynced
                    .retain(|unsynced| !unsynced.sequences.is_empty());
            }
        }
    }

    /// Ends a segment whose fsync has failed; it is not asked again. All of
    /// it that was not durable before is suspect, also what came meanwhile.
    fn is_suspect(&mut self, mut part: Part) -> Option<Part> {
        let current = self.current.as_ref().map(|current| current.id);
        if current == Some(part.segment) {
            part.sequences.end = self.next_sequence;
            self.seal();
        }
        let place = |unsynced: &Unsynced| unsynced.segment == part.segment;
        if let Some(index) = self.unsynced.iter().position(place) {
            part.sequences.end = self.unsynced.remove(index).sequences.end;
        }
        // What was settled meanwhile is not needed any more.
        self.segments.get_mut(part.segment)?.is_suspect = true;
        Some(part)
    }
}
