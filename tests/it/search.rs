//! Searches find the same in every store, with an index and without.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tower_audit::event::Value;
use tower_audit::store::Batch;
use tower_audit::{
    AuditReader, AuditStore, EventId, Filter, MemoryStore, PageRequest, PostgresStore, Record,
    SqliteStore, Timestamp,
};

use crate::postgres::cluster::{execute, own_database};

const HOUR: Duration = Duration::from_secs(3600);

/// A day that PostgreSQL's upkeep finds to be over.
fn closed() -> Timestamp {
    Timestamp::now().minus(72 * HOUR).start_of_day()
}

fn record(id: EventId, texts: &[String]) -> Record {
    let record = Record::from_columns(|column| {
        let text = |place: usize| match texts.get(place) {
            Some(text) => Value::Text(text.clone().into()),
            None => Value::Null,
        };
        Ok(match column.name() {
            "id" => Value::Uuid(id.as_uuid()),
            "occurred_at" => Value::Time(id.timestamp()),
            "kind" => Value::Text("http".into()),
            "description" => text(0),
            "path" => text(1),
            "actor_email" => text(2),
            "sample_weight" => Value::Real(1.0),
            _ if column.is_required() => Value::Bool(true),
            _ => Value::Null,
        })
    });
    record.unwrap()
}

/// Texts whose words are often the start of one another's.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[ab]{1,3}([ ./@][ab]{1,3}){0,3}",
        4 => "[aAäÄßẞσΣςǅǆǄiİıIkK]{1,4}([ ,'*:\"\\\\][aÄσǆ]{1,2}){0,2}",
        2 => "[aä你好\u{301}\u{1f980}]{1,3}[\u{a0}\u{2003}\u{3000} -][0-9]{1,3}[a-z]?",
        2 => "\\PC{0,12}",
        1 => "[a-zäÄ]{60,70}",
    ]
}

fn sample(runner: &mut TestRunner) -> String {
    texts().new_tree(runner).unwrap().current()
}

async fn found(reader: &dyn AuditReader, filter: &Filter) -> Vec<EventId> {
    let mut page = PageRequest::new(PageRequest::MAX_LIMIT).unwrap();
    let mut ids = Vec::new();
    loop {
        let found = reader.list(filter, &page).await.unwrap();
        ids.extend(found.items.iter().map(|record| record.id));
        match found.next_cursor {
            Some(cursor) => page = page.cursor(cursor),
            None => return ids,
        }
    }
}

/// A store of a database of its own, whose readers would rather use any index than look through rows.
async fn indexed() -> (PostgresStore, String) {
    let url = own_database("search").await;
    let separator = if url.contains('?') { '&' } else { '?' };
    let options = "-c%20enable_seqscan%3Doff%20-c%20enable_indexscan%3Doff";
    let store = PostgresStore::connect(&format!("{url}{separator}options={options}")).await;
    (store.unwrap(), url)
}

/// How often readers have used the index of the words of a day.
async fn scans(url: &str, day: Timestamp) -> i64 {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let name = format!("events_{}_words", day.to_string()[..10].replace('-', ""));
    let query = "SELECT idx_scan FROM pg_stat_all_indexes WHERE indexrelname = $1";
    // Sessions tell their numbers some time later.
    for _ in 0..300 {
        let row = client.query_one(query, &[&name]).await.unwrap();
        if row.get::<_, i64>(0) > 0 {
            return row.get(0);
        }
        client.batch_execute("SELECT pg_sleep(0.1)").await.unwrap();
    }
    0
}

#[tokio::test]
async fn all_stores_find_what_the_definition_says() {
    let mut runner = TestRunner::deterministic();
    let start = closed();
    let records: Vec<_> = (0..400)
        .map(|number| {
            let id = EventId::at(start.plus(Duration::from_millis(number)));
            let texts: Vec<_> = (0..number % 4).map(|_| sample(&mut runner)).collect();
            record(id, &texts)
        })
        .collect();
    let memory = MemoryStore::new();
    let sqlite = SqliteStore::in_memory().await.unwrap();
    let unindexed = SqliteStore::in_memory().await.unwrap().search(false);
    let (postgres, url) = indexed().await;
    for store in [&memory as &dyn AuditStore, &sqlite, &unindexed, &postgres] {
        store.append(&Batch::new(records.clone())).await.unwrap();
    }
    let open = own_database("search").await;
    let open = PostgresStore::connect(&open).await.unwrap();
    open.append(&Batch::new(records)).await.unwrap();
    postgres.maintain().await.unwrap();

    let filter = Filter::new().from(start).to(start.plus(24 * HOUR));
    let (indexed, open) = (postgres.reader().unwrap(), open.reader().unwrap());
    let readers: [(&str, &dyn AuditReader); 4] = [
        ("sqlite", &sqlite),
        ("sqlite without index", &unindexed),
        ("postgres, closed", &*indexed),
        ("postgres, open", &*open),
    ];
    let mut matches = 0;
    for _ in 0..150 {
        let question = sample(&mut runner);
        let filter = filter.clone().search(&question);
        let expected = found(&memory, &filter).await;
        matches += usize::from(!expected.is_empty());
        for (name, reader) in readers {
            let found = found(reader, &filter).await;
            assert_eq!(found, expected, "{name}: {question:?}");
        }
    }
    assert!(matches > 50, "{matches}");
    assert!(scans(&url, start).await > 0, "the index of words is used");
}

#[tokio::test]
async fn a_rare_word_on_a_closed_day_is_found_by_its_index() {
    let url = own_database("words").await;
    let store = PostgresStore::connect(&url).await.unwrap();
    let start = closed();
    let records: Vec<_> = (0..20_000_u64)
        .map(|number| {
            let id = EventId::at(start.plus(Duration::from_millis(number)));
            record(id, &[format!("number {number} of many common words")])
        })
        .collect();
    store.append(&Batch::new(records)).await.unwrap();
    store.maintain().await.unwrap();
    let reader = store.reader().unwrap();
    let rare = Filter::new().search("common 17017");
    assert_eq!(found(&*reader, &rare).await.len(), 1);
    assert!(scans(&url, start).await > 0, "the index of words is used");
}

#[tokio::test]
async fn a_store_that_does_not_search_builds_no_index_of_words() {
    let url = own_database("unsearched").await;
    let store = PostgresStore::builder(&url).search(false);
    let store = store.connect().await.unwrap();
    let text = "some words".to_owned();
    let one = record(EventId::at(closed()), &[text]);
    store.append(&Batch::new(vec![one.clone()])).await.unwrap();
    store.maintain().await.unwrap();
    let words = Filter::new().search("wor");
    assert_eq!(found(&*store.reader().unwrap(), &words).await, [one.id]);
    let check = "DO $$ BEGIN ASSERT (SELECT count(*) FROM pg_class WHERE relname LIKE 'events%_words') = 0; \
                 ASSERT (SELECT count(*) FROM pg_class WHERE relname LIKE 'events%_actor_id') > 0; END $$";
    execute(&url, check).await;
}

/// An SQLite file, and a look into it.
struct File {
    directory: tempfile::TempDir,
}

impl File {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    async fn store(&self) -> SqliteStore {
        let path = self.directory.path().join("audit.db");
        SqliteStore::open(path).await.unwrap()
    }

    fn plain(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.directory.path().join("audit.db")).unwrap()
    }

    fn has_gap(&self) -> bool {
        let query = "SELECT count(*) FROM audit_search_gap";
        let rows: i64 = self.plain().query_row(query, [], |row| row.get(0)).unwrap();
        rows > 0
    }
}

/// As many records, each with a word of its own and a common one.
fn numbered(count: u64) -> Vec<Record> {
    let now = Timestamp::now().minus(HOUR);
    let record = |number| {
        let id = EventId::at(now.plus(Duration::from_millis(number)));
        record(id, &[format!("common number{number}.")])
    };
    (0..count).map(record).collect()
}

#[tokio::test]
async fn in_sqlite_rare_words_are_looked_up_and_common_ones_are_met() {
    let file = File::new();
    let store = file.store().await;
    let records = numbered(3_000);
    store.append(&Batch::new(records.clone())).await.unwrap();
    let rare = Filter::new().search("number2999 COMMON");
    assert_eq!(found(&store, &rare).await, [records[2_999].id]);
    let common = Filter::new().search("common");
    assert_eq!(found(&store, &common).await.len(), 3_000);
    assert_eq!(store.count(&common).await.unwrap().records, 3_000);
    // Without its entries the index finds nothing, so it is the index that was asked.
    let clear = "DELETE FROM audit_search_ids";
    file.plain().execute_batch(clear).unwrap();
    assert_eq!(found(&store, &rare).await, []);
    assert_eq!(store.count(&rare).await.unwrap().records, 0);
}

#[tokio::test]
async fn in_sqlite_what_one_store_leaves_out_of_the_index_is_found_and_caught_up_with() {
    let file = File::new();
    let store = file.store().await;
    let without = file.store().await.search(false);
    let records = numbered(1_200);
    let (first, rest) = records.split_at(100);
    store.append(&Batch::new(first.to_vec())).await.unwrap();
    assert!(!file.has_gap());
    without.append(&Batch::new(rest.to_vec())).await.unwrap();
    assert!(file.has_gap());
    let rare = Filter::new().search("number1199");
    for _ in 0..2 {
        assert_eq!(found(&store, &rare).await, [records[1_199].id]);
        assert_eq!(found(&without, &rare).await, [records[1_199].id]);
        without.maintain().await.unwrap();
        store.maintain().await.unwrap();
        assert!(!file.has_gap());
    }
    let retry = Batch::new(records.clone()).retry();
    store.append(&retry).await.unwrap();
    let entries = "SELECT count(*) FROM audit_search_ids";
    let entries: i64 = file
        .plain()
        .query_row(entries, [], |row| row.get(0))
        .unwrap();
    assert_eq!(entries, 1_200, "nothing is there twice");
}

#[tokio::test]
async fn in_sqlite_rows_that_are_changed_or_deleted_by_hand_are_found_as_they_are() {
    let file = File::new();
    let store = file.store().await;
    let records = numbered(3);
    store.append(&Batch::new(records.clone())).await.unwrap();
    let plain = file.plain();
    let change =
        "UPDATE audit_events SET description = 'erased' WHERE description LIKE '%number1.'";
    assert_eq!(plain.execute(change, []).unwrap(), 1);
    let delete = "DELETE FROM audit_events WHERE description LIKE '%number2.'";
    assert_eq!(plain.execute(delete, []).unwrap(), 1);
    plain.execute_batch("VACUUM").unwrap();
    for _ in 0..2 {
        for (text, expected) in [
            ("number0", &records[..1]),
            ("number1", &[]),
            ("number2", &[]),
            ("erased", &records[1..2]),
        ] {
            let ids: Vec<_> = expected.iter().map(|record| record.id).collect();
            let found = found(&store, &Filter::new().search(text)).await;
            assert_eq!(found, ids, "{text}");
        }
        store.maintain().await.unwrap();
        assert!(!file.has_gap());
    }
    let words = "SELECT count(*) FROM audit_search WHERE audit_search MATCH '\"number\"*'";
    let left: i64 = plain.query_row(words, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1, "nothing is left in the index of what is gone");
}
