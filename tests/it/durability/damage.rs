//! Files that are not what they were.

use std::time::Duration;

use tower_audit::{Durability, HealthProblem};

use super::{Process, directory, down, files, gaps, stored};
use crate::support::GatedStore;

#[tokio::test(start_paused = true)]
async fn a_damaged_part_costs_its_records_is_told_and_the_file_is_kept() {
    let directory = directory();
    let first = Process::over(&down(), &directory, Durability::Journal);
    let ids = first.record(90);
    first.journaled(90).await;
    first.kill().await;
    let segments = files(directory.path());
    let [segment] = &segments[..] else {
        panic!("one segment: {segments:?}");
    };
    let mut bytes = std::fs::read(segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 10].fill(0xaa);
    std::fs::write(segment, bytes).unwrap();

    let store = GatedStore::default();
    let second = Process::over(&store, &directory, Durability::Journal);
    let last = second.record(1);
    second.auditor.flush().await.unwrap();
    second.auditor.flush().await.unwrap();
    let kept = stored(&store.memory);
    let lost = ids.iter().filter(|id| !kept.contains(id)).count() as u64;
    assert!((1..=2).contains(&lost), "{lost}");
    assert!(kept.ends_with(&last));
    let stats = second.auditor.stats();
    assert_eq!((stats.dropped_journal_damaged, stats.dropped), (lost, lost));
    assert_eq!(stats.offered, stats.stored + stats.dropped);
    assert_eq!(gaps(&store.memory, "journal_damaged").len(), 1);
    let problems = second.auditor.health().problems;
    assert_eq!(problems, [HealthProblem::LosingEvents]);
    second
        .auditor
        .shutdown(Duration::from_secs(5))
        .await
        .unwrap();
    let left = files(directory.path());
    assert_eq!(left.len(), 1);
    assert!(left[0].contains("/quarantine/"), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn a_torn_end_costs_what_was_not_written_and_nothing_else() {
    let directory = directory();
    let first = Process::over(&down(), &directory, Durability::Journal);
    let ids = first.record(50);
    first.journaled(50).await;
    first.kill().await;
    let segment = files(directory.path()).pop().unwrap();
    let bytes = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &bytes[..bytes.len() - 7]).unwrap();
    let store = GatedStore::default();
    let second = Process::over(&store, &directory, Durability::Journal);
    let more = second.record(1);
    second.auditor.flush().await.unwrap();
    assert_eq!(stored(&store.memory), [&ids[..49], &more[..]].concat());
    second
        .auditor
        .shutdown(Duration::from_secs(5))
        .await
        .unwrap();
    assert_eq!(files(directory.path()), [""; 0]);
}
