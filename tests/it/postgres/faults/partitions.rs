//! Partitions that somebody drops while the writer runs.

use tower_audit::{AuditStore, HealthStatus};

use super::super::fixture::{client, drop_partitions, role, store};
use super::Trail;

#[tokio::test]
async fn a_partition_dropped_while_the_writer_runs_is_made_again() {
    let (store, schema) = store().await;
    let client = client().await;
    let mut trail = Trail::start(store).await;
    trail.store(10).await;
    drop_partitions(&client, &schema).await;
    // What was in them is gone with them.
    let gone = std::mem::take(&mut trail.owed);
    trail.store(10).await;
    let stats = trail.auditor.stats();
    assert_eq!((stats.failed_attempts, gone.len()), (0, 10), "{stats:?}");
    assert_eq!((stats.stored, stats.quarantined), (20, 0), "{stats:?}");
}

#[tokio::test]
async fn without_the_right_to_make_it_again_records_wait_in_the_journal() {
    let (owner, schema) = store().await;
    let client = client().await;
    let limited = role(&client, &schema).await.connect().await.unwrap();
    let mut trail = Trail::start(limited).await;
    trail.until(|stats| stats.pending == 0).await;
    drop_partitions(&client, &schema).await;
    trail.record(100);
    trail.failed_with("SQLSTATE 42501").await;
    trail.assert_waiting().await;
    assert_eq!(trail.auditor.health().status, HealthStatus::Degraded);
    owner.maintain().await.unwrap();
    trail.assert_stored(&client, &schema).await;
}
