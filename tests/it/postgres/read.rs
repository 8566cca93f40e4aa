//! Reading back.

use std::time::Duration;

use serde_json::json;
use tower_audit::{AuditStore, Event, Filter, Kind, Outcome, PageRequest, Record, Timestamp};

use super::fixture::{activities, altered, batch, builder, client, reader, record, schema, store};

#[tokio::test]
async fn every_filter_finds_what_it_asks_for() {
    let (store, _schema) = store().await;
    let wanted = altered(
        &record(
            Event::auth("login")
                .actor(tower_audit::Actor::user("ada"))
                .tenant("t1"),
        ),
        json!({
            "outcome": "completed", "method": "POST", "status": 418, "route": "/a/{b}",
            "path": "/a/100%_x", "request_id": "r1", "trace_id": "tr1", "success": false,
        }),
    );
    let other = altered(
        &record(Event::activity("thing.do")),
        json!({ "path": "/a/100xyx" }),
    );
    store
        .append(&batch(&[wanted.clone(), other]))
        .await
        .unwrap();
    let reader = reader(&store);
    let page = PageRequest::default();
    for filter in [
        Filter::new().kind(Kind::Auth),
        Filter::new().action("login"),
        Filter::new().outcome(Outcome::Completed),
        Filter::new().success(false),
        Filter::new().method("POST"),
        Filter::new().status(418),
        Filter::new().route("/a/{b}"),
        Filter::new().path("/a/100%_x"),
        Filter::new().path_prefix("/a/100%_"),
        Filter::new().actor_id("ada"),
        Filter::new().tenant_id("t1"),
        Filter::new().request_id("r1"),
        Filter::new().trace_id("tr1"),
        Filter::new()
            .from(wanted.occurred_at)
            .action("login")
            .success(false),
    ] {
        let found = reader.list(&filter, &page).await.unwrap();
        let ids: Vec<_> = found.items.iter().map(|record| record.id).collect();
        assert_eq!(ids, [wanted.id], "{filter:?}");
    }
    for nothing in [
        Filter::new().status(u16::MAX),
        Filter::new().actor_id("a\0da"),
        Filter::new().to(wanted.occurred_at),
        Filter::new().from(Timestamp::now().plus_days(1)),
        Filter::new()
            .from(Timestamp::now())
            .to(Timestamp::now().plus_days(-1)),
    ] {
        let found = reader.list(&nothing, &page).await.unwrap();
        assert!(found.items.is_empty(), "{nothing:?}");
    }
}

#[tokio::test]
async fn pages_go_back_and_forth_over_everything_once() {
    let (store, _schema) = store().await;
    let records = activities(25);
    store.append(&batch(&records)).await.unwrap();
    let reader = reader(&store);
    let first = PageRequest::new(10).unwrap();
    let mut page = reader.list(&Filter::new(), &first).await.unwrap();
    let mut seen: Vec<Record> = page.items.clone();
    while let Some(next) = page.next_cursor {
        page = reader
            .list(&Filter::new(), &first.cursor(next))
            .await
            .unwrap();
        seen.extend(page.items.clone());
    }
    seen.reverse();
    assert_eq!(seen, records);
    let back = page.prev_cursor.expect("there is a page before");
    let page = reader
        .list(&Filter::new(), &first.cursor(back))
        .await
        .unwrap();
    let expected: Vec<_> = records[5..15].iter().rev().cloned().collect();
    assert_eq!(page.items, expected);
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_a_timeout_and_the_next_one_works() {
    let schema = schema();
    let builder = builder(&schema).statement_timeout(Duration::from_millis(200));
    let store = builder.max_readers(1).connect().await.unwrap();
    let records = activities(1);
    store.append(&batch(&records)).await.unwrap();
    let client = client().await;
    let lock = format!("BEGIN; LOCK TABLE {schema}.events IN ACCESS EXCLUSIVE MODE");
    client.batch_execute(&lock).await.unwrap();
    let reader = reader(&store);
    let error = reader.get(records[0].id).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    client.batch_execute("ROLLBACK").await.unwrap();
    let found = reader.get(records[0].id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&records[0]));
}

#[tokio::test]
async fn a_query_given_up_does_not_keep_the_next_one_waiting() {
    let schema = schema();
    let store = builder(&schema).max_readers(1).connect().await.unwrap();
    let records = activities(1);
    store.append(&batch(&records)).await.unwrap();
    let client = client().await;
    let lock = format!("BEGIN; LOCK TABLE {schema}.events_waiting IN ACCESS EXCLUSIVE MODE");
    let extra = format!("CREATE TABLE {schema}.events_waiting ()");
    client.batch_execute(&extra).await.unwrap();
    client.batch_execute(&lock).await.unwrap();
    let reader = reader(&store);
    let impatient = Duration::from_millis(1);
    let filter = Filter::new();
    let page = PageRequest::default();
    // However far it got, the connection is closed with it.
    let _given_up = tokio::time::timeout(impatient, reader.list(&filter, &page)).await;
    assert_eq!(reader.list(&filter, &page).await.unwrap().items, records);
    client.batch_execute("ROLLBACK").await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_none() {
    let (store, _schema) = store().await;
    let missing = record(Event::activity("never stored"));
    assert_eq!(reader(&store).get(missing.id).await.unwrap(), None);
}
