//! The journal: open, settle, rotate, close.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::backlog::Reading;
use super::budget::Budget;
use super::current::Current;
use super::directory::{Home, Root, remove_if_there};
use super::disk::{Disk, RealDisk};
use super::failure::SyncError;
use super::os;
use super::recovery::Recovery;
use super::replay::Layouts;
use super::segments::{Segment, SegmentId, Segments};
use super::settings::Settings;
use super::sync::Unsynced;
use crate::{Error, EventId};

/// Records on disk, each until it is settled. See the [module](super).
///
/// Dropping a journal without [`close`](Self::close) leaves everything as the
/// end of the process would.
pub(crate) struct Journal {
    pub(super) settings: Settings,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) root: Root,
    pub(super) home: Home,
    /// The homes of processes that are gone.
    pub(super) adopted: BTreeMap<EventId, AdoptedHome>,
    pub(super) segments: Segments,
    pub(super) current: Option<Current>,
    pub(super) next_number: u64,
    pub(super) next_sequence: u64,
    pub(super) budget: Budget,
    /// Frames on their way to the file, and where each of them ends.
    pub(super) buffer: Vec<u8>,
    pub(super) ends: Vec<usize>,
    /// Full segments that were not made durable yet.
    pub(super) unsynced: Vec<Unsynced>,
    pub(super) is_directory_synced: bool,
    pub(super) is_sync_under_way: bool,
    pub(super) reading: Option<Reading>,
    pub(super) layouts: Layouts,
}

/// The home of a process that is gone.
pub(super) struct AdoptedHome {
    pub(super) home: Home,
    /// Nobody has to be told any more how its process has ended.
    pub(super) is_noted: bool,
}

impl Journal {
    /// Opens the journal in a new sub-directory of its own, and adopts those of processes that are gone.
    ///
    /// # Errors
    /// If the directory cannot be made, entered or written to: a
    /// [configuration](Error::configuration) error that says what to do, or a
    /// transient one where the disk is full.
    pub(crate) fn open(settings: Settings) -> Result<(Self, Recovery), Error> {
        Self::open_on(settings, Arc::new(RealDisk))
    }

    pub(super) fn open_on(
        settings: Settings,
        disk: Arc<dyn Disk>,
    ) -> Result<(Self, Recovery), Error> {
        let root = Root::open(&settings.directory)?;
        let home = root.create_home()?;
        let mut journal = Self {
            budget: Budget::new(settings.max_bytes, settings.min_free_bytes),
            disk,
            root,
            home,
            adopted: BTreeMap::new(),
            segments: Segments::default(),
            current: None,
            next_number: 1,
            next_sequence: 1,
            buffer: Vec::new(),
            ends: Vec::new(),
            unsynced: Vec::new(),
            is_directory_synced: true,
            is_sync_under_way: false,
            reading: None,
            layouts: Layouts::new(),
            settings,
        };
        match journal.adopt() {
            Ok(recovery) => Ok((journal, recovery)),
            Err(error) => {
                journal.close()?;
                Err(error)
            }
        }
    }

    /// Takes note that records of a segment are stored, or counted as lost:
    /// they will not be needed again. A sealed segment to which nothing is
    /// owed any more is removed, or set aside if it is damaged.
    pub(crate) fn settle(&mut self, segment: SegmentId, records: u64) {
        let were_pending = self.segments.settle(segment, records);
        debug_assert!(were_pending, "records were settled twice");
        self.sweep();
    }

    /// Ends the segment that is being written, so that it goes once its
    /// records are settled. The next records begin another one.
    pub(crate) fn rotate(&mut self) {
        self.seal();
        self.sweep();
    }

    pub(super) fn seal(&mut self) {
        let Some(current) = self.current.take() else {
            return;
        };
        self.segments.seal(current.id);
        if self.settings.syncs && current.unsynced_from < self.next_sequence {
            self.unsynced.push(Unsynced {
                segment: current.id,
                file: current.file,
                sequences: current.unsynced_from..self.next_sequence,
            });
        }
    }

    /// Bytes of all segments, of this process and of those it has adopted.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.bytes()
    }

    /// Records that are not settled; those in [unread
    /// segments](Self::unread_segments) not counted.
    pub(crate) fn records_pending(&self) -> u64 {
        self.segments.pending()
    }

    /// Adopted segments whose records nobody has counted yet.
    pub(crate) fn unread_segments(&self) -> usize {
        self.segments.unread()
    }

    /// Removes what nothing is owed to any more. What cannot be removed is
    /// tried again the next time; it keeps its bytes in the budget.
    pub(super) fn sweep(&mut self) {
        for id in self.segments.done() {
            let Some(segment) = self.segments.get_mut(id) else {
                continue;
            };
            match remove(&self.root, id, segment) {
                Ok(()) => {
                    self.segments.remove(id);
                    self.unsynced.retain(|unsynced| unsynced.segment != id);
                    self.release_if_empty(id.home);
                }
                Err(_) if segment.is_stuck => {}
                Err(error) => {
                    segment.is_stuck = true;
                    tracing::warn!(%error, "a segment of the audit journal cannot be removed");
                }
            }
        }
    }

    /// Gives an adopted home up once there is nothing to be read in it, nor to be told of it.
    pub(super) fn release_if_empty(&mut self, name: EventId) {
        let is_noted = |adopted: &AdoptedHome| adopted.is_noted;
        let is_empty = self.segments.of(name).next().is_none();
        if is_empty
            && self.adopted.get(&name).is_some_and(is_noted)
            && let Some(adopted) = self.adopted.remove(&name)
            && let Err(error) = adopted.home.release()
        {
            // The next process finds it without its lock, and tries again.
            tracing::warn!(%error, "a sub-directory of the audit journal cannot be removed");
        }
    }

    /// Ends the journal: makes all records of this process durable and leaves
    /// those that are not settled to the next one. Without such records
    /// nothing stays behind.
    ///
    /// # Errors
    /// If the records could not be made durable, or the directory not be
    /// tidied up. The journal is closed all the same.
    pub(crate) fn close(mut self) -> Result<(), Error> {
        let failed = |error| {
            Error::unavailable("the journal could not be closed as it should").caused_by(error)
        };
        self.rotate();
        let synced = if self.settings.syncs {
            self.sync().map_err(SyncError::into_error)
        } else {
            let own = self.segments.of(self.home.name);
            own.filter(|(_, segment)| !segment.is_suspect)
                .try_for_each(|(_, segment)| os::open_file(&segment.path)?.sync_data())
                .map_err(failed)
        };
        let released = self.home.release().map_err(failed);
        synced.and(released)
    }
}

fn remove(root: &Root, id: SegmentId, segment: &Segment) -> std::io::Result<()> {
    if !segment.is_damaged {
        return remove_if_there(&segment.path);
    }
    match root.set_aside(id.home, &segment.path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("bytes", &self.bytes())
            .field("records_pending", &self.records_pending())
            .finish_non_exhaustive()
    }
}
