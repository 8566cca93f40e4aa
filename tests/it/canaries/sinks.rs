//! Where what was recorded may be seen.

use std::io::Write;
use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;

use axum::body::Body;
use axum::body::to_bytes;
use axum::http::Request;
use serde_json::Value;
use tower::ServiceExt;
use tower_audit::Auditor;
use tower_audit::PageRequest;
use tower_audit::Record;
use tower_audit::Sink;
use tracing_subscriber::fmt::MakeWriter;

use crate::postgres::cluster;

/// Everything that this process logs.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(super) fn text(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The log, of all threads and of every level.
pub(super) fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        log
    })
}

/// Everything that a sink is given.
#[derive(Clone, Default)]
pub(super) struct Copies(Arc<Mutex<Vec<u8>>>);

impl Copies {
    pub(super) fn sink(&self) -> impl Sink {
        let copies = Arc::clone(&self.0);
        move |record: &Record| {
            let mut copies = copies.lock().unwrap();
            serde_json::to_writer(&mut *copies, record).unwrap();
            write!(copies, "{record:?}").unwrap();
        }
    }

    pub(super) fn text(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

/// Everything that the query router shows.
pub(super) async fn reads(auditor: &Auditor, records: u64) -> Vec<u8> {
    let router = super::router(auditor);
    let get = async |path: String| -> Vec<u8> {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap()
            .into()
    };
    let mut all = get("/api/health".to_owned()).await;
    all.extend(get("/".to_owned()).await);
    let mut ids = Vec::new();
    let mut next = Some("/api/events?limit=100".to_owned());
    while let Some(path) = next {
        let page = get(path).await;
        let json: Value = serde_json::from_slice(&page).unwrap();
        for item in json["items"].as_array().unwrap() {
            ids.push(item["id"].as_str().unwrap().to_owned());
        }
        let cursor = json["next_cursor"].as_str();
        next = cursor.map(|cursor| format!("/api/events?limit=100&cursor={cursor}"));
        all.extend(page);
    }
    assert_eq!(ids.len() as u64, records, "every request has its record");
    for id in ids {
        all.extend(get(format!("/api/events/{id}")).await);
    }
    all
}

/// Everything that the handle to the quarantine shows.
pub(super) async fn held(auditor: &Auditor, records: usize) -> Vec<u8> {
    let quarantine = auditor.quarantine().unwrap();
    let all = PageRequest::new(PageRequest::MAX_LIMIT).unwrap();
    let page = quarantine.list(&all).await.unwrap();
    assert_eq!(page.items.len(), records, "every request was set aside");
    let mut shown = serde_json::to_vec(&page).unwrap();
    shown.extend(format!("{page:?} {quarantine:?}").into_bytes());
    shown
}

/// Every table of the database, as text.
pub(super) fn dump(url: &str) -> Vec<u8> {
    let output = Command::new(cluster::program("pg_dump"))
        .arg(url)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Makes the tests' own server log every statement in this database from now
/// on, with its parameters; `mark` is the first.
pub(super) fn log_statements(url: &str, mark: &str) {
    if !has_own_server() {
        return;
    }
    let run = |statement: &str| {
        let mut psql = Command::new(cluster::program("psql"));
        psql.args([url, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]);
        let output = psql.args(["--command", statement]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    run("DO $$ BEGIN EXECUTE format(
        'ALTER DATABASE %I SET log_statement = %L', current_database(), 'all'
    ); END $$");
    // In a session of its own, as the trail's are: the setting counts for new ones.
    run(&format!("SELECT '{mark}'"));
}

/// What the server has logged, if it is the tests' own.
pub(super) fn server_log() -> Option<Vec<u8>> {
    has_own_server().then(|| std::fs::read(cluster::OWN.log()).unwrap())
}

fn has_own_server() -> bool {
    std::env::var_os("AUDIT_TEST_DATABASE_URL").is_none()
}
