//! The journal's directory, and the sub-directories in it: one for each process.
//!
//! Who holds the lock of a sub-directory owns it. The kernel gives the lock
//! up when a process ends, however it ends, so there is nothing stale to be
//! judged. A sub-directory is named by an id, which tells its age.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{failure, os};
use crate::{Error, EventId, Timestamp};

/// The directory of all processes.
pub(super) struct Root {
    path: PathBuf,
}

/// A sub-directory that this process owns.
pub(super) struct Home {
    pub(super) name: EventId,
    path: PathBuf,
    /// Holds the lock for as long as it is open. What is in it says that the home was ready.
    lock: File,
}

/// A segment's file.
pub(super) struct SegmentPath {
    pub(super) number: u64,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) modified_at: Timestamp,
}

const LOCK: &str = "lock";
/// Left by a process that has ended as it should.
const CLOSED: &str = "closed";
const QUARANTINE: &str = "quarantine";
const SUFFIX: &str = "seg";
/// Digits of a segment's number, for lists in order.
const DIGITS: usize = 8;
/// New names are tried so often: another process may take a home for an orphan before its lock is taken.
const ATTEMPTS: usize = 8;

impl Root {
    /// Opens the directory, and makes it if it is not there. It may be a link
    /// to elsewhere, since who operates the service has named it; nothing in it may.
    ///
    /// # Errors
    /// If it is not there and cannot be made.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let unusable = |error| {
            let message = "the journal's directory cannot be made or entered: \
                 give the service the right to it, or name another one";
            failure::set_up(error, message)
        };
        os::create_directory(path).map_err(unusable)?;
        // From here on it is the same one, whatever becomes of the current directory.
        let path = fs::canonicalize(path).map_err(unusable)?;
        Ok(Self { path })
    }

    /// Makes a new home, and tries whether files can be written in it.
    ///
    /// # Errors
    /// If it cannot be made, locked or written to.
    pub(super) fn create_home(&self) -> Result<Home, Error> {
        let unusable = |error| {
            let message = "the journal's directory cannot be written to: \
                 give the service the right to write there, or name another one";
            failure::set_up(error, message)
        };
        for _ in 0..ATTEMPTS {
            match self.try_create_home() {
                Ok(Some(home)) => return Ok(home),
                Ok(None) => {}
                // Taken for an orphan, and removed.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(unusable(error)),
            }
        }
        Err(Error::unavailable(
            "other processes keep taking the journal's new sub-directories for orphans",
        ))
    }

    fn try_create_home(&self) -> io::Result<Option<Home>> {
        let name = EventId::now();
        os::create_directory(&self.home_path(name))?;
        let home = match self.lock(name) {
            Ok(Some(home)) => home,
            Ok(None) => return Ok(None),
            Err(error) => {
                self.take_back(name);
                return Err(error);
            }
        };
        let begun = home.begin().and_then(|()| os::sync_directory(&self.path));
        match begun {
            Ok(()) => Ok(Some(home)),
            Err(error) => {
                home.release()?;
                Err(error)
            }
        }
    }

    /// Removes a home that could not be locked: a full disk that is tried
    /// again and again must not fill up with them.
    fn take_back(&self, name: EventId) {
        let path = self.home_path(name);
        let removed = remove_if_there(&path.join(LOCK)).and_then(|()| fs::remove_dir(&path));
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, "a sub-directory of the audit journal cannot be removed");
            }
            _ => {}
        }
    }

    /// The homes of all processes, oldest first. What is not ours is passed over.
    pub(super) fn homes(&self) -> io::Result<Vec<EventId>> {
        let mut homes = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.parse::<EventId>().ok());
            let Some(id) = id.filter(|id| *name == *id.to_string()) else {
                continue;
            };
            // Of the entry itself: a link is none.
            if entry.file_type().is_ok_and(|file_type| file_type.is_dir()) {
                homes.push(id);
            }
        }
        homes.sort();
        Ok(homes)
    }

    /// Takes a home over, or answers `None` if it is another process's.
    pub(super) fn lock(&self, name: EventId) -> io::Result<Option<Home>> {
        let path = self.home_path(name);
        let lock_path = path.join(LOCK);
        let lock = os::open_lock(&lock_path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Its owner may have removed it between the two calls.
        if !os::is_same(&lock, &lock_path) {
            return Ok(None);
        }
        Ok(Some(Home { name, path, lock }))
    }

    /// Moves a segment to where nobody touches it any more.
    pub(super) fn set_aside(&self, home: EventId, segment: &Path) -> io::Result<()> {
        let quarantine = self.quarantine();
        os::create_directory(&quarantine)?;
        let name = segment.file_name().unwrap_or_else(|| OsStr::new("segment"));
        // Homes have names of their own, so no two segments meet there.
        let to = quarantine.join(format!("{home}-{}", name.to_string_lossy()));
        fs::rename(segment, to)
    }

    /// How many files were set aside, and their bytes.
    pub(super) fn set_aside_files(&self) -> io::Result<(usize, u64)> {
        let entries = match fs::read_dir(self.quarantine()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok((0, 0)),
            Err(error) => return Err(error),
        };
        let (mut files, mut bytes) = (0, 0);
        for entry in entries {
            files += 1;
            bytes += entry?.metadata()?.len();
        }
        Ok((files, bytes))
    }

    fn quarantine(&self) -> PathBuf {
        self.path.join(QUARANTINE)
    }

    fn home_path(&self, name: EventId) -> PathBuf {
        self.path.join(name.to_string())
    }
}

impl Home {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is still where it was made, and still ours.
    pub(super) fn is_there(&self) -> bool {
        os::is_same(&self.lock, &self.path.join(LOCK))
    }

    pub(super) fn segment_path(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:0DIGITS$}.{SUFFIX}"))
    }

    /// The segments that are there. What is not ours is passed over.
    pub(super) fn segments(&self) -> io::Result<Vec<SegmentPath>> {
        let mut segments = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let Some(number) = segment_number(&path) else {
                continue;
            };
            let metadata = path.symlink_metadata()?;
            if metadata.is_file() {
                segments.push(SegmentPath {
                    number,
                    bytes: metadata.len(),
                    modified_at: metadata
                        .modified()
                        .map_or(self.name.timestamp(), Into::into),
                    path,
                });
            }
        }
        segments.sort_by_key(|segment| segment.number);
        Ok(segments)
    }

    /// When something was last made or removed in it, as far as the file system tells.
    pub(super) fn modified_at(&self) -> Timestamp {
        let modified = self
            .path
            .metadata()
            .and_then(|metadata| metadata.modified());
        modified.map_or(self.name.timestamp(), Into::into)
    }

    /// Whether its process has ended as it should.
    pub(super) fn is_closed(&self) -> bool {
        self.path.join(CLOSED).symlink_metadata().is_ok()
    }

    /// Gives the home up: removes it if nothing of worth is in it, and
    /// otherwise leaves word that nothing happened to its owner.
    pub(super) fn release(self) -> io::Result<()> {
        let mut is_empty = true;
        let entries = match fs::read_dir(&self.path) {
            // Somebody has removed all of it.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let name = entry?.file_name();
            is_empty &= name == LOCK || name == CLOSED;
        }
        if !is_empty {
            return self.mark_closed();
        }
        // The lock last: whoever takes it from here on finds an empty home, and removes it, too.
        for own in [CLOSED, LOCK] {
            remove_if_there(&self.path.join(own))?;
        }
        match fs::remove_dir(&self.path) {
            Err(error)
                if [ErrorKind::DirectoryNotEmpty, ErrorKind::NotFound].contains(&error.kind()) =>
            {
                Ok(())
            }
            result => result,
        }
    }

    /// Leaves word that its process has ended as it should, or that its end is known.
    pub(super) fn mark_closed(&self) -> io::Result<()> {
        match os::create_file(&self.path.join(CLOSED)) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => os::sync_directory(&self.path),
        }
    }

    /// Tries whether files can be written here, and says to those who find the home that it is in use.
    fn begin(&self) -> io::Result<()> {
        (&self.lock).write_all(b"journal\n")?;
        self.lock.sync_data()?;
        os::sync_directory(&self.path)
    }

    /// Whether it was ready to be used. If not, its process has ended before
    /// there was anything to be told, or it waits for the lock just now and
    /// will make another home.
    pub(super) fn has_begun(&self) -> bool {
        self.lock
            .metadata()
            .is_ok_and(|metadata| metadata.len() > 0)
    }
}

/// Removes a file that may be gone already.
pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn segment_number(path: &Path) -> Option<u64> {
    let digits = path.file_stem()?.to_str()?;
    let number: u64 = digits.parse().ok()?;
    let is_ours = path.extension()? == SUFFIX && digits == format!("{number:0DIGITS$}");
    is_ours.then_some(number)
}
