//! Partitions that somebody drops while the writer runs.

use tower_audit::{AuditStore, HealthStatus};

use super::super::fixture::{client, drop_partitions, role, store};
use super::{Trail, all};

#[tokio::test]
async fn a_partition_dropped_while_the_writer_runs_is_made_again() {
    let (store, schema) = store().await;
    let client = client().await;
    let mut trail = Trail::start(store).await;
    trail.store(10).await;
    drop_partitions(&client, &schema).await;
    // What was in them is gone with them.
    trail.owed.clear();
    trail.store(10).await;
    let stats = trail.auditor.stats();
    assert_eq!((stats.offered, stats.stored), (20, 20), "{stats:?}");
    assert_eq!((stats.failed_attempts, stats.pending), (0, 0), "{stats:?}");
    let reader = trail.auditor.reader().unwrap();
    let stored = all(&*reader).await.into_iter().map(|record| record.id);
    assert_eq!(stored.collect::<Vec<_>>(), trail.owed);
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
