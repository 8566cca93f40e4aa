//! The orderly end.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use tower::Service;
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

#[tokio::test(start_paused = true)]
async fn a_layer_that_outlives_the_writer_serves_on_and_its_requests_are_counted() {
    for durability in MODES.into_iter().chain([Durability::Memory]) {
        let directory = directory();
        let store = GatedStore::default();
        let process = Process::over(&store, &directory, durability);
        let mut router = axum::Router::new()
            .route("/", axum::routing::get(|| async { "served" }))
            .layer(process.auditor.layer());
        let mut send = async || {
            let response = router.call(Request::new(Body::empty())).await.unwrap();
            let body = axum::body::to_bytes(response.into_body(), 100).await;
            assert_eq!(body.unwrap(), "served");
        };
        send().await;
        process
            .auditor
            .shutdown(Duration::from_secs(5))
            .await
            .unwrap();
        for _ in 0..3 {
            send().await;
        }
        let stats = process.auditor.stats();
        assert_eq!((stats.stored, stats.dropped_closed), (1, 3), "{durability}");
        assert_accounted(stats, &store.memory.records());
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_whose_writer_was_killed_serves_on_and_memory_stays_bounded() {
    let directory = directory();
    let process = Process::over(&down(), &directory, Durability::Journal);
    let auditor = process.auditor.clone();
    let mut router = axum::Router::new()
        .route("/", axum::routing::get(|| async { "served" }))
        .layer(auditor.layer());
    process.kill().await;
    for _ in 0..300 {
        let response = router.call(Request::new(Body::empty())).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), 100).await;
        assert_eq!(body.unwrap(), "served");
    }
    let stats = auditor.stats();
    assert_eq!((stats.offered, stats.stored), (300, 0));
    assert_eq!((stats.queued, stats.dropped_queue_full), (100, 200));
    let error = auditor.shutdown(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.to_string(), "the audit writer has failed");
}

#[test]
fn a_runtime_that_is_dropped_without_a_shutdown_takes_no_record_with_it() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    for durability in MODES {
        let directory = directory();
        let application = runtime();
        let builder = small(&down(), &directory, durability);
        let auditor = application.block_on(builder.start()).unwrap();
        let record = || auditor.record(tower_audit::Event::activity("test"));
        let mut ids: Vec<_> = (0..30).map(|_| record()).collect();
        drop(application);
        ids.extend((0..30).map(|_| record()));
        let end = runtime();
        let stats = end.block_on(auditor.shutdown(Duration::ZERO)).unwrap();
        assert_eq!((stats.pending, stats.dropped), (60, 0), "{durability}");
        let store = GatedStore::default();
        end.block_on(async {
            let next = small(&store, &directory, durability).start().await.unwrap();
            next.record(tower_audit::Event::activity("test"));
            next.flush().await.unwrap();
            let stats = next.shutdown(Duration::from_secs(60)).await.unwrap();
            assert_accounted(stats, &store.memory.records());
        });
        assert_eq!(stored(&store.memory)[..60], ids, "{durability}");
    }
}
