//! Servers that say nothing any more, and may go on later.

use std::time::Duration;

use tower_audit::PostgresStore;

use super::super::cluster::OWN;
use super::super::fixture::{number, schema};
use super::super::proxy::{Mode, Proxy, Then, When};
use super::{Trail, connect, processes, signal, writer_process};

/// So long the writer waits here, and half of it for a lock.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(400);

const TIMED_OUT: &str = "did not finish within the writer's time";

/// A trail by way of the proxy.
async fn trail(proxy: &Proxy, name: &str, schema: &str) -> Trail {
    let store = PostgresStore::builder(&proxy.url(name))
        .schema(schema)
        .flush_timeout(FLUSH_TIMEOUT);
    Trail::start(store.connect().await.unwrap()).await
}

#[tokio::test]
async fn a_server_process_that_stands_still_is_left_alone_for_good() {
    let client = connect(&OWN.url("postgres")).await;
    let proxy = Proxy::start(OWN.port()).await;
    let schema = schema();
    let mut trail = trail(&proxy, "still", &schema).await;
    trail.store(10).await;
    let stopped = writer_process(&client, "still").await;
    signal(stopped, "STOP");
    trail.store(10).await;
    trail.failed_with(TIMED_OUT).await;
    let writers = processes(&client, "still writer").await;
    let [other] = writers
        .iter()
        .filter(|process| **process != stopped)
        .collect::<Vec<_>>()[..]
    else {
        panic!("one connection in place of the other: {writers:?}");
    };

    // It reads what it was sent, finds nobody who wants its answer, and goes.
    signal(stopped, "CONT");
    assert_eq!(writer_process(&client, "still").await, *other);
    trail.store(10).await;
    assert_eq!(writer_process(&client, "still").await, *other);
    trail.assert_stored(&client, &schema).await;
}

#[tokio::test]
async fn a_commit_that_comes_late_makes_no_second_copy() {
    let client = connect(&OWN.url("postgres")).await;
    let proxy = Proxy::start(OWN.port()).await;
    let schema = schema();
    let mut trail = trail(&proxy, "late", &schema).await;
    trail.store(10).await;
    proxy.catch(When::Statement("COMMIT"), Then::Hold);
    trail.record(50);
    proxy.caught(1).await;
    let first = writer_process(&client, "late").await;
    trail.failed_with(TIMED_OUT).await;
    // The next attempt meets rows of which nobody knows yet whether they will stay.
    trail.failed_with("SQLSTATE 55P03").await;
    let rows = format!("SELECT count(*) FROM {schema}.events");
    assert_eq!(number(&client, &rows).await, 10);
    proxy.release();
    trail.flush().await;
    assert_ne!(writer_process(&client, "late").await, first);
    trail.assert_stored(&client, &schema).await;
}

#[tokio::test]
async fn a_connection_on_which_nothing_comes_through_is_dropped_and_another_one_opened() {
    let client = connect(&OWN.url("postgres")).await;
    let proxy = Proxy::start(OWN.port()).await;
    let schema = schema();
    let mut trail = trail(&proxy, "silent", &schema).await;
    trail.store(10).await;
    let first = writer_process(&client, "silent").await;
    let before = proxy.connections();
    proxy.set(Mode::Hold);
    trail.record(50);
    // What is opened now is as silent.
    let failures = trail.until(|stats| stats.failed_attempts >= 2).await;
    assert_eq!(
        (failures.stored, failures.pending),
        (10, 50),
        "{failures:?}"
    );
    assert!(proxy.connections() > before);
    proxy.set(Mode::Pass);
    trail.flush().await;
    assert_ne!(writer_process(&client, "silent").await, first);
    trail.assert_stored(&client, &schema).await;
}
