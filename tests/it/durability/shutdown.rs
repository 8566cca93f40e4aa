//! The orderly end.

use std::time::Duration;

use tower_audit::Durability;

use super::{MODES, Process, count, directory, gaps, small, stored};
use crate::support::{Gate, GatedStore, assert_accounted};

fn down() -> GatedStore {
    GatedStore::new(std::iter::repeat_n(Gate::Fail, 1_000_000))
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_during_an_outage_leaves_everything_to_the_next_start() {
    for durability in MODES {
        let directory = directory();
        let first = Process::over(&down(), &directory, durability);
        let ids = first.record(95);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let stats = first
            .auditor
            .shutdown(Duration::from_secs(3))
            .await
            .unwrap();
        assert_eq!(
            (stats.offered, stats.pending, stats.dropped),
            (95, 95, 0),
            "{durability}"
        );
        assert_eq!(stats.journal_records, 95);
        first.writer.await.unwrap();

        let store = GatedStore::default();
        let second = Process::over(&store, &directory, durability);
        second.record(1);
        second.auditor.flush().await.unwrap();
        second
            .auditor
            .shutdown(Duration::from_secs(3))
            .await
            .unwrap();
        assert_eq!(stored(&store.memory)[..95], ids);
        let records = store.memory.records();
        assert_eq!(records.len(), 96, "the end was clean, so no gap is told");
        assert_accounted(second.auditor.stats(), &records);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_right_after_the_events_saves_them_from_the_queue() {
    for durability in MODES {
        let directory = directory();
        let (auditor, writer) = small(&down(), &directory, durability).build().unwrap();
        for _ in 0..100 {
            auditor.record(tower_audit::Event::activity("test"));
        }
        let writer = tokio::spawn(writer.run());
        let stats = auditor.shutdown(Duration::ZERO).await.unwrap();
        assert_eq!((stats.pending, stats.dropped), (100, 0), "{durability}");
        assert_eq!(stats.journal_records, 100, "{durability}");
        writer.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn losses_that_were_not_told_of_yet_are_told_by_the_next_process() {
    for durability in MODES {
        let directory = directory();
        let first = Process::over(&down(), &directory, durability);
        for _ in 0..3 {
            first.record(300);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let stats = first.auditor.shutdown(Duration::ZERO).await.unwrap();
        assert!(stats.dropped_queue_full > 300, "{stats:?}");
        first.writer.await.unwrap();

        let store = GatedStore::default();
        let second = Process::over(&store, &directory, durability);
        while store.memory.len() < stats.pending as usize {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let told: u64 = gaps(&store.memory, "queue_full").iter().map(count).sum();
        assert_eq!(told, stats.dropped, "{durability}");
        assert_accounted(second.auditor.stats(), &store.memory.records());
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_journal_what_is_pending_is_lost_and_counted() {
    let process = Process::over(&down(), &directory(), Durability::Memory);
    process.record(95);
    let error = process
        .auditor
        .shutdown(Duration::from_secs(3))
        .await
        .unwrap_err();
    assert!(error.is_timeout());
    let stats = process.auditor.stats();
    assert_eq!((stats.dropped_shutdown_timeout, stats.pending), (95, 0));
}

#[tokio::test(start_paused = true)]
async fn a_second_shutdown_says_the_same_and_late_events_are_counted() {
    for durability in MODES {
        let directory = directory();
        let process = Process::over(&down(), &directory, durability);
        process.record(20);
        let first = process
            .auditor
            .shutdown(Duration::from_secs(1))
            .await
            .unwrap();
        process.record(3);
        let second = process
            .auditor
            .shutdown(Duration::from_secs(1))
            .await
            .unwrap();
        assert_eq!((first.pending, second.pending), (20, 20));
        assert_eq!(second.dropped_closed, 3);
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_last_handle_goes_the_rest_is_stored_and_the_journal_is_closed() {
    for durability in MODES {
        let directory = directory();
        let store = GatedStore::default();
        let process = Process::over(&store, &directory, durability);
        let ids = process.record(95);
        drop(process.auditor);
        process.writer.await.unwrap();
        assert_eq!(stored(&store.memory), ids);
        assert_eq!(super::files(directory.path()), [""; 0]);
    }
}
