//! What a trail survives of its server and of the way there.

mod answers;
mod connections;
mod kills;
mod locks;
mod partitions;
mod silence;
mod slowness;
mod versions;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_postgres::{Client, NoTls};
use tower_audit::store::Batch;
use tower_audit::{
    AuditQuarantine, AuditReader, AuditStore, Auditor, AuditorBuilder, Error, Event, EventId,
    Filter, HealthProblem, PageRequest, PostgresStore, Record, Stats,
};

use super::fixture::number;
use crate::support::assert_accounted;

const MINUTE: Duration = Duration::from_secs(60);

/// A store that remembers how its attempts have failed.
struct Watched {
    store: PostgresStore,
    failures: watch::Sender<Vec<String>>,
}

#[async_trait]
impl AuditStore for Watched {
    async fn append(&self, batch: &Batch) -> Result<(), Error> {
        let result = self.store.append(batch).await;
        if let Err(error) = &result {
            let told = error.to_string();
            self.failures.send_modify(|failures| failures.push(told));
        }
        result
    }

    async fn maintain(&self) -> Result<(), Error> {
        self.store.maintain().await
    }

    fn quarantine(&self) -> Option<Arc<dyn AuditQuarantine>> {
        self.store.quarantine()
    }

    fn reader(&self) -> Option<Arc<dyn AuditReader>> {
        self.store.reader()
    }
}

/// A trail with a journal, and what it owes.
struct Trail {
    auditor: Auditor,
    failures: watch::Receiver<Vec<String>>,
    owed: Vec<EventId>,
    _journal: TempDir,
}

impl Trail {
    async fn start(store: PostgresStore) -> Self {
        Self::configured(store, |builder| builder).await
    }

    async fn configured(
        store: PostgresStore,
        configure: impl FnOnce(AuditorBuilder) -> AuditorBuilder,
    ) -> Self {
        let (failures, failed) = watch::channel(Vec::new());
        let journal = tempfile::tempdir().unwrap();
        let builder = Auditor::builder()
            .store(Watched { store, failures })
            .journal(journal.path());
        Self {
            auditor: configure(builder).start().await.unwrap(),
            failures: failed,
            owed: Vec::new(),
            _journal: journal,
        }
    }

    fn record(&mut self, count: usize) {
        let ids = (0..count).map(|_| self.auditor.record(Event::activity("thing.do")));
        self.owed.extend(ids);
    }

    /// Records events, and waits until they are stored.
    async fn store(&mut self, count: usize) {
        self.record(count);
        self.flush().await;
    }

    async fn flush(&self) {
        let flushed = tokio::time::timeout(MINUTE, self.auditor.flush()).await;
        assert!(matches!(flushed, Ok(Ok(()))), "{:?}", self.failures);
    }

    /// Waits until an attempt has failed with this in its message.
    async fn failed_with(&mut self, text: &str) {
        let is_it = |failures: &Vec<String>| failures.iter().any(|told| told.contains(text));
        let failed = tokio::time::timeout(MINUTE, self.failures.wait_for(is_it));
        assert!(failed.await.is_ok(), "{text} is not in {:?}", self.failures);
    }

    /// Waits until the numbers are so.
    async fn until(&self, are_so: impl Fn(&Stats) -> bool) -> Stats {
        let started = Instant::now();
        loop {
            let stats = self.auditor.stats();
            if are_so(&stats) {
                return stats;
            }
            assert!(started.elapsed() < MINUTE, "{stats:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until all that is owed is in the journal, and asserts that
    /// nothing is stored, set aside or lost, and that the trail says so.
    async fn assert_waiting(&self) {
        let owed = self.owed.len() as u64;
        let stats = self.until(|stats| stats.journal_records == owed).await;
        assert_eq!((stats.pending, stats.stored), (owed, 0), "{stats:?}");
        assert_eq!((stats.quarantined, stats.dropped), (0, 0), "{stats:?}");
        // The store's failure is told just before the trail takes note of it.
        self.until(|_| self.is(HealthProblem::StoreUnavailable))
            .await;
    }

    fn is(&self, problem: HealthProblem) -> bool {
        self.auditor.health().problems.contains(&problem)
    }

    /// Waits until all is stored, and asserts that it is, each once and
    /// nothing besides, and that every event is accounted for.
    async fn assert_stored(self, client: &Client, schema: &str) -> Stats {
        self.flush().await;
        let reader = self.auditor.reader().unwrap();
        let stats = self.auditor.shutdown(MINUTE).await.unwrap();
        let records = all(&*reader).await;
        assert_accounted(stats, &records);
        assert_eq!((stats.quarantined, stats.dropped), (0, 0), "{stats:?}");
        assert_eq!(stats.journal_records, 0, "{stats:?}");
        let stored: Vec<EventId> = records.iter().map(|record| record.id).collect();
        assert_eq!(stored, self.owed);
        let rows = format!("SELECT count(*) FROM {schema}.events");
        assert_eq!(number(client, &rows).await, stored.len() as i64);
        let held = format!("SELECT count(*) FROM {schema}.quarantine");
        assert_eq!(number(client, &held).await, 0);
        stats
    }
}

/// Every record, oldest first.
async fn all(reader: &dyn AuditReader) -> Vec<Record> {
    let first = PageRequest::new(PageRequest::MAX_LIMIT).unwrap();
    let (mut records, mut next) = (Vec::new(), Some(first));
    while let Some(request) = next {
        let page = reader.list(&Filter::new(), &request).await.unwrap();
        records.extend(page.items);
        next = page.next_cursor.map(|cursor| first.cursor(cursor));
    }
    records.reverse();
    records
}

/// A connection that has nothing to do with the trail's.
async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The server's processes that serve connections of this name.
async fn processes(client: &Client, application: &str) -> Vec<i64> {
    let query = "SELECT pid::bigint FROM pg_stat_activity WHERE application_name = $1";
    let rows = client.query(query, &[&application]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The server's process that serves the writer's connection, once that is the only one.
async fn writer_process(client: &Client, name: &str) -> i64 {
    let name = format!("{name} writer");
    loop {
        if let [process] = processes(client, &name).await[..] {
            return process;
        }
    }
}

/// Sends a signal to a process of the server.
fn signal(process: i64, name: &str) {
    let kill = format!("kill -{name} {process}");
    let status = std::process::Command::new("/bin/sh")
        .args(["-c", &kill])
        .status();
    assert!(status.unwrap().success(), "{kill}");
}
