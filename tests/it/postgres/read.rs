//! Reading back.

use std::time::Duration;

use serde_json::json;
use tower_audit::{AuditStore, Event, Filter, Kind, Outcome, PageRequest, Record, Timestamp};

use super::fixture::{
    activities, altered, batch, builder, client, named_builder, number, reader, record, schema,
    store, wait_for_lock,
};

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
async fn a_query_given_up_takes_its_connection_with_it() {
    let schema = schema();
    let builder = named_builder("given-up", &schema).max_readers(1);
    let store = builder.connect().await.unwrap();
    let records = activities(1);
    store.append(&batch(&records)).await.unwrap();
    let (lock, client) = (client().await, client().await);
    let take = format!("BEGIN; LOCK TABLE {schema}.events IN ACCESS EXCLUSIVE MODE");
    lock.batch_execute(&take).await.unwrap();
    let reader = reader(&store);
    tokio::select! {
        found = reader.get(records[0].id) => panic!("there is a lock: {found:?}"),
        () = wait_for_lock(&client, "given-up reader") => {}
    }
    let pids = "SELECT coalesce(sum(pid), 0)::bigint FROM pg_stat_activity WHERE application_name = 'given-up reader'";
    let before = number(&client, pids).await;
    lock.batch_execute("ROLLBACK").await.unwrap();
    let found = reader.get(records[0].id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&records[0]));
    // The server may take a moment to notice.
    let replaced = async { while number(&client, pids).await == before {} };
    tokio::time::timeout(Duration::from_secs(10), replaced)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_none() {
    let (store, _schema) = store().await;
    let missing = record(Event::activity("never stored"));
    assert_eq!(reader(&store).get(missing.id).await.unwrap(), None);
}
