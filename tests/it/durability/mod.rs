//! What a trail with a journal survives.

mod crash;
mod damage;
mod early_words;
mod full;
mod health;
mod outage;
mod removed;
mod setup;
mod shutdown;
mod strict;
mod syncing;

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tower_audit::{Auditor, AuditorBuilder, Durability, Event, EventId, Kind, MemoryStore, Record};

use crate::support::GatedStore;

/// Every mode with a journal.
const MODES: [Durability; 3] = [
    Durability::Spill,
    Durability::Journal,
    Durability::Synced(Duration::from_millis(10)),
];

/// Those that write before they store.
const WRITING_AHEAD: [Durability; 2] = [MODES[1], MODES[2]];

/// A trail whose writer can be killed.
struct Process {
    auditor: Auditor,
    writer: JoinHandle<()>,
}

impl Process {
    fn start(builder: AuditorBuilder) -> Self {
        let (auditor, writer) = builder.build().unwrap();
        let writer = tokio::spawn(writer.run());
        Self { auditor, writer }
    }

    /// Over this store and directory, with small batches.
    fn over(store: &GatedStore, directory: &TempDir, durability: Durability) -> Self {
        Self::start(small(store, directory, durability))
    }

    /// Ends it as a kill would: nothing is closed, and what is in memory is gone.
    async fn kill(self) {
        self.writer.abort();
        let _ = self.writer.await;
    }

    fn record(&self, count: usize) -> Vec<EventId> {
        (0..count)
            .map(|_| self.auditor.record(Event::activity("test")))
            .collect()
    }

    /// Waits until so many records are in the journal.
    async fn journaled(&self, records: u64) {
        while self.auditor.stats().journal_records < records {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn small(store: &GatedStore, directory: &TempDir, durability: Durability) -> AuditorBuilder {
    Auditor::builder()
        .store(store.clone())
        .journal(directory.path())
        .durability(durability)
        .max_batch_size(10)
        .max_queue_size(100)
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The ids of what was stored, without what the trail says of itself.
fn stored(store: &MemoryStore) -> Vec<EventId> {
    let records = store.records();
    let told = records.iter().filter(|record| record.kind != Kind::Gap);
    told.map(|record| record.id).collect()
}

/// What the trail says of itself, of one reason.
fn gaps(store: &MemoryStore, reason: &str) -> Vec<Record> {
    let reason = format!("\"reason\":\"{reason}\"");
    let mut records = store.records();
    records.retain(|record| {
        let details = record.details.as_ref();
        record.kind == Kind::Gap && details.is_some_and(|json| json.as_str().contains(&reason))
    });
    records
}

/// How many events a gap event tells of.
fn count(gap: &Record) -> u64 {
    let details = gap.details.as_ref().unwrap().as_str();
    let details: serde_json::Value = serde_json::from_str(details).unwrap();
    details["count"].as_u64().unwrap()
}

/// All files below a directory, save for locks.
fn files(directory: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.file_name().unwrap() != "lock" {
            files.push(path.to_str().unwrap().to_owned());
        }
    }
    files.sort();
    files
}
