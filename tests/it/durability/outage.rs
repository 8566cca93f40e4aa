//! A store that is away for long, or slow.

use std::time::Duration;

use tower_audit::Durability;

use super::{MODES, Process, directory, small, stored};
use crate::support::{Gate, GatedStore, assert_accounted};

#[tokio::test(start_paused = true)]
async fn an_outage_costs_nothing_and_the_records_come_in_their_order() {
    for durability in MODES {
        let directory = directory();
        let store = GatedStore::new([Gate::Slow(Duration::from_secs(60)), Gate::Fail]);
        let process = Process::start(
            small(&store, &directory, durability).append_timeout(Duration::from_secs(100)),
        );
        let mut ids = Vec::new();
        for _ in 0..500 {
            ids.extend(process.record(10));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let during = process.auditor.stats();
        assert_eq!((during.stored, during.dropped), (0, 0), "{during:?}");
        assert!(during.journal_records >= 4_900, "{during:?}");
        assert!(during.queued <= 60, "{during:?}");
        process.auditor.flush().await.unwrap();
        assert_eq!(stored(&store.memory), ids);
        let stats = process.auditor.stats();
        assert_accounted(stats, &store.memory.records());
        assert_eq!(
            (stats.dropped, stats.failed_attempts),
            (0, 1),
            "{durability}"
        );
        process
            .auditor
            .shutdown(Duration::from_secs(5))
            .await
            .unwrap();
        let sizes = store.attempts().into_iter().map(|attempt| attempt.records);
        assert!(sizes.max() <= Some(10));
    }
}

#[tokio::test(start_paused = true)]
async fn events_that_come_while_it_catches_up_go_behind_those_on_disk() {
    for durability in MODES {
        let directory = directory();
        let mut gates = vec![Gate::Slow(Duration::from_secs(30))];
        gates.extend(std::iter::repeat_n(
            Gate::Slow(Duration::from_millis(30)),
            200,
        ));
        let store = GatedStore::new(gates);
        let process = Process::over(&store, &directory, durability);
        let mut ids = Vec::new();
        for _ in 0..400 {
            ids.extend(process.record(5));
            tokio::time::sleep(Duration::from_millis(50)).await;
            let stored = stored(&store.memory);
            assert_eq!(
                stored[..],
                ids[..stored.len()],
                "in their order at any time"
            );
        }
        process.auditor.flush().await.unwrap();
        assert_eq!(stored(&store.memory), ids);
        assert_accounted(process.auditor.stats(), &store.memory.records());
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_store_keeps_up_spill_writes_nothing() {
    let directory = directory();
    let store = GatedStore::default();
    let process = Process::over(&store, &directory, Durability::Spill);
    for _ in 0..100 {
        process.record(20);
        tokio::time::sleep(Duration::from_millis(15)).await;
        assert_eq!(process.auditor.stats().journal_bytes, 0);
    }
    process.auditor.flush().await.unwrap();
    assert_eq!(stored(&store.memory).len(), 2_000);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_takes_one_record_a_second_is_never_waited_for() {
    for durability in MODES {
        let directory = directory();
        let slow = std::iter::repeat_n(Gate::Slow(Duration::from_secs(10)), 1_000);
        let store = GatedStore::new(slow);
        let process = Process::over(&store, &directory, durability);
        for _ in 0..200 {
            process.record(50);
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(process.auditor.stats().queued <= 100);
        }
        let stats = process.auditor.stats();
        assert_eq!((stats.dropped, stats.offered), (0, 10_000), "{stats:?}");
        assert!(stats.journal_bytes > 0);
        let stats = process
            .auditor
            .shutdown(Duration::from_secs(1))
            .await
            .unwrap();
        assert_eq!(stats.pending + stats.stored, 10_000);
        let mut fast = GatedStore::default();
        fast.memory = store.memory.clone();
        let next = Process::over(&fast, &directory, durability);
        next.auditor.flush().await.unwrap();
        while next.auditor.stats().journal_records > 0 || stored(&store.memory).len() < 10_000 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(stored(&store.memory).len(), 10_000);
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_store_refuses_goes_to_quarantine_from_disk_too() {
    use tower_audit::Event;
    let directory = directory();
    let store = GatedStore::new([Gate::Slow(Duration::from_secs(30))]).quarantining([]);
    let process = Process::over(&store, &directory, Durability::Journal);
    for round in 0..20 {
        process.record(9);
        let tag = if round == 15 { "poison" } else { "fine" };
        process.auditor.record(Event::activity("odd").tag(tag));
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    process.auditor.flush().await.unwrap();
    let stats = process.auditor.stats();
    assert_accounted(stats, &store.memory.records());
    assert_eq!(
        (stats.stored, stats.quarantined, stats.dropped),
        (199, 1, 0)
    );
    assert_eq!(stats.journal_records, 0, "nothing is owed any more");
}
