//! Lists that run out of time: they say how far they looked, and lead on.

use std::sync::Arc;
use std::time::Duration;

use tower_audit::event::Value;
use tower_audit::query::Accuracy;
use tower_audit::store::Batch;
use tower_audit::{
    AuditReader, AuditStore, Count, Cursor, EventId, Filter, PageRequest, PostgresStore, Record,
    SqliteStore, Timestamp,
};

use crate::postgres::cluster::{execute, own_database};

/// Every window takes longer than this.
const NO_TIME: Duration = Duration::from_millis(1);

/// An event for each second of ten minutes, and when the first one happened.
fn ten_minutes() -> (Vec<Record>, Timestamp) {
    let start = Timestamp::now().minus(Duration::from_secs(600));
    let record = |second| {
        let id = EventId::at(start.plus(Duration::from_secs(second)));
        let path = if second % 60 == 0 {
            "/minute"
        } else {
            "/second"
        };
        Record::from_columns(|column| {
            Ok(match column.name() {
                "id" => Value::Uuid(id.as_uuid()),
                "occurred_at" => Value::Time(id.timestamp()),
                "kind" => Value::Text("http".into()),
                "path" => Value::Text(path.into()),
                "sample_weight" => Value::Real(1.0),
                _ if column.is_required() => Value::Bool(true),
                _ => Value::Null,
            })
        })
    };
    let records = (0..600).map(|second| record(second).unwrap()).collect();
    (records, start)
}

/// Goes through all pages in one direction; gives their ids and how often the time was over.
async fn walk(
    reader: &dyn AuditReader,
    filter: &Filter,
    mut page: PageRequest,
    way: fn(&tower_audit::Page<Record>) -> Option<Cursor>,
) -> (Vec<EventId>, usize) {
    let (mut ids, mut times_over) = (Vec::new(), 0);
    loop {
        let found = reader.list(filter, &page).await.unwrap();
        ids.extend(found.items.iter().map(|record| record.id));
        times_over += usize::from(found.scanned_until.is_some());
        match way(&found) {
            Some(cursor) => page = page.cursor(cursor),
            None => return (ids, times_over),
        }
    }
}

async fn assert_found_in_parts(store: &dyn AuditStore, patient: &dyn AuditReader) {
    let (records, start) = ten_minutes();
    store.append(&Batch::new(records.clone())).await.unwrap();
    let hurried = store.reader().unwrap();
    let filter = Filter::new().path("/minute").from(start);
    let mut expected: Vec<_> = records.iter().step_by(60).map(|record| record.id).collect();
    expected.reverse();

    let page = PageRequest::new(4).unwrap();
    let (ids, times_over) = walk(&*hurried, &filter, page, |page| page.next_cursor).await;
    assert_eq!(ids, expected);
    assert!(times_over >= 5, "{times_over}");
    let (ids, times_over) = walk(patient, &filter, page, |page| page.next_cursor).await;
    assert_eq!((ids, times_over), (expected.clone(), 0));

    // From the oldest to the newest there is always somewhere newer to look, so the range ends it.
    let mut newer = page.cursor(Cursor::newer_than(EventId::lower_bound(start)));
    let mut found = Vec::new();
    while found.len() < expected.len() {
        let page = hurried.list(&filter, &newer).await.unwrap();
        found.extend(page.items.iter().rev().map(|record| record.id));
        newer = page
            .prev_cursor
            .map_or(newer, |cursor| newer.cursor(cursor));
    }
    found.reverse();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_list_that_runs_out_of_time_is_found_in_parts_in_sqlite() {
    let store = SqliteStore::in_memory().await.unwrap();
    let patient = store.clone().scan_budget(Duration::from_secs(60));
    let hurried = store.scan_budget(Duration::from_nanos(1));
    assert_found_in_parts(&hurried, &patient).await;
}

#[tokio::test]
async fn a_list_that_runs_out_of_time_is_found_in_parts_in_postgres() {
    let url = own_database("scan").await;
    let patient = PostgresStore::builder(&url).scan_budget(Duration::from_secs(60));
    let patient: Arc<dyn AuditReader> = patient.connect().await.unwrap().reader().unwrap();
    let hurried = PostgresStore::builder(&url).scan_budget(NO_TIME);
    assert_found_in_parts(&hurried.connect().await.unwrap(), &*patient).await;
}

#[tokio::test]
async fn what_is_too_much_to_count_is_estimated_and_says_so() {
    let url = own_database("count").await;
    let patient = PostgresStore::connect(&url).await.unwrap();
    let sqlite = SqliteStore::in_memory().await.unwrap();
    let (records, start) = ten_minutes();
    let all = Filter::new();
    let exactly = |records| Count {
        records,
        accuracy: Accuracy::Exact,
    };
    for store in [&patient as &dyn AuditStore, &sqlite] {
        store.append(&Batch::new(records.clone())).await.unwrap();
        let reader = store.reader().unwrap();
        assert_eq!(reader.count(&all).await.unwrap(), exactly(600));
        let minutes = Filter::new().path("/minute").from(start);
        assert_eq!(reader.count(&minutes).await.unwrap(), exactly(10));
        assert_eq!(
            reader.count(&all.clone().status(1)).await.unwrap(),
            exactly(0)
        );
        for _ in 0..16 {
            let records = ten_minutes().0;
            store.append(&Batch::new(records)).await.unwrap();
        }
    }
    execute(&url, "ANALYZE audit.events").await;
    let count = patient.reader().unwrap().count(&all).await.unwrap();
    assert_eq!(count.accuracy, Accuracy::Estimate);
    assert!((10_000..11_000).contains(&count.records), "{count:?}");
    let count = sqlite.count(&all).await.unwrap();
    assert_eq!((count.accuracy, count.records), (Accuracy::AtLeast, 10_000));
}

#[tokio::test]
async fn a_list_without_any_time_fails_instead_of_leading_nowhere() {
    let store = SqliteStore::in_memory().await.unwrap();
    let store = store.scan_budget(Duration::ZERO);
    let list = store.list(&Filter::new(), &PageRequest::default()).await;
    assert!(list.unwrap_err().is_timeout());
}
