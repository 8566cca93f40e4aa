//! What is SQLite's own: the file, its schema, its rows, its limits.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use futures_util::poll;
use rusqlite::Connection;
use tempfile::TempDir;
use tower_audit::store::Batch;
use tower_audit::{
    AuditReader, AuditStore, Error, Event, Filter, PageRequest, Record, Sanitizer, SqliteStore,
};

/// Tells a child process which file to open.
const CHILD: &str = "TOWER_AUDIT_TEST_SQLITE_FILE";

struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("audit.db")
    }

    async fn store(&self) -> SqliteStore {
        SqliteStore::open(self.file()).await.unwrap()
    }

    /// The file as somebody else's program sees it.
    fn plain(&self) -> Connection {
        Connection::open(self.file()).unwrap()
    }
}

fn record(action: &str) -> Record {
    Sanitizer::default().record(Event::activity(action))
}

fn batch(action: &str, count: usize) -> Batch {
    Batch::new((0..count).map(|_| record(action)).collect())
}

async fn count(store: &SqliteStore) -> usize {
    let request = PageRequest::new(PageRequest::MAX_LIMIT).unwrap();
    let page = store.list(&Filter::new(), &request).await.unwrap();
    page.items.len()
}

async fn refusal(path: &Path) -> String {
    let error = SqliteStore::open(path).await.unwrap_err();
    assert_eq!(error.code(), "configuration");
    error.to_string()
}

#[tokio::test]
async fn records_are_there_when_the_file_is_opened_again() {
    let place = Place::new();
    let stored = batch("first", 3);
    place.store().await.append(&stored).await.unwrap();
    let store = place.store().await;
    assert_eq!(store.get(stored[1].id).await.unwrap().unwrap(), stored[1]);
    store.append(&batch("second", 2)).await.unwrap();
    assert_eq!(count(&place.store().await).await, 5);
}

#[test]
fn threads_may_open_a_fresh_file_at_once() {
    // Once in a few hundred times they get into each other's way.
    for _ in 0..20 {
        let place = Place::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| open_and_append(&place.file()));
            }
        });
        assert_eq!(rows(&place), 8);
    }
}

#[test]
fn processes_may_open_a_fresh_file_at_once() {
    let place = Place::new();
    let child = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sqlite::a_child_process_opens_a_file"])
            .env(CHILD, place.file())
            .output()
            .unwrap()
    };
    std::thread::scope(|scope| {
        let children: Vec<_> = (0..8).map(|_| scope.spawn(child)).collect();
        for child in children {
            let output = child.join().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{text}");
        }
    });
    assert_eq!(rows(&place), 8);
}

/// Does nothing unless [`processes_may_open_a_fresh_file_at_once`] runs it.
#[test]
fn a_child_process_opens_a_file() {
    if let Some(path) = std::env::var_os(CHILD) {
        open_and_append(Path::new(&path));
    }
}

fn open_and_append(path: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(path).await.unwrap();
        store.append(&batch("opened", 1)).await.unwrap();
    });
}

fn rows(place: &Place) -> i64 {
    let count = "SELECT count(*) FROM audit_events";
    place
        .plain()
        .query_row(count, [], |row| row.get(0))
        .unwrap()
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_both_versions_are_named() {
    let place = Place::new();
    place.store().await;
    let plain = place.plain();
    plain.pragma_update(None, "user_version", 99).unwrap();
    let message = refusal(&place.file()).await;
    assert!(message.contains("schema version 99"), "{message}");
    assert!(message.contains("knows none above 4"), "{message}");
}

#[tokio::test]
async fn an_older_file_is_brought_up_to_date() {
    let place = Place::new();
    let plain = place.plain();
    plain
        .execute_batch(include_str!("../../src/store/sqlite/v1.sql"))
        .unwrap();
    plain
        .pragma_update(None, "application_id", 0x7441_7564)
        .unwrap();
    plain.pragma_update(None, "user_version", 1).unwrap();
    for record in batch("old.thing", 2).iter() {
        let insert = "INSERT INTO audit_events (id, occurred_at, kind, action, success, flagged, \
                      sample_weight, request_truncated, response_truncated) \
                      VALUES (?, ?, 'activity', 'old.thing', 1, 0, 1, 0, 0)";
        let values = (record.id.to_string(), record.occurred_at.to_string());
        plain.execute(insert, values).unwrap();
    }
    let store = place.store().await;
    let words = Filter::new().search("thing old");
    for _ in 0..2 {
        let page = store.list(&words, &PageRequest::default()).await;
        assert_eq!(page.unwrap().items.len(), 2);
        store.maintain().await.unwrap();
    }
    let quarantine = store.quarantine().unwrap();
    assert_eq!(quarantine.count().await.unwrap(), 0);
    assert_eq!(count(&store).await, 2);
}

#[tokio::test]
async fn a_file_of_another_application_is_refused_and_left_alone() {
    let place = Place::new();
    let plain = place.plain();
    plain.execute_batch("CREATE TABLE orders (id)").unwrap();
    let before = std::fs::read(place.file()).unwrap();
    let message = refusal(&place.file()).await;
    assert!(message.contains("another application"), "{message}");
    assert_eq!(std::fs::read(place.file()).unwrap(), before);
}

#[tokio::test]
async fn what_cannot_be_opened_is_named_in_one_sentence() {
    let place = Place::new();
    let missing = place.directory.path().join("missing").join("audit.db");
    let text = place.directory.path().join("notes.txt");
    std::fs::write(
        &text,
        "not a database, though it is long enough to be one".repeat(9),
    )
    .unwrap();
    let expected = [
        (
            missing.as_path(),
            "cannot be opened: its directory does not exist",
        ),
        (text.as_path(), "is not an sqlite database"),
        (
            place.directory.path(),
            "cannot be opened: it is a directory",
        ),
    ];
    for (path, reason) in expected {
        let message = refusal(path).await;
        assert_eq!(
            message,
            format!("the audit database {} {reason}", path.display())
        );
    }
    let message = refusal(Path::new(":memory:")).await;
    assert!(message.contains("in_memory"), "{message}");
}

#[tokio::test]
async fn a_store_that_was_read_from_leaves_nothing_beside_its_file_when_it_is_closed() {
    let place = Place::new();
    let store = place.store().await;
    store.append(&batch("first", 3)).await.unwrap();
    assert_eq!(count(&store).await, 3);
    assert!(place.directory.path().join("audit.db-wal").exists());
    drop(store);
    let entries = std::fs::read_dir(place.directory.path()).unwrap();
    let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["audit.db"]);
    assert_eq!(rows(&place), 3);
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_belongs_to_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    let store = place.store().await;
    store.append(&batch("first", 1)).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let file = place.directory.path().join(format!("audit.db{suffix}"));
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
}

#[tokio::test]
async fn the_file_is_prepared_for_readers_beside_the_writer() {
    let place = Place::new();
    let store = place.store().await;
    store.append(&batch("first", 2)).await.unwrap();
    let plain = place.plain();
    let pragma = |name| -> String {
        let value =
            plain.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
        format!("{:?}", value.unwrap())
    };
    assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
    assert_eq!(pragma("auto_vacuum"), "Integer(2)");
    plain
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM audit_events")
        .unwrap();
    assert_eq!(count(&store).await, 2);
}

#[tokio::test]
async fn rows_can_be_read_with_any_tool() {
    let place = Place::new();
    let event = Event::auth("login").success(false).tag("a").tag("b, c");
    let stored = Sanitizer::default().record(event.parent(record("cause").id));
    let store = place.store().await;
    store
        .append(&Batch::new(vec![stored.clone()]))
        .await
        .unwrap();
    let types =
        "SELECT id, typeof(id), occurred_at, typeof(success), success, tags ->> 1, parent_id,
                        typeof(sample_weight), actor_id IS NULL, strftime('%Y', occurred_at)
                 FROM audit_events WHERE occurred_at >= '2024-01-01'";
    place
        .plain()
        .query_row(types, [], |row| {
            let text = |index| row.get::<_, String>(index);
            assert_eq!(text(0)?, stored.id.to_string());
            assert_eq!(text(1)?, "text");
            assert_eq!(text(2)?, stored.occurred_at.to_string());
            assert_eq!(text(2)?.len(), "2024-02-29T12:00:00.000001Z".len());
            assert_eq!(text(3)?, "integer");
            assert_eq!(row.get::<_, i64>(4)?, 0);
            assert_eq!(text(5)?, "b, c");
            assert_eq!(text(6)?, stored.parent_id.unwrap().to_string());
            assert_eq!(text(7)?, "real");
            assert!(row.get::<_, bool>(8)?);
            assert_eq!(text(9)?, stored.occurred_at.to_string()[..4]);
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_row_that_was_altered_by_hand_is_an_error_without_its_data() {
    let place = Place::new();
    let store = place.store().await;
    let stored = batch("first", 1);
    store.append(&stored).await.unwrap();
    let alter = "UPDATE audit_events SET occurred_at = 'secret'";
    place.plain().execute(alter, []).unwrap();
    let error = store.get(stored[0].id).await.unwrap_err();
    assert_eq!(error.code(), "internal");
    assert_eq!(
        error.to_string(),
        "a stored value does not fit the column occurred_at"
    );
    assert!(!format!("{error:?}").contains("secret"));
}

#[tokio::test]
async fn a_record_that_is_refused_is_named_and_not_quoted() {
    let place = Place::new();
    let store = place.store().await;
    let trigger = "CREATE TRIGGER t BEFORE INSERT ON audit_events WHEN NEW.action = 'poison'
                   BEGIN SELECT RAISE(ABORT, 'secret'); END";
    place.plain().execute_batch(trigger).unwrap();
    let records = ["fine", "poison", "fine"].map(record).into();
    let refused = Batch::new(records);
    for batch in [refused.clone(), refused.retry()] {
        let error = store.append(&batch).await.unwrap_err();
        assert_eq!(error.rejected_index(), Some(1));
        assert!(!format!("{error:?}").contains("secret"));
        assert_eq!(count(&store).await, 0);
    }
    store.append(&batch("fine", 1)).await.unwrap();
    assert_eq!(count(&store).await, 1);
}

#[tokio::test]
async fn the_writer_goes_on_when_the_table_is_back() {
    let place = Place::new();
    let store = place.store().await;
    let plain = place.plain();
    plain
        .execute_batch("ALTER TABLE audit_events RENAME TO away")
        .unwrap();
    let error = store.append(&batch("lost", 1)).await.unwrap_err();
    assert_eq!(error.code(), "configuration");
    plain
        .execute_batch("ALTER TABLE away RENAME TO audit_events")
        .unwrap();
    store.append(&batch("found", 1)).await.unwrap();
    assert_eq!(count(&store).await, 1);
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_given_up() {
    let place = Place::new();
    for store in [place.store().await, SqliteStore::in_memory().await.unwrap()] {
        store.append(&batch("found", 2_000)).await.unwrap();
        let hurried = store.clone().scan_budget(Duration::ZERO);
        let nothing = Filter::new().path_prefix("/nowhere");
        for _ in 0..10 {
            let error = slow(&hurried, &nothing).await.unwrap_err();
            assert!(error.is_timeout() && error.is_transient());
        }
        assert!(slow(&store, &nothing).await.unwrap().is_empty());
        store.append(&batch("after", 2_000)).await.unwrap();
    }
}

async fn slow(store: &SqliteStore, filter: &Filter) -> Result<Vec<Record>, Error> {
    let page = store.list(filter, &PageRequest::default()).await?;
    Ok(page.items)
}

#[tokio::test]
async fn queries_that_nobody_waits_for_leave_room_for_others() {
    let place = Place::new();
    let store = place.store().await;
    store.append(&batch("found", 500)).await.unwrap();
    let filter = Filter::new();
    for _ in 0..50 {
        // Whether the answer is there at once is a matter of luck.
        drop(poll!(Box::pin(slow(&store, &filter))));
    }
    assert_eq!(count(&store).await, 500);
}

#[tokio::test]
async fn a_batch_that_nobody_waits_for_can_be_tried_again() {
    let place = Place::new();
    let store = place.store().await;
    let given = batch("given", 500);
    drop(poll!(store.append(&given)));
    store.append(&given.retry()).await.unwrap();
    assert_eq!(count(&store).await, 500);
}

#[test]
fn the_store_can_be_shared_and_its_debug_form_names_the_file() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<SqliteStore>();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let place = Place::new();
    let store = runtime.block_on(place.store());
    assert!(format!("{store:?}").contains("audit.db"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_was_deleted_is_made_anew_for_the_next_records() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let batch = || Batch::new(vec![Sanitizer::default().record(Event::activity("test"))]);
    store.append(&batch()).await.unwrap();
    let reader = store.reader().unwrap();
    let count = async || {
        let page = reader
            .list(&Filter::new(), &PageRequest::default())
            .await
            .unwrap();
        page.items.len()
    };
    assert_eq!(count().await, 1);
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    store.append(&batch()).await.unwrap();
    store.append(&batch()).await.unwrap();
    assert!(path.exists());
    assert_eq!(count().await, 2);
}
