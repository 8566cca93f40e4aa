//! The journal as a whole, on the real file system and on one that fails.

mod append;
mod backlog;
mod faulty;
mod format;
mod processes;
mod recovery;
mod syncing;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::Record;
use faulty::FaultyDisk;

/// Settings for small segments in a new directory.
fn settings(directory: &TempDir) -> Settings {
    Settings {
        segment_bytes: 16 * 1024,
        min_free_bytes: 0,
        ..Settings::new(directory.path().join("journal"), Uuid::from_u128(7))
    }
}

fn temporary() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(settings: &Settings) -> Journal {
    Journal::open(settings.clone()).unwrap().0
}

fn open_faulty(settings: &Settings) -> (Journal, Arc<FaultyDisk>) {
    let disk = Arc::new(FaultyDisk::default());
    let (journal, _) = Journal::open_on(settings.clone(), Arc::clone(&disk) as _).unwrap();
    (journal, disk)
}

/// Everything that there is to be read, with the damage.
fn read_all(journal: &mut Journal) -> (Vec<Record>, Damage) {
    let (mut records, mut damage) = (Vec::new(), Damage::default());
    while let Some(backlog) = journal.read_backlog(100, 1 << 20) {
        records.extend(backlog.records);
        damage.add(backlog.damage);
    }
    (records, damage)
}

/// As [`read_all`], and settles everything.
fn drain(journal: &mut Journal) -> (Vec<Record>, Damage) {
    let (mut records, mut damage) = (Vec::new(), Damage::default());
    while let Some(backlog) = journal.read_backlog(100, 1 << 20) {
        journal.settle(backlog.segment, backlog.records.len() as u64);
        records.extend(backlog.records);
        damage.add(backlog.damage);
    }
    (records, damage)
}

/// The files below a directory with this ending, in order.
fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(directory) else {
        return found;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn segment_files(settings: &Settings) -> Vec<PathBuf> {
    files(&settings.directory, ".seg")
}

#[test]
fn a_journal_can_be_moved_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Journal>();
    is_send::<SyncHandle>();
    is_send::<Synced>();
}

/// Settles all records that were appended.
fn settle(journal: &mut Journal, appended: &Appended) {
    for part in &appended.parts {
        journal.settle(part.segment, part.records());
    }
}
