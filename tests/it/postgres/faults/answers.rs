//! Answers that are lost on their way: the server has stored a batch, and nobody knows.

use std::time::Duration;

use tower_audit::PostgresStore;

use super::super::cluster::OWN;
use super::super::fixture::{number, schema};
use super::super::proxy::{Proxy, Then, When};
use super::{Trail, connect};

#[tokio::test]
async fn a_batch_whose_commit_was_never_confirmed_is_stored_once() {
    let client = connect(&OWN.url("postgres")).await;
    // Cut off, or not heard of any more.
    for then in [Then::Reset, Then::Hold] {
        let proxy = Proxy::start(OWN.port()).await;
        let schema = schema();
        let store = PostgresStore::builder(&proxy.url("answers"))
            .schema(&schema)
            .flush_timeout(Duration::from_millis(400));
        let mut trail = Trail::start(store.connect().await.unwrap()).await;
        trail.store(10).await;
        let before = trail.auditor.stats().failed_attempts;
        // Of the COPY, and of the INSERT that comes after it.
        proxy.catch(When::Done("COMMIT"), then);
        proxy.catch(When::Done("INSERT"), then);
        trail.record(500);
        proxy.caught(1).await;
        let rows = format!("SELECT count(*) FROM {schema}.events");
        assert_eq!(number(&client, &rows).await, 510, "it is committed");
        proxy.caught(2).await;
        trail.flush().await;
        let stats = trail.assert_stored(&client, &schema).await;
        assert_eq!(stats.failed_attempts, before + 2, "{stats:?}");
    }
}
