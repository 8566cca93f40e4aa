//! What processes that are gone have left.

use std::io::{self, ErrorKind};

use uuid::Uuid;

use super::directory::{Home, SegmentPath};
use super::failure;
use super::header::NoHeader;
use super::journal::{AdoptedHome, Journal};
use super::replay::peek_header;
use super::segments::SegmentId;
use crate::{Error, EventId, Timestamp};

/// What was found in the journal's directory.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    /// The processes whose records are ours now, oldest first.
    pub(crate) adopted: Vec<Adopted>,
    /// Sub-directories of other processes that are running.
    pub(crate) in_use: usize,
    /// Sub-directories that this process has no right to, or that cannot be read.
    pub(crate) inaccessible: usize,
}

/// What one process has left.
#[derive(Clone, Debug)]
pub(crate) struct Adopted {
    /// The name of its sub-directory: the same whenever it is told, so that
    /// word of it can be stored under an id that is made from it.
    pub(crate) name: EventId,
    /// The writer's name, as its segments tell it.
    pub(crate) writer: Option<Uuid>,
    /// Whether it had [closed](Journal::close) its journal. If not, what it
    /// had not appended yet is lost, and nobody knows how much that was.
    pub(crate) is_clean: bool,
    /// When it had opened its journal.
    pub(crate) started_at: Timestamp,
    /// When it was last seen to write; its end came at that time or later.
    pub(crate) last_written_at: Timestamp,
    /// Segments to be read. Their records are counted by reading.
    pub(crate) segments: usize,
    pub(crate) bytes: u64,
    /// Segments among them whose header is damaged.
    pub(crate) damaged_segments: usize,
    /// Segments that only a newer version of the crate can read. They stay where they are.
    pub(crate) newer_segments: usize,
}

/// What one sub-directory turned out to be.
enum Found {
    Adopted(Adopted),
    InUse,
    Nothing,
}

/// Sub-directories that are held at once: each costs an open file. The next
/// look finds the others.
const MAX_ADOPTED: usize = 256;

impl Recovery {
    /// Processes that have ended without closing their journal.
    pub(crate) fn unclean(&self) -> impl Iterator<Item = &Adopted> {
        self.adopted.iter().filter(|adopted| !adopted.is_clean)
    }

    /// What is wrong that somebody has to see to, and keeps nothing from going on.
    pub(crate) fn warning(&self) -> Option<Error> {
        let newer = self.adopted.iter().map(|adopted| adopted.newer_segments);
        if newer.sum::<usize>() > 0 {
            return Some(Error::configuration(
                "the journal has segments of a newer version of this crate: they stay where they are until that version runs",
            ));
        }
        (self.inaccessible > 0).then(|| {
            Error::configuration(
                "the journal has sub-directories that this process has no right to: run it as the user that wrote them, or give it the right",
            )
        })
    }
}

impl Journal {
    /// Adopts the sub-directories of processes that are gone. Done when the
    /// journal is opened; done again, it finds those that have ended since.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub(crate) fn adopt(&mut self) -> Result<Recovery, Error> {
        let unreadable = |error| {
            let message =
                "the journal's directory cannot be read: give the service the right to it";
            failure::set_up(error, message)
        };
        let mut recovery = Recovery::default();
        for name in self.root.homes().map_err(unreadable)? {
            if name == self.home.name || self.adopted.contains_key(&name) {
                continue;
            }
            if self.adopted.len() == MAX_ADOPTED {
                break;
            }
            match self.adopt_home(name) {
                Ok(Found::Adopted(adopted)) => recovery.adopted.push(adopted),
                Ok(Found::InUse) => recovery.in_use += 1,
                Ok(Found::Nothing) => {}
                // Its owner has just removed it.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(_) => recovery.inaccessible += 1,
            }
        }
        Ok(recovery)
    }

    /// Takes note that somebody knows, durably, of the processes that have
    /// ended without closing their journal. Until then they are found again.
    pub(crate) fn recovery_noted(&mut self) {
        for adopted in self
            .adopted
            .values_mut()
            .filter(|adopted| !adopted.is_noted)
        {
            if let Err(error) = adopted.home.mark_closed() {
                tracing::warn!(%error, "the audit journal will tell again of a process that has ended");
            }
            adopted.is_noted = true;
        }
        let names: Vec<_> = self.adopted.keys().copied().collect();
        for name in names {
            self.release_if_empty(name);
        }
    }

    fn adopt_home(&mut self, name: EventId) -> io::Result<Found> {
        let Some(home) = self.root.lock(name)? else {
            return Ok(Found::InUse);
        };
        let segments = home.segments()?;
        // Somebody may have removed the lock by hand.
        if !home.has_begun() && segments.is_empty() {
            home.release()?;
            return Ok(Found::Nothing);
        }
        let is_clean = home.is_closed();
        let mut adopted = Adopted {
            name,
            writer: None,
            is_clean,
            started_at: name.timestamp(),
            last_written_at: last_written_at(&home, &segments),
            segments: 0,
            bytes: 0,
            damaged_segments: 0,
            newer_segments: 0,
        };
        for SegmentPath {
            number,
            path,
            bytes,
            ..
        } in segments
        {
            match peek_header(&path) {
                Ok(Err(NoHeader::Newer(_))) => {
                    adopted.newer_segments += 1;
                    continue;
                }
                Ok(Ok(header)) => adopted.writer = Some(header.writer),
                Ok(Err(NoHeader::Cut)) => {}
                // Reading will tell what else there is.
                Ok(Err(NoHeader::Damaged)) | Err(_) => adopted.damaged_segments += 1,
            }
            adopted.segments += 1;
            adopted.bytes += bytes;
            let id = SegmentId { home: name, number };
            self.segments.adopt(id, path, bytes);
        }
        if adopted.segments == 0 && adopted.newer_segments > 0 {
            // For a process of that version: its lock goes with it.
            return Ok(Found::Adopted(adopted));
        }
        let is_noted = is_clean;
        self.adopted.insert(name, AdoptedHome { home, is_noted });
        self.release_if_empty(name);
        Ok(Found::Adopted(adopted))
    }
}

fn last_written_at(home: &Home, segments: &[SegmentPath]) -> Timestamp {
    let segments = segments.iter().map(|segment| segment.modified_at);
    segments.fold(home.modified_at(), Timestamp::max)
}
