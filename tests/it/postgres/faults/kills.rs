//! Servers and their processes that end in the middle of the work.

use tower_audit::PostgresStore;

use super::super::cluster::Cluster;
use super::super::fixture::{number, schema};
use super::super::proxy::{Mode, Proxy, Then, When};
use super::{Trail, connect, signal, writer_process};

#[tokio::test]
async fn a_server_that_is_killed_in_the_middle_of_a_copy_has_every_row_once_in_the_end() {
    let cluster = Cluster::start();
    let proxy = Proxy::start(cluster.port()).await;
    let schema = schema();
    let store = PostgresStore::builder(&proxy.url("killed")).schema(&schema);
    let store = store.connect().await.unwrap();
    let mut trail = Trail::configured(store, |builder| builder.max_batch_size(5_000)).await;
    proxy.catch(When::CopyData(3), Then::Hold);
    trail.record(5_000);
    proxy.caught(1).await;
    cluster.crash();
    proxy.release();
    trail
        .failed_with("the connection to the database was lost")
        .await;

    cluster.restart_in_recovery();
    trail.failed_with("SQLSTATE 57P03").await;
    trail.assert_waiting().await;

    proxy.set(Mode::Hold);
    cluster.promote();
    let client = connect(&cluster.url("postgres")).await;
    let rows = format!("SELECT count(*) FROM {schema}.events");
    assert_eq!(number(&client, &rows).await, 0, "the batch is rolled back");
    proxy.set(Mode::Pass);
    trail.assert_stored(&client, &schema).await;
}

#[tokio::test]
async fn a_server_process_that_is_ended_or_killed_costs_no_record() {
    let cluster = Cluster::start();
    let proxy = Proxy::start(cluster.port()).await;
    let schema = schema();
    let store = PostgresStore::builder(&proxy.url("process")).schema(&schema);
    let mut trail = Trail::start(store.connect().await.unwrap()).await;
    let mut caught = 0;
    // The second one takes all other processes of the server with it.
    for name in ["TERM", "KILL"] {
        trail.store(10).await;
        let client = connect(&cluster.url("postgres")).await;
        signal(writer_process(&client, "process").await, name);
        // Whether the writer has noticed yet is a matter of luck.
        trail.store(10).await;

        let client = connect(&cluster.url("postgres")).await;
        let process = writer_process(&client, "process").await;
        proxy.catch(When::CopyData(2), Then::Hold);
        trail.record(1_000);
        caught += 1;
        proxy.caught(caught).await;
        signal(process, name);
        proxy.release();
        trail.store(10).await;
    }
    let client = connect(&cluster.url("postgres")).await;
    let stats = trail.assert_stored(&client, &schema).await;
    assert!(stats.failed_attempts >= 2, "{stats:?}");
}
