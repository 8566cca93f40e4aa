//! Storing batches.

use std::collections::BTreeSet;

use serde_json::json;
use tower_audit::{AuditStore, Event, EventId, Record};
use uuid::Uuid;

use super::fixture::{
    activities, altered, batch, builder, client, full, number, reader, record, schema, store,
};

#[tokio::test]
async fn both_ways_store_every_column_and_every_null_alike() {
    let (store, _schema) = store().await;
    let empty = || record(Event::activity("empty"));
    let copied = [full(), empty()];
    let inserted = [full(), empty()];
    store.append(&batch(&copied)).await.unwrap();
    store.append(&batch(&inserted).retry()).await.unwrap();
    let reader = reader(&store);
    for record in copied.iter().chain(&inserted) {
        let found = reader.get(record.id).await.unwrap().expect("it was stored");
        assert_eq!(&found, record);
    }
}

#[tokio::test]
async fn the_server_sees_the_same_rows_whichever_way_they_came() {
    let (store, schema) = store().await;
    let (copied, inserted) = (full(), full());
    store.append(&batch(&[copied])).await.unwrap();
    store.append(&batch(&[inserted]).retry()).await.unwrap();
    let distinct =
        format!("SELECT count(DISTINCT to_jsonb(e) - 'id' - 'occurred_at') FROM {schema}.events e");
    assert_eq!(number(&client().await, &distinct).await, 1);
}

#[tokio::test]
async fn a_large_batch_arrives_in_parts_and_is_stored_whole() {
    let (store, schema) = store().await;
    let body = "b".repeat(1000);
    let records: Vec<Record> = activities(2_000)
        .iter()
        .map(|record| altered(record, json!({ "request_body": body })))
        .collect();
    store.append(&batch(&records)).await.unwrap();
    let query =
        format!("SELECT count(*) FROM {schema}.events WHERE request_body = repeat('b', 1000)");
    assert_eq!(number(&client().await, &query).await, 2_000);
}

#[tokio::test]
async fn what_an_earlier_process_left_is_stored_once_whether_it_is_known_or_new() {
    let (store, schema) = store().await;
    let records = activities(60);
    store.append(&batch(&records[10..35])).await.unwrap();
    for (left, stored) in [
        (0..10, 35), // new
        (5..15, 35), // known
        (10..20, 35),
        (30..40, 40), // known in part
        (40..45, 45), // new, and seen to be so
        (45..60, 60),
    ] {
        let left = batch(&records[left]).recovered();
        store.append(&left).await.unwrap();
        let count = format!("SELECT count(*) FROM {schema}.events");
        assert_eq!(number(&client().await, &count).await, stored, "{left:?}");
    }
}

#[tokio::test]
async fn an_empty_batch_is_stored_without_asking_anybody() {
    let (store, _schema) = store().await;
    store.append(&batch(&[])).await.unwrap();
    store.append(&batch(&[]).retry()).await.unwrap();
}

#[tokio::test]
async fn a_retry_adds_nothing_twice() {
    let (store, schema) = store().await;
    let records = activities(10);
    store.append(&batch(&records[..4])).await.unwrap();
    // A first attempt that meets its own rows stores nothing and asks for a retry.
    let error = store.append(&batch(&records)).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    let count = format!("SELECT count(*) FROM {schema}.events");
    let client = client().await;
    assert_eq!(number(&client, &count).await, 4);
    for _ in 0..2 {
        store.append(&batch(&records).retry()).await.unwrap();
        assert_eq!(number(&client, &count).await, 10);
    }
}

#[tokio::test]
async fn a_record_of_any_day_finds_a_partition() {
    let (store, schema) = store().await;
    let date = |text: &str| EventId::at(text.parse().unwrap()).as_uuid();
    let odd = |retry: u128| {
        [
            Uuid::nil(),
            Uuid::from_u128(retry + 1),
            Uuid::from_u128(u128::MAX - retry),
            date("1970-01-01T00:00:00Z"),
            date("2024-02-29T00:00:00Z"),
            date("2024-02-29T23:59:59.999999Z"),
            date("9999-12-30T21:00:00Z"),
            // Not of version 7, in the millisecond in which a day starts.
            Uuid::from_u64_pair((19_000 * 86_400_000) << 16 | retry as u64, 7),
        ]
    };
    let with_ids = |ids: &[Uuid]| -> Vec<Record> {
        let plain = record(Event::activity("odd"));
        ids.iter()
            .map(|id| altered(&plain, json!({ "id": id })))
            .collect()
    };
    store.append(&batch(&with_ids(&odd(1)))).await.unwrap();
    let later = with_ids(&[date("2023-01-01T12:00:00Z"), date("2022-01-01T12:00:00Z")]);
    store.append(&batch(&later).retry()).await.unwrap();
    let client = client().await;
    let count = format!("SELECT count(*) FROM {schema}.events");
    assert_eq!(number(&client, &count).await, 10);
    let attached = format!(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = '{schema}.events'::regclass \
         AND inhrelid = '{schema}.events_20240229'::regclass"
    );
    assert_eq!(number(&client, &attached).await, 1);
}

#[tokio::test]
async fn instances_that_miss_the_same_partition_all_succeed() {
    let schema = schema();
    let builder = builder(&schema);
    builder.clone().connect().await.unwrap();
    let appends: Vec<_> = (0..6)
        .map(|_| {
            let builder = builder.clone();
            tokio::spawn(async move {
                let store = builder.connect().await.unwrap();
                let id = EventId::at("2020-02-02T02:02:02Z".parse().unwrap());
                let record = altered(&record(Event::activity("late")), json!({ "id": id }));
                store.append(&batch(&[record])).await
            })
        })
        .collect();
    for append in appends {
        append.await.unwrap().unwrap();
    }
    let count = format!("SELECT count(*) FROM {schema}.events_20200202");
    assert_eq!(number(&client().await, &count).await, 6);
}

#[tokio::test]
async fn a_batch_is_stored_from_a_runtime_that_did_not_connect() {
    let (store, schema) = store().await;
    let ids: BTreeSet<EventId> = std::thread::spawn(move || {
        let mut ids = BTreeSet::new();
        // Two runtimes, one after the other: a connection does not outlive its own.
        for _ in 0..2 {
            let records = activities(3);
            ids.extend(records.iter().map(|record| record.id));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(store.append(&batch(&records))).unwrap();
        }
        ids
    })
    .join()
    .unwrap();
    assert_eq!(ids.len(), 6);
    let count = format!("SELECT count(*) FROM {schema}.events");
    assert_eq!(number(&client().await, &count).await, 6);
}
