//! The trail as a file.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use tokio::sync::Notify;
use tower_audit::Cursor;
use tower_audit::event::Column;

use super::*;

const HOSTILE: [&str; 6] = [
    "=cmd|' /C calc'!A0",
    "\u{a0}+1",
    "line\n@SUM(A1)",
    "\t-1",
    "quoted \"a\", b; c\r\n=1",
    "\u{feff}\"=1",
];

fn events(count: usize) -> Vec<Record> {
    let at = |index: usize| Timestamp::from_micros(1_709_208_000_000_000 + index as i64);
    (0..count)
        .map(|index| {
            let action = Value::Text(format!("a{index}").into());
            record(at(index), &[("action", action)])
        })
        .collect()
}

#[tokio::test]
async fn a_csv_file_has_every_column_of_every_record() {
    let router = open(&three().await);
    let answer = get(&router, "/api/export?status=200").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let header = |name| answer.header(name).unwrap();
    assert!(header(CONTENT_TYPE).starts_with("text/csv"));
    assert_eq!(
        header(CONTENT_DISPOSITION),
        r#"attachment; filename="audit-events.csv""#
    );
    let mut reader = csv::Reader::from_reader(answer.text.as_bytes());
    let names: Vec<_> = Column::all().iter().map(Column::name).collect();
    assert_eq!(reader.headers().unwrap(), names);
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    let cell = |name| rows[0].get(names.iter().position(|other| *other == name).unwrap());
    assert_eq!(cell("action"), Some("a"));
    assert_eq!(cell("occurred_at"), Some("2024-02-29T12:00:00.000000Z"));
    assert_eq!(cell("status"), Some("200"));
    assert_eq!(cell("success"), Some("true"));
    assert_eq!(cell("error"), Some(""));
}

#[tokio::test]
async fn json_and_ndjson_hold_what_the_detail_shows() {
    let store = three().await;
    let router = open(&store);
    let mut expected = Vec::new();
    for record in store.records().iter().rev() {
        expected.push(
            get(&router, &format!("/api/events/{}", record.id))
                .await
                .json(),
        );
    }
    let json = get(&router, "/api/export?format=json").await;
    assert_eq!(json.header(CONTENT_TYPE), Some("application/json"));
    assert_eq!(json.json(), Json::Array(expected.clone()));
    let lines = get(&router, "/api/export?format=ndjson").await;
    assert_eq!(lines.header(CONTENT_TYPE), Some("application/x-ndjson"));
    let lines = lines
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    assert_eq!(lines.collect::<Vec<Json>>(), expected);
}

#[tokio::test]
async fn nothing_to_export_is_a_whole_file() {
    let router = open(&MemoryStore::new());
    assert_eq!(
        get(&router, "/api/export?format=json").await.json(),
        serde_json::json!([])
    );
    assert_eq!(get(&router, "/api/export?format=ndjson").await.text, "");
    assert_eq!(get(&router, "/api/export").await.text.lines().count(), 1);
}

#[tokio::test]
async fn no_cell_starts_a_formula() {
    let fields: Vec<_> = HOSTILE
        .iter()
        .enumerate()
        .map(|(index, hostile)| {
            let at = Timestamp::from_micros(1_709_208_000_000_000 + index as i64);
            let columns = [("action", text(hostile)), ("latitude", Value::Real(-5.5))];
            record(at, &columns)
        })
        .collect();
    let router = open(&store_of(fields).await);
    let answer = get(&router, "/api/export").await;
    let mut reader = csv::Reader::from_reader(answer.text.as_bytes());
    let place = |name: &str| {
        Column::all()
            .iter()
            .position(|column| column.name() == name)
    };
    let (action, latitude) = (place("action").unwrap(), place("latitude").unwrap());
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), HOSTILE.len());
    for (row, hostile) in rows.iter().zip(HOSTILE.iter().rev()) {
        assert_eq!(&row[latitude], "-5.5", "numbers stay numbers");
        let cell = &row[action];
        assert_eq!(cell.replace('\'', ""), hostile.replace('\'', ""));
        for line in cell.split(['\r', '\n']) {
            let line = line.trim_start_matches(['\u{a0}', '\u{feff}', ' ', '\t', '"']);
            assert!(!line.starts_with(['=', '+', '-', '@']), "{cell:?}");
        }
        assert!(!cell.starts_with('\t'), "{cell:?}");
    }
}

#[tokio::test]
async fn a_long_export_is_whole_and_goes_on_after_any_record() {
    let records = events(3_000);
    let router = open(&store_of(records.clone()).await);
    let all = get(&router, "/api/export?format=json").await.json();
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 3_000);
    let last = all[1_234]["id"].as_str().unwrap();
    let cursor = Cursor::older_than(records[3_000 - 1 - 1_234].id);
    for cursor in [last.to_owned(), cursor.to_string()] {
        let path = format!("/api/export?format=json&cursor={cursor}");
        assert_eq!(
            get(&router, &path).await.json().as_array().unwrap(),
            &all[1_235..]
        );
    }
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_named() {
    let router = open(&three().await);
    let newer = Cursor::newer_than(EventId::now());
    for (query, parameter) in [
        ("format=xml", "format"),
        ("limit=5", "limit"),
        ("status=nonsense", "status"),
        ("cursor=nonsense", "cursor"),
        (&format!("cursor={newer}"), "cursor"),
    ] {
        let answer = get(&router, &format!("/api/export?{query}")).await;
        answer.problem(400);
        assert_eq!(answer.json()["parameter"], parameter, "{query}");
    }
}

/// A reader whose later pages fail, or never come.
struct Later {
    calls: AtomicUsize,
    pages: usize,
    then: Then,
    given_up: Arc<Notify>,
}

#[derive(Clone, Copy)]
enum Then {
    Fail,
    Wait,
}

impl Later {
    fn new(pages: usize, then: Then) -> Self {
        Self {
            calls: AtomicUsize::new(0),
            pages,
            then,
            given_up: Arc::default(),
        }
    }
}

/// Tells when it is dropped.
struct Told(Arc<Notify>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[async_trait]
impl AuditReader for Later {
    async fn list(&self, _: &Filter, _: &PageRequest) -> Result<Page<Record>, Error> {
        Err(Error::internal("not asked for"))
    }

    async fn count(&self, _: &Filter) -> Result<Count, Error> {
        Err(Error::internal("not asked for"))
    }

    async fn stats(&self, _: &StatsQuery) -> Result<Statistics, Error> {
        Err(Error::internal("not asked for"))
    }

    async fn timeseries(&self, _: &SeriesQuery) -> Result<Series, Error> {
        Err(Error::internal("not asked for"))
    }

    async fn get(&self, _: EventId) -> Result<Option<Record>, Error> {
        Err(Error::internal("not asked for"))
    }

    async fn export(
        &self,
        filter: &Filter,
        _: Option<Cursor>,
        _: usize,
    ) -> Result<Page<Record>, Error> {
        let _told = Told(Arc::clone(&self.given_up));
        if self.calls.fetch_add(1, Ordering::Relaxed) < self.pages {
            let store = store_of(events(3)).await;
            return store.export(filter, None, 2).await;
        }
        match self.then {
            Then::Fail => Err(Error::unavailable("gone")),
            Then::Wait => std::future::pending().await,
        }
    }
}

fn open_to(reader: Arc<dyn AuditReader>) -> Router {
    admin::router(reader, OpenToEveryone::dangerously())
}

#[tokio::test]
async fn what_fails_at_the_start_is_a_problem() {
    let reader = Later::new(0, Then::Fail);
    get(&open_to(Arc::new(reader)), "/api/export")
        .await
        .problem(503);
}

#[tokio::test]
async fn an_export_that_breaks_off_never_looks_whole() {
    for format in ["csv", "json", "ndjson"] {
        let router = open_to(Arc::new(Later::new(2, Then::Fail)));
        let path = format!("/api/export?format={format}");
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let mut body = response.into_body();
        let mut text = Vec::new();
        let broken = loop {
            match body.frame().await {
                Some(Ok(frame)) => text.extend_from_slice(&frame.into_data().unwrap()),
                Some(Err(_)) => break true,
                None => break false,
            }
        };
        assert!(broken, "{format}");
        assert!(!text.is_empty());
        assert!(serde_json::from_slice::<Vec<Json>>(&text).is_err());
    }
}

#[tokio::test]
async fn an_export_ends_when_its_client_leaves() {
    let reader = Arc::new(Later::new(1, Then::Wait));
    let router = open_to(reader.clone());
    let request = Request::get("/api/export").body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let mut body = response.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    reader.given_up.notified().await;
    while reader.calls.load(Ordering::Relaxed) < 2 {
        tokio::task::yield_now().await;
    }
    drop(body);
    reader.given_up.notified().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_loses_its_export() {
    let reader = Arc::new(Later::new(usize::MAX, Then::Wait));
    let router = open_to(reader.clone());
    let request = Request::get("/api/export").body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(61)).await;
    let calls = reader.calls.load(Ordering::Relaxed);
    assert!(calls < 5, "{calls} pages were read ahead");
    let collected = response.into_body().collect().await;
    assert!(collected.is_err(), "what was waiting must not look whole");
}

#[tokio::test]
async fn a_fifth_export_has_to_wait() {
    let router = open_to(Arc::new(Later::new(4, Then::Wait)));
    let mut open = Vec::new();
    for _ in 0..4 {
        let request = Request::get("/api/export").body(Body::empty()).unwrap();
        open.push(router.clone().oneshot(request).await.unwrap());
    }
    get(&router, "/api/export").await.problem(503);
}
