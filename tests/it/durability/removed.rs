//! A journal's directory that somebody removes under a running program.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tower_audit::{Auditor, AuditorBuilder, Durability, HealthProblem, HealthStatus};

use super::{MODES, Process, WRITING_AHEAD, directory, files, gaps, stored};
use crate::support::{Gate, GatedStore, assert_accounted};

fn down() -> GatedStore {
    GatedStore::new(std::iter::repeat_n(Gate::Fail, 1_000_000))
}

/// As [`super::small`], in a directory below this one.
fn below(store: &GatedStore, directory: &TempDir, durability: Durability) -> AuditorBuilder {
    Auditor::builder()
        .store(store.clone())
        .journal(journal(directory))
        .durability(durability)
        .max_batch_size(10)
        .max_queue_size(100)
}

fn journal(directory: &TempDir) -> std::path::PathBuf {
    directory.path().join("journal")
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_up_it_costs_nothing() {
    for durability in MODES {
        let directory = directory();
        let store = GatedStore::default();
        let process = Process::start(below(&store, &directory, durability));
        let mut ids = process.record(30);
        process.auditor.flush().await.unwrap();
        std::fs::remove_dir_all(journal(&directory)).unwrap();
        ids.extend(process.record(30));
        process.auditor.flush().await.unwrap();
        let stats = process
            .auditor
            .shutdown(Duration::from_secs(5))
            .await
            .unwrap();
        assert_eq!(stored(&store.memory), ids);
        assert_eq!(stats.dropped, 0, "{durability}");
        assert_accounted(stats, &store.memory.records());
    }
}

#[tokio::test(start_paused = true)]
async fn what_memory_holds_and_what_comes_later_is_in_the_new_one_and_outlives_the_process() {
    for durability in WRITING_AHEAD {
        let directory = directory();
        let first = Process::start(below(&down(), &directory, durability));
        let mut ids = first.record(15);
        first.journaled(15).await;
        std::fs::remove_dir_all(journal(&directory)).unwrap();
        ids.extend(first.record(20));
        first.journaled(35).await;
        assert_eq!(first.auditor.health().status, HealthStatus::Degraded);
        assert!(files(&journal(&directory)).len() == 1);
        first.kill().await;
        let store = GatedStore::default();
        let second = Process::start(below(&store, &directory, durability));
        second.auditor.flush().await.unwrap();
        second
            .auditor
            .shutdown(Duration::from_secs(5))
            .await
            .unwrap();
        assert_eq!(stored(&store.memory), ids, "{durability}");
        assert_accounted(second.auditor.stats(), &store.memory.records());
        assert_eq!(gaps(&store.memory, "unclean_end").len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_only_there_is_counted_and_told() {
    for durability in MODES {
        let directory = directory();
        let store = GatedStore::new([Gate::Slow(Duration::from_secs(60))]);
        let builder = below(&store, &directory, durability);
        let process = Process::start(builder.append_timeout(Duration::from_secs(100)));
        for _ in 0..50 {
            process.record(10);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let auditor = &process.auditor;
        assert!(auditor.stats().journal_records > 400);
        std::fs::remove_dir_all(journal(&directory)).unwrap();
        let later = process.record(30);
        until(|| auditor.stats().dropped > 0).await;
        assert_eq!(auditor.health().status, HealthStatus::Failing);
        auditor.flush().await.unwrap();
        auditor.flush().await.unwrap();
        let stats = auditor.stats();
        assert!(stats.dropped > 400, "{stats:?}");
        assert_eq!(stats.dropped, stats.dropped_journal_damaged);
        assert_accounted(stats, &store.memory.records());
        assert!(stored(&store.memory).ends_with(&later), "{durability}");
        assert_eq!(gaps(&store.memory, "journal_damaged").len(), 1);
        auditor.shutdown(Duration::from_secs(5)).await.unwrap();
        assert_eq!(files(&journal(&directory)), [""; 0]);
    }
}

/// Puts a file where the directory was, so that none can be made.
fn block(path: &Path) {
    std::fs::remove_dir_all(path).unwrap();
    std::fs::write(path, "").unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_made_again_degrades_the_trail_until_it_can() {
    for durability in WRITING_AHEAD {
        let directory = directory();
        let store = GatedStore::default();
        let process = Process::start(below(&store, &directory, durability));
        let mut ids = process.record(10);
        process.auditor.flush().await.unwrap();
        block(&journal(&directory));
        ids.extend(process.record(10));
        process.auditor.flush().await.unwrap();
        let health = process.auditor.health();
        assert_eq!(health.problems, [HealthProblem::JournalUnavailable]);
        std::fs::remove_file(journal(&directory)).unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        ids.extend(process.record(10));
        process.auditor.flush().await.unwrap();
        assert_eq!(process.auditor.health().status, HealthStatus::Ok);
        assert_eq!(stored(&store.memory), ids);
        assert_accounted(process.auditor.stats(), &store.memory.records());
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_in_an_outage_then_saves_all_that_memory_holds_or_counts_it_as_lost() {
    for durability in WRITING_AHEAD {
        for can_be_made in [true, false] {
            let directory = directory();
            let first = Process::start(below(&down(), &directory, durability));
            let ids = first.record(15);
            first.journaled(15).await;
            std::fs::remove_dir_all(journal(&directory)).unwrap();
            if !can_be_made {
                std::fs::write(journal(&directory), "").unwrap();
            }
            let ended = first.auditor.shutdown(Duration::from_secs(1)).await;
            let stats = first.auditor.stats();
            if can_be_made {
                assert_eq!((stats.pending, stats.dropped), (15, 0));
                let store = GatedStore::default();
                let second = Process::start(below(&store, &directory, durability));
                second.auditor.flush().await.unwrap();
                until(|| store.memory.len() == 15).await;
                assert_eq!(stored(&store.memory), ids);
            } else {
                assert!(ended.unwrap_err().is_timeout());
                assert_eq!((stats.pending, stats.dropped_shutdown_timeout), (0, 15));
            }
        }
    }
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn it_is_made_again_before_anything_is_to_be_written_and_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = directory();
    let store = GatedStore::default();
    let process = Process::start(below(&store, &directory, Durability::Journal));
    process.record(1);
    process.auditor.flush().await.unwrap();
    std::fs::remove_dir_all(journal(&directory)).unwrap();
    until(|| journal(&directory).exists()).await;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&journal(&directory)), 0o700);
    let home = std::fs::read_dir(journal(&directory)).unwrap().next();
    assert_eq!(mode(&home.unwrap().unwrap().path()), 0o700);
}
