//! A disk that fails as it is told, on top of the real one.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::super::disk::{Disk, RealDisk, SegmentFile};
use super::super::os;

#[derive(Default)]
pub(super) struct FaultyDisk {
    plan: Arc<Mutex<Plan>>,
}

/// What is to go wrong, and what was seen.
#[derive(Default)]
pub(super) struct Plan {
    /// Bytes until the disk is full.
    pub(super) room: Option<usize>,
    /// The most that one write takes.
    pub(super) longest_write: Option<usize>,
    /// Writes to come, of which the last fails.
    pub(super) write_fails_after: Option<usize>,
    /// Syncs of files to come, of which the last fails; those behind it succeed.
    pub(super) sync_fails_after: Option<usize>,
    pub(super) directory_sync_fails: bool,
    pub(super) truncate_fails: bool,
    pub(super) free: Option<u64>,
    pub(super) writes: usize,
    pub(super) syncs: usize,
    pub(super) looks: usize,
}

struct FaultyFile {
    file: File,
    plan: Arc<Mutex<Plan>>,
}

impl FaultyDisk {
    pub(super) fn plan<T>(&self, change: impl FnOnce(&mut Plan) -> T) -> T {
        change(&mut self.plan.lock().unwrap())
    }
}

/// Counts down; true when it is at its end, once.
fn strikes(countdown: &mut Option<usize>) -> bool {
    match countdown {
        Some(0) => {
            *countdown = None;
            true
        }
        Some(left) => {
            *left -= 1;
            false
        }
        None => false,
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        let file = os::create_file(path)?;
        let plan = Arc::clone(&self.plan);
        Ok(Arc::new(FaultyFile { file, plan }))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        if self.plan(|plan| plan.directory_sync_fails) {
            return Err(io::Error::other("no"));
        }
        RealDisk.sync_directory(path)
    }

    fn free_bytes(&self, _: &Path) -> Option<u64> {
        self.plan(|plan| {
            plan.looks += 1;
            plan.free
        })
    }
}

impl SegmentFile for FaultyFile {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut plan = self.plan.lock().unwrap();
        plan.writes += 1;
        if strikes(&mut plan.write_fails_after) {
            return Err(io::Error::other("no"));
        }
        let mut count = bytes.len().min(plan.longest_write.unwrap_or(usize::MAX));
        if let Some(room) = &mut plan.room {
            if *room == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            count = count.min(*room);
            *room -= count;
        }
        SegmentFile::write(&self.file, &bytes[..count])
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        if self.plan.lock().unwrap().truncate_fails {
            return Err(io::Error::other("no"));
        }
        self.file.truncate(length)
    }

    fn sync(&self) -> io::Result<()> {
        let mut plan = self.plan.lock().unwrap();
        plan.syncs += 1;
        if strikes(&mut plan.sync_fails_after) {
            return Err(io::Error::other("no"));
        }
        Ok(())
    }
}
