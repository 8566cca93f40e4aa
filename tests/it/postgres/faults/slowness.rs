//! A way to the server that is too narrow for what is to go through.

use tower_audit::{Durability, PostgresStore};

use super::super::cluster::OWN;
use super::super::fixture::schema;
use super::super::proxy::{Mode, Proxy};
use super::{Trail, connect};

#[tokio::test]
async fn what_a_slow_server_does_not_take_goes_to_disk_before_memory_is_full() {
    let client = connect(&OWN.url("postgres")).await;
    let proxy = Proxy::start(OWN.port()).await;
    for durability in [Durability::Spill, Durability::Journal] {
        let schema = schema();
        let store = PostgresStore::builder(&proxy.url("slow")).schema(&schema);
        let store = store.connect().await.unwrap();
        let mut trail = Trail::configured(store, |builder| {
            builder
                .durability(durability)
                .max_batch_size(50)
                .max_queue_size(200)
        })
        .await;
        trail.store(10).await;
        proxy.set(Mode::Slow);
        let mut on_disk = 0;
        for _ in 0..30 {
            trail.record(30);
            // As full as that it never stays, for the disk takes the rest.
            let stats = trail.until(|stats| stats.queued <= 100).await;
            assert_eq!((stats.dropped, stats.failed_attempts), (0, 0), "{stats:?}");
            on_disk = on_disk.max(stats.journal_records);
        }
        let stats = trail.auditor.stats();
        assert!(stats.stored < 450, "the server is slow: {stats:?}");
        assert!(on_disk > 450, "the disk took over: {on_disk}");
        let stored = stats.stored;
        trail.until(|stats| stats.stored > stored).await;
        proxy.set(Mode::Pass);
        let stats = trail.assert_stored(&client, &schema).await;
        assert_eq!(stats.failed_attempts, 0, "slow is not broken: {stats:?}");
    }
}
