//! Instances tell each other of what they store.

use std::time::Duration;

use tokio::time::timeout;
use tower_audit::store::{Bell, Ring};
use tower_audit::{AuditStore, Event, EventId, PostgresStore, Record};

use super::fixture::{
    activities, batch, client, execute, named_builder, named_store, number, reader, record,
    terminate, wait_for_lock,
};

async fn ring(bell: &mut Bell) -> Ring {
    let patience = Duration::from_secs(20);
    timeout(patience, bell.ring()).await.expect("a ring")
}

/// A bell that hears what others say.
async fn listening(store: &PostgresStore) -> Bell {
    let mut bell = reader(store).bell();
    assert_eq!(
        ring(&mut bell).await,
        Ring::Unsure,
        "it listens from now on"
    );
    bell
}

/// The ids that a ring tells of, where it tells of one span.
fn told(ring: &Ring) -> [EventId; 2] {
    match ring {
        Ring::Stored(spans) => {
            assert_eq!(spans.len(), 1);
            [spans[0].first, spans[0].last]
        }
        other => panic!("a ring that tells of nothing: {other:?}"),
    }
}

fn span(records: &[Record]) -> [EventId; 2] {
    [records[0].id, records.last().unwrap().id]
}

#[tokio::test]
async fn an_instance_hears_of_the_batches_of_another_in_the_order_of_their_commits() {
    let (store, schema) = named_store("hearing").await;
    let other = named_builder("telling", &schema).connect().await.unwrap();
    let mut bell = listening(&store).await;
    let (older, newer) = (activities(2), activities(2));
    other.append(&batch(&newer)).await.unwrap();
    assert_eq!(told(&ring(&mut bell).await), span(&newer));
    other.append(&batch(&older)).await.unwrap();
    assert_eq!(told(&ring(&mut bell).await), span(&older));
    let retried = activities(1);
    other.append(&batch(&retried).retry()).await.unwrap();
    assert_eq!(told(&ring(&mut bell).await), span(&retried));
}

#[tokio::test]
async fn a_batch_that_commits_late_is_told_of_after_a_newer_one() {
    let (store, schema) = named_store("late-hearing").await;
    let slow = named_builder("late-telling", &schema)
        .connect()
        .await
        .unwrap();
    let mut bell = listening(&store).await;
    let (lock, watch) = (client().await, client().await);
    // A trigger makes the commit of one batch wait for a lock.
    let waiting = "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_advisory_xact_lock(77); RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER late AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW WHEN (NEW.action = 'late') EXECUTE FUNCTION wait()";
    execute(&lock, &schema, waiting).await;
    let older = [record(Event::activity("late"))];
    let newer = activities(1);
    lock.batch_execute("SELECT pg_advisory_lock(77)")
        .await
        .unwrap();
    let late = batch(&older);
    let storing = tokio::spawn(async move { slow.append(&late).await });
    wait_for_lock(&watch, "late-telling writer").await;
    store.append(&batch(&newer)).await.unwrap();
    assert_eq!(told(&ring(&mut bell).await), span(&newer));
    assert_eq!(reader(&store).get(older[0].id).await.unwrap(), None);
    lock.batch_execute("SELECT pg_advisory_unlock(77)")
        .await
        .unwrap();
    storing.await.unwrap().unwrap();
    assert_eq!(told(&ring(&mut bell).await), span(&older));
    assert_eq!(
        reader(&store).get(older[0].id).await.unwrap().as_ref(),
        Some(&older[0])
    );
}

#[tokio::test]
async fn whoever_lost_the_connection_looks_for_itself_and_listens_again() {
    let (store, _schema) = named_store("cut-off").await;
    let mut bell = listening(&store).await;
    let client = client().await;
    assert_eq!(terminate(&client, "cut-off listener").await, 1);
    assert_eq!(ring(&mut bell).await, Ring::Unsure, "cut off");
    assert_eq!(ring(&mut bell).await, Ring::Unsure, "listening again");
    let records = activities(1);
    store.append(&batch(&records)).await.unwrap();
    assert_eq!(told(&ring(&mut bell).await), span(&records));
}

#[tokio::test]
async fn all_bells_of_a_process_share_one_connection() {
    let (store, _schema) = named_store("one-listener").await;
    let mut bells = vec![listening(&store).await];
    bells.extend((0..3).map(|_| reader(&store).bell()));
    let records = activities(1);
    store.append(&batch(&records)).await.unwrap();
    for bell in &mut bells {
        assert_eq!(told(&ring(bell).await), span(&records));
    }
    let count =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'one-listener listener'";
    let client = client().await;
    assert_eq!(number(&client, count).await, 1);
}
