//! What the server refuses, and how it gets stored in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio_postgres::Client;
use tower_audit::store::{Admission, Batch};
use tower_audit::{
    Actor, AuditQuarantine, AuditStore, Auditor, Error, Event, EventId, PageRequest, PostgresStore,
    Quarantined, Record,
};

use super::fixture::{
    activities, altered, builder, client, drop_partitions, execute, named_store, number, reader,
    record, role, schema, shown, store, terminate, wait_for_lock,
};

const MINUTE: Duration = Duration::from_secs(60);

/// A cause of refusals: what makes it, what takes it away, and how the server calls it.
struct Cause {
    sqlstate: &'static str,
    make: &'static str,
    lift: &'static str,
}

const CAUSES: [Cause; 6] = [
    Cause {
        sqlstate: "23514",
        make: "ALTER TABLE events ADD CONSTRAINT no_poison CHECK (action <> 'poison')",
        lift: "ALTER TABLE events DROP CONSTRAINT no_poison",
    },
    Cause {
        sqlstate: "23502",
        make: "ALTER TABLE events ALTER COLUMN actor_id SET NOT NULL",
        lift: "ALTER TABLE events ALTER COLUMN actor_id DROP NOT NULL",
    },
    Cause {
        sqlstate: "22003",
        make: "ALTER TABLE events ADD CONSTRAINT no_poison CHECK \
               (CASE WHEN action = 'poison' THEN 2147483647 + length(action) > 0 ELSE true END)",
        lift: "ALTER TABLE events DROP CONSTRAINT no_poison",
    },
    Cause {
        sqlstate: "54000",
        make: "CREATE INDEX poisoned ON events (description)",
        lift: "DROP INDEX poisoned",
    },
    // Without the name of a constraint, like a missing partition.
    Cause {
        sqlstate: "23514",
        make: "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
               $$ BEGIN RAISE check_violation; END $$; \
               CREATE TRIGGER no_poison BEFORE INSERT ON events FOR EACH ROW \
               WHEN (new.action = 'poison') EXECUTE FUNCTION refuse()",
        lift: "DROP TRIGGER no_poison ON events",
    },
    // Told only by the answer to the commit.
    Cause {
        sqlstate: "23514",
        make: "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
               $$ BEGIN RAISE check_violation; END $$; \
               CREATE CONSTRAINT TRIGGER no_poison AFTER INSERT ON events \
               DEFERRABLE INITIALLY DEFERRED FOR EACH ROW \
               WHEN (new.action = 'poison') EXECUTE FUNCTION refuse()",
        lift: "DROP TRIGGER no_poison ON events",
    },
];

/// A store whose first attempt fails, so that the server does not name the lines.
struct Retried(PostgresStore, AtomicBool);

#[async_trait]
impl AuditStore for Retried {
    async fn append(&self, batch: &Batch) -> Result<(), Error> {
        if !self.1.swap(true, Ordering::Relaxed) {
            return Err(Error::unavailable("the first attempt fails"));
        }
        assert!(batch.is_retry());
        self.0.append(batch).await
    }

    fn quarantine(&self) -> Option<Arc<dyn AuditQuarantine>> {
        self.0.quarantine()
    }
}

fn good() -> Event {
    Event::activity("good").actor(Actor::user(1))
}

fn poison() -> Event {
    // Random, so that compression does not make it fit an index.
    let noise: String = (0..4_000).map(|_| fastrand::alphanumeric()).collect();
    Event::activity("poison").description(&noise)
}

/// Gives a trail over this store a thousand events of which one is refused
/// until the cause is lifted, and looks where they are before and after.
/// Returns after how many attempts the record was set aside.
async fn check(cause: &Cause, store: impl AuditStore, client: &Client, schema: &str) -> u32 {
    let auditor = Auditor::builder().store(store).start().await.unwrap();
    let mut expected: Vec<EventId> = (0..600).map(|_| auditor.record(good())).collect();
    let id = auditor.record(poison());
    expected.extend((0..399).map(|_| auditor.record(good())));
    auditor.flush().await.unwrap();
    let stats = auditor.stats();
    let context = format!("{}: {stats:?}", cause.sqlstate);
    assert_eq!((stats.stored, stats.quarantined), (999, 1), "{context}");
    assert_eq!((stats.dropped, stats.pending), (0, 0), "{context}");
    let good = format!("SELECT count(*) FROM {schema}.events WHERE action = 'good'");
    let all = format!("SELECT count(*) FROM {schema}.events");
    assert_eq!(number(client, &good).await, 999);
    assert_eq!(number(client, &all).await, 999);

    let quarantine = auditor.quarantine().unwrap();
    let held = quarantine.list(&PageRequest::default()).await.unwrap();
    let [held] = &held.items[..] else {
        panic!("one record is held: {context}");
    };
    assert_eq!((held.record.id, &*held.reason), (id, cause.sqlstate));
    let noise = held.record.description.as_deref().unwrap();
    assert!(!held.message.contains(&noise[..9]), "{}", held.message);
    let outcome = quarantine.requeue(&[id]).await.unwrap();
    assert_eq!((outcome.stored.len(), &outcome.refused[..]), (0, &[id][..]));
    assert_eq!(number(client, &all).await, 999);

    execute(client, schema, cause.lift).await;
    let outcome = quarantine.requeue(&[id]).await.unwrap();
    assert_eq!(outcome.stored, [id]);
    assert_eq!(number(client, &all).await, 1_000);
    assert_eq!(quarantine.count().await.unwrap(), 0);
    let stats = auditor.shutdown(MINUTE).await.unwrap();
    assert_eq!((stats.stored, stats.quarantined), (1_000, 0), "{context}");
    assert_eq!((stats.offered, stats.pending), (1_000, 0), "{context}");
    held.attempts
}

#[tokio::test]
async fn of_a_copy_one_record_of_a_thousand_is_set_aside_whatever_the_cause() {
    let client = client().await;
    for cause in &CAUSES {
        let (store, schema) = store().await;
        execute(&client, &schema, cause.make).await;
        let attempts = check(cause, store, &client, &schema).await;
        // The server names the line, except of what may be a missing partition.
        assert_eq!(attempts == 1, !cause.make.contains("TRIGGER"), "{attempts}");
    }
}

#[tokio::test]
async fn of_a_retry_one_record_of_a_thousand_is_set_aside_whatever_the_cause() {
    let client = client().await;
    for cause in &CAUSES {
        let (store, schema) = store().await;
        execute(&client, &schema, cause.make).await;
        let store = Retried(store, AtomicBool::default());
        let attempts = check(cause, store, &client, &schema).await;
        assert!(
            (9..=12).contains(&attempts),
            "halved every time: {attempts}"
        );
    }
}

#[tokio::test]
async fn what_is_held_survives_a_restart() {
    let (first, schema) = store().await;
    let client = client().await;
    execute(&client, &schema, CAUSES[0].make).await;
    let auditor = Auditor::builder().store(first).start().await.unwrap();
    let ids = [auditor.record(poison()), auditor.record(poison())];
    let stats = auditor.shutdown(MINUTE).await.unwrap();
    assert_eq!((stats.quarantined, stats.dropped), (2, 0));

    let second = builder(&schema).connect().await.unwrap();
    let reader = reader(&second);
    let auditor = Auditor::builder().store(second).start().await.unwrap();
    let quarantine = auditor.quarantine().unwrap();
    let held = quarantine.list(&PageRequest::default()).await.unwrap();
    let found: Vec<_> = held.items.iter().map(|held| held.record.id).collect();
    assert_eq!(found, [ids[1], ids[0]]);
    execute(&client, &schema, CAUSES[0].lift).await;
    assert_eq!(quarantine.requeue(&ids).await.unwrap().stored.len(), 2);
    let stored = reader.get(ids[0]).await.unwrap().expect("it is stored");
    assert_eq!(stored, held.items[1].record);
    // They were never offered to this process.
    assert_eq!(auditor.stats().stored, 0);
}

#[tokio::test]
async fn a_missing_partition_is_made_on_the_spot_and_nothing_is_set_aside() {
    let (store, schema) = store().await;
    let client = client().await;
    drop_partitions(&client, &schema).await;
    let auditor = Auditor::builder().store(store).start().await.unwrap();
    (0..10).for_each(|_| _ = auditor.record(good()));
    let stats = auditor.shutdown(MINUTE).await.unwrap();
    assert_eq!((stats.stored, stats.quarantined), (10, 0));
    let held = format!("SELECT count(*) FROM {schema}.quarantine");
    assert_eq!(number(&client, &held).await, 0);
}

#[tokio::test]
async fn without_the_right_to_make_a_partition_records_wait_and_are_neither_lost_nor_set_aside() {
    let (owner, schema) = store().await;
    let client = client().await;
    let limited = role(&client, &schema).await.connect().await.unwrap();
    drop_partitions(&client, &schema).await;
    let auditor = Auditor::builder().store(limited).start().await.unwrap();
    (0..10).for_each(|_| _ = auditor.record(good()));
    while auditor.stats().failed_attempts < 3 {
        tokio::task::yield_now().await;
    }
    let during = auditor.stats();
    assert_eq!((during.pending, during.stored), (10, 0), "{during:?}");
    assert_eq!((during.quarantined, during.dropped), (0, 0), "{during:?}");
    owner.maintain().await.unwrap();
    let stats = auditor.shutdown(MINUTE).await.unwrap();
    assert_eq!((stats.stored, stats.quarantined), (10, 0));
    let held = format!("SELECT count(*) FROM {schema}.quarantine");
    assert_eq!(number(&client, &held).await, 0);
}

#[tokio::test]
async fn a_connection_that_ends_while_a_record_is_set_aside_keeps_it_pending() {
    let (store, schema) = named_store("aside").await;
    let (client, lock) = (client().await, client().await);
    execute(&client, &schema, CAUSES[0].make).await;
    let take = "BEGIN; LOCK TABLE quarantine IN ACCESS EXCLUSIVE MODE";
    execute(&lock, &schema, take).await;
    let auditor = Auditor::builder().store(store).start().await.unwrap();
    auditor.record(good());
    auditor.record(poison());
    wait_for_lock(&client, "aside writer").await;
    assert_eq!(terminate(&client, "aside writer").await, 1);
    wait_for_lock(&client, "aside writer").await;
    let during = auditor.stats();
    assert_eq!((during.stored, during.pending), (1, 1), "{during:?}");
    assert_eq!((during.quarantined, during.dropped), (0, 0), "{during:?}");
    lock.batch_execute("ROLLBACK").await.unwrap();
    let stats = auditor.shutdown(MINUTE).await.unwrap();
    assert_eq!((stats.stored, stats.quarantined, stats.dropped), (1, 1, 0));
}

fn refused(record: &Record) -> Quarantined {
    Quarantined::new(record.clone(), &Error::rejected(None, "refused"), 1)
}

#[tokio::test]
async fn a_quarantine_has_bounds_and_what_it_holds_stays_held() {
    let schema = schema();
    let records = activities(2);
    let put = async |store: PostgresStore, record: &Record| {
        let quarantine = store.quarantine().unwrap();
        quarantine.put(&refused(record)).await.unwrap()
    };
    let one = builder(&schema).max_quarantine_size(1);
    let one = async || one.clone().connect().await.unwrap();
    assert_eq!(put(one().await, &records[0]).await, Admission::Held);
    assert_eq!(put(one().await, &records[1]).await, Admission::Full);
    assert_eq!(put(one().await, &records[0]).await, Admission::Held);
    let small = builder(&schema).max_quarantine_bytes(3_000);
    let small = small.connect().await.unwrap();
    assert_eq!(put(small, &records[1]).await, Admission::Full);
    let large = builder(&schema).max_quarantine_bytes(9_000);
    let large = large.connect().await.unwrap();
    assert_eq!(put(large, &records[1]).await, Admission::Held);
}

#[tokio::test]
async fn those_who_requeue_at_the_same_time_move_each_record_once() {
    let (store, schema) = store().await;
    let quarantine = store.quarantine().unwrap();
    let records = activities(50);
    for record in &records {
        quarantine.put(&refused(record)).await.unwrap();
    }
    let ids: Vec<EventId> = records.iter().map(|record| record.id).collect();
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (quarantine, ids) = (Arc::clone(&quarantine), ids.clone());
            tokio::spawn(async move { quarantine.requeue(&ids).await.unwrap() })
        })
        .collect();
    let mut moved = Vec::new();
    for task in tasks {
        moved.extend(task.await.unwrap());
    }
    moved.sort();
    assert_eq!(moved, ids);
    let events = format!("SELECT count(*) FROM {schema}.events");
    assert_eq!(number(&client().await, &events).await, 50);
    assert_eq!(quarantine.count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_requeue_given_up_at_any_moment_leaves_each_record_in_one_place() {
    let (store, schema) = store().await;
    let quarantine = store.quarantine().unwrap();
    let client = client().await;
    let both = format!(
        "SELECT count(*) FROM (SELECT id FROM {schema}.events UNION ALL SELECT id FROM {schema}.quarantine) r"
    );
    let mut owed = 0;
    for step in 0..30 {
        let records = activities(20);
        owed += 20;
        for record in &records {
            quarantine.put(&refused(record)).await.unwrap();
        }
        let ids: Vec<EventId> = records.iter().map(|record| record.id).collect();
        let patience = Duration::from_micros(step * 500);
        // Whether it was in time does not matter.
        let _ = tokio::time::timeout(patience, quarantine.requeue(&ids)).await;
        quarantine.requeue(&ids).await.unwrap();
        assert_eq!(number(&client, &both).await, owed);
    }
    assert_eq!(quarantine.count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_record_of_a_day_without_a_partition_can_be_requeued() {
    let (store, _schema) = store().await;
    let id = EventId::at("2021-03-04T05:06:07Z".parse().unwrap());
    let late = altered(&record(good()), json!({ "id": id }));
    let quarantine = store.quarantine().unwrap();
    quarantine.put(&refused(&late)).await.unwrap();
    assert_eq!(quarantine.requeue(&[id]).await.unwrap(), [id]);
    let stored = reader(&store).get(id).await.unwrap();
    assert_eq!(stored, Some(late));
}

#[tokio::test]
async fn a_row_that_was_altered_by_hand_keeps_no_other_from_being_stored() {
    let (store, schema) = store().await;
    let client = client().await;
    let quarantine = store.quarantine().unwrap();
    let records = activities(5);
    for record in &records {
        quarantine.put(&refused(record)).await.unwrap();
    }
    let ids: Vec<EventId> = records.iter().map(|record| record.id).collect();
    let alter = format!(
        "UPDATE quarantine SET record = '{{canary' WHERE id = '{}'",
        ids[2]
    );
    execute(&client, &schema, &alter).await;
    let auditor = Auditor::builder().store(store).start().await.unwrap();
    let handle = auditor.quarantine().unwrap();
    let outcome = handle.requeue(&ids).await.unwrap();
    assert_eq!(outcome.stored.len(), 4);
    assert_eq!(outcome.refused, [ids[2]]);
    let error = handle.list(&PageRequest::default()).await.unwrap_err();
    let shown = shown(&error);
    assert!(
        shown.contains(&ids[2].to_string()) && !shown.contains("canary"),
        "{shown}"
    );
    assert_eq!(handle.discard(&[ids[2]]).await.unwrap(), 1);
}
