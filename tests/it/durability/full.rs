//! A journal without room.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use tower::Service;
use tower_audit::{AuditorBuilder, Durability, Event, HealthProblem, HealthStatus};

use super::{MODES, Process, count, directory, gaps, small};
use crate::support::{Gate, GatedStore, assert_accounted};

/// About 4 KiB as a record.
fn large() -> Event {
    Event::activity("test").description(&"x".repeat(4_000))
}

fn cramped(
    store: &GatedStore,
    directory: &tempfile::TempDir,
    durability: Durability,
) -> AuditorBuilder {
    small(store, directory, durability)
        .journal_max_bytes(16 << 20)
        .append_timeout(Duration::from_secs(3_600))
}

#[tokio::test(start_paused = true)]
async fn a_full_journal_drops_what_the_queue_cannot_hold_tells_and_recovers() {
    for durability in MODES {
        let directory = directory();
        let store = GatedStore::new([Gate::Slow(Duration::from_secs(600))]);
        let process = Process::start(cramped(&store, &directory, durability));
        let auditor = &process.auditor;
        let mut offered = 0;
        while auditor.stats().dropped_queue_full < 100 {
            for _ in 0..20 {
                auditor.record(large());
            }
            offered += 20;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let stats = auditor.stats();
        assert!(stats.journal_bytes <= 16 << 20, "{stats:?}");
        assert!(stats.journal_bytes > 15 << 20, "{stats:?}");
        assert!(offered > 3_000, "{offered}");
        let health = auditor.health();
        assert_eq!(health.status, HealthStatus::Failing);
        assert!(
            health.problems.contains(&HealthProblem::JournalFull),
            "{health}"
        );
        assert!(
            health.problems.contains(&HealthProblem::LosingEvents),
            "{health}"
        );

        auditor.flush().await.unwrap();
        auditor.flush().await.unwrap();
        let stats = auditor.stats();
        assert_accounted(stats, &store.memory.records());
        let told: u64 = gaps(&store.memory, "queue_full").iter().map(count).sum();
        assert_eq!(told, stats.dropped, "{durability}");
        // It writes again.
        process.record(5);
        auditor.flush().await.unwrap();
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert_eq!(
            auditor.health().status,
            HealthStatus::Ok,
            "{}",
            auditor.health()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_may_not_fill_its_disk_counts_as_full_and_storing_goes_on() {
    for durability in MODES {
        let directory = directory();
        let store = GatedStore::default();
        let builder = small(&store, &directory, durability).journal_min_free_bytes(u64::MAX);
        let process = Process::start(builder);
        for _ in 0..20 {
            process.record(20);
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        process.auditor.flush().await.unwrap();
        assert_eq!(store.memory.len(), 400);
        let stats = process.auditor.stats();
        assert_eq!((stats.dropped, stats.journal_bytes), (0, 0));
        let is_told = durability != Durability::Spill;
        let health = process.auditor.health();
        assert_eq!(
            health.problems.contains(&HealthProblem::JournalFull),
            is_told,
            "{health}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_fills_up_leaves_bodies_out_before_records_are_dropped() {
    let directory = directory();
    let store = GatedStore::new([Gate::Slow(Duration::from_secs(600))]);
    let process = Process::start(cramped(&store, &directory, Durability::Journal));
    let mut router = axum::Router::new()
        .route("/", axum::routing::post(|_: String| async { "done" }))
        .layer(process.auditor.layer());
    let body = serde_json::json!({ "text": "x".repeat(12_000) }).to_string();
    for _ in 0..2_000 {
        let request = Request::post("/").header("content-type", "application/json");
        let request = request.body(Body::from(body.clone())).unwrap();
        let response = router.call(request).await.unwrap();
        axum::body::to_bytes(response.into_body(), 100)
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    process.auditor.flush().await.unwrap();
    let records = store.memory.records();
    assert_accounted(process.auditor.stats(), &records);
    assert_eq!(records.len(), 2_000, "nothing was dropped");
    let (with, without): (Vec<_>, Vec<_>) = records
        .iter()
        .partition(|record| record.request_body.is_some());
    assert!(with.len() > 900 && without.len() > 500, "{}", with.len());
    for record in without {
        assert!(record.request_truncated && record.request_bytes > Some(12_000));
        assert_eq!(record.capture_notes, ["bodies_left_out"]);
    }
}
