//! What the writer hears when something goes wrong, and what it must never hear.

use std::time::Duration;

use serde_json::json;
use tokio_postgres::Client;
use tower_audit::{AuditStore, Event, PostgresStore, Record};

use super::fixture::{
    activities, altered, batch, builder, client, execute, named_builder, named_store, number,
    reader, record, schema, shown, store, terminate, wait_for_lock,
};

const CANARY: &str = "canary-7f3a";

/// Ten good records, and in the fifth place one that the server will refuse.
fn poisoned(fields: serde_json::Value) -> Vec<Record> {
    let mut records = activities(10);
    let canary = record(Event::activity("poison").description(CANARY));
    records[4] = altered(&canary, fields);
    records
}

async fn assert_refused(store: &PostgresStore, records: &[Record], sqlstate: &str) {
    let error = store.append(&batch(records)).await.unwrap_err();
    assert!(error.is_rejected(), "{error:?}");
    assert_eq!(error.rejected_index(), Some(4), "{error:?}");
    assert!(error.to_string().contains(sqlstate), "{error}");
    assert!(!shown(&error).contains(CANARY), "{error:?}");

    let error = store.append(&batch(records).retry()).await.unwrap_err();
    assert!(error.is_rejected(), "{error:?}");
    assert!(!shown(&error).contains(CANARY), "{error:?}");
}

async fn assert_nothing_stored(client: &Client, schema: &str) {
    let count = format!("SELECT count(*) FROM {schema}.events");
    assert_eq!(number(client, &count).await, 0);
}

#[tokio::test]
async fn text_that_the_server_refuses_names_its_record_and_not_its_content() {
    let (store, schema) = store().await;
    let records = poisoned(json!({ "path": format!("{CANARY}\0{CANARY}") }));
    assert_refused(&store, &records, "22021").await;
    assert_nothing_stored(&client().await, &schema).await;
}

#[tokio::test]
async fn a_check_that_somebody_added_names_the_record_and_the_constraint() {
    let (store, schema) = store().await;
    let client = client().await;
    let check =
        format!("ALTER TABLE {schema}.events ADD CONSTRAINT no_poison CHECK (action <> 'poison')");
    client.batch_execute(&check).await.unwrap();
    let records = poisoned(json!({}));
    assert_refused(&store, &records, "23514, constraint no_poison").await;
    assert_nothing_stored(&client, &schema).await;
    // Without the poison the rest goes through.
    let rest: Vec<Record> = [&records[..4], &records[5..]].concat();
    store.append(&batch(&rest).retry()).await.unwrap();
}

#[tokio::test]
async fn a_value_that_somebody_else_wants_to_be_unique_is_refused_for_good() {
    let (store, schema) = store().await;
    let client = client().await;
    let once = format!(
        "CREATE FUNCTION {schema}.once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF NEW.action = 'poison' THEN RAISE unique_violation USING CONSTRAINT = 'once'; END IF; \
         RETURN NEW; END $$; \
         CREATE TRIGGER once BEFORE INSERT ON {schema}.events FOR EACH ROW EXECUTE FUNCTION {schema}.once()"
    );
    client.batch_execute(&once).await.unwrap();
    let records = poisoned(json!({}));
    let error = store.append(&batch(&records)).await.unwrap_err();
    assert!(error.is_transient(), "it may be an id: {error:?}");
    let error = store.append(&batch(&records).retry()).await.unwrap_err();
    assert!(error.is_rejected(), "{error:?}");
    assert!(
        error.to_string().contains("23505, constraint once"),
        "{error}"
    );
    assert!(!shown(&error).contains(CANARY), "{error:?}");
    assert_nothing_stored(&client, &schema).await;
}

#[tokio::test]
async fn a_text_that_an_index_cannot_hold_is_refused_with_its_place() {
    let (store, schema) = store().await;
    let client = client().await;
    let index = format!("CREATE INDEX ON {schema}.events (path)");
    client.batch_execute(&index).await.unwrap();
    // Random, so that compression does not make it fit.
    let noise: String = (0..9_000).map(|_| fastrand::alphanumeric()).collect();
    let records = poisoned(json!({ "path": format!("{CANARY}{noise}") }));
    assert_refused(&store, &records, "54000").await;
    assert_nothing_stored(&client, &schema).await;
}

#[tokio::test]
async fn a_number_that_a_column_cannot_hold_names_its_record_and_column() {
    let (store, schema) = store().await;
    let records = poisoned(json!({ "grpc_status": 40_000 }));
    assert_refused(&store, &records, "grpc_status").await;
    assert_nothing_stored(&client().await, &schema).await;
}

#[tokio::test]
async fn a_missing_right_keeps_the_batch_and_says_so() {
    let (store, schema) = store().await;
    let client = client().await;
    let drop = format!("ALTER TABLE {schema}.events RENAME TO elsewhere");
    client.batch_execute(&drop).await.unwrap();
    let records = activities(1);
    let error = store.append(&batch(&records)).await.unwrap_err();
    assert_eq!(error.code(), "configuration");
    assert!(error.to_string().contains("42P01"), "{error}");
    let back = format!("ALTER TABLE {schema}.elsewhere RENAME TO events");
    client.batch_execute(&back).await.unwrap();
    store.append(&batch(&records).retry()).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_was_ended_is_replaced() {
    let (store, schema) = named_store("ended").await;
    let client = client().await;
    for _ in 0..3 {
        store.append(&batch(&activities(5))).await.unwrap();
        assert_eq!(terminate(&client, "ended writer").await, 1);
        // Whether the writer has noticed yet is a matter of luck.
        let records = activities(5);
        if let Err(error) = store.append(&batch(&records)).await {
            assert!(error.is_transient(), "{error:?}");
            store.append(&batch(&records).retry()).await.unwrap();
        }
    }
    let count = format!("SELECT count(*) FROM {schema}.events");
    assert_eq!(number(&client, &count).await, 30);
}

#[tokio::test]
async fn a_server_process_that_ends_during_a_batch_is_worth_a_retry() {
    let (store, schema) = named_store("during").await;
    let (client, lock) = (client().await, client().await);
    let take = format!("BEGIN; LOCK TABLE {schema}.events IN ACCESS EXCLUSIVE MODE");
    lock.batch_execute(&take).await.unwrap();
    let records = activities(5);
    let first = batch(&records);
    let (outcome, ()) = tokio::join!(store.append(&first), async {
        wait_for_lock(&client, "during writer").await;
        assert_eq!(terminate(&client, "during writer").await, 1);
    });
    let error = outcome.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    lock.batch_execute("ROLLBACK").await.unwrap();
    store.append(&first.retry()).await.unwrap();
    let count = format!("SELECT count(*) FROM {schema}.events");
    assert_eq!(number(&client, &count).await, 5);
}

#[tokio::test]
async fn a_batch_that_takes_too_long_times_out_and_its_connection_is_not_used_again() {
    let schema = schema();
    let store = named_builder("slow", &schema)
        .flush_timeout(Duration::from_secs(2))
        .connect()
        .await
        .unwrap();
    let client = client().await;
    let pid = "SELECT coalesce(min(pid), 0)::bigint FROM pg_stat_activity WHERE application_name = 'slow writer'";
    store.append(&batch(&activities(1))).await.unwrap();
    let before = number(&client, pid).await;
    let make = "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS \
                $$ BEGIN PERFORM pg_sleep(60); RETURN new; END $$; \
                CREATE TRIGGER dawdle BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION dawdle()";
    execute(&client, &schema, make).await;
    let records = activities(2);
    let error = store.append(&batch(&records)).await.unwrap_err();
    assert!(error.is_timeout() && error.is_transient(), "{error:?}");
    execute(&client, &schema, "DROP TRIGGER dawdle ON events").await;
    store.append(&batch(&records).retry()).await.unwrap();
    assert_ne!(
        number(&client, &format!("{pid} AND pid <> {before}")).await,
        0
    );
    let count = format!("SELECT count(*) FROM {schema}.events");
    assert_eq!(number(&client, &count).await, 3);
}

#[tokio::test]
async fn a_batch_given_up_at_any_moment_is_stored_once_by_the_retry() {
    let (store, schema) = store().await;
    let mut owed = 0;
    let mut given_up = 0;
    for hundreds in 0..40 {
        let records = activities(50);
        owed += records.len() as i64;
        let first = batch(&records);
        let patience = Duration::from_micros(hundreds * 100);
        if tokio::time::timeout(patience, store.append(&first))
            .await
            .is_err()
        {
            given_up += 1;
        }
        store.append(&first.retry()).await.unwrap();
    }
    assert!(given_up > 0);
    let count = format!("SELECT count(*) FROM {schema}.events");
    assert_eq!(number(&client().await, &count).await, owed);
}

#[tokio::test]
async fn readers_and_the_writer_never_share_a_connection() {
    let (store, _schema) = named_store("apart").await;
    let records = activities(1);
    store.append(&batch(&records)).await.unwrap();
    let reader = reader(&store);
    reader.get(records[0].id).await.unwrap();
    let client = client().await;
    assert_eq!(terminate(&client, "apart writer").await, 1);
    assert!(reader.get(records[0].id).await.unwrap().is_some());
    assert_eq!(terminate(&client, "apart reader").await, 1);
    assert_eq!(terminate(&client, "apart setup").await, 0);
}

#[test]
fn a_store_can_be_shared() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<PostgresStore>();
    shared::<tower_audit::PostgresStoreBuilder>();
}

#[tokio::test]
async fn a_store_says_nothing_of_its_url() {
    let builder = builder(&schema());
    let shown = format!("{builder:?} {:?}", builder.clone().connect().await.unwrap());
    assert!(!shown.contains("127.0.0.1"), "{shown}");
}
