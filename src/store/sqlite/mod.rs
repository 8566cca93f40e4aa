//! A store in one SQLite file.
//!
//! - [`open`](SqliteStore::open) makes the file, or brings an older one up to date (`schema`, `v1.sql` and later);
//! - one connection writes, one transaction a batch (`append`);
//! - a few read-only ones answer, each query limited in time (`read`);
//! - sums by the hour are kept beside the records, for statistics (`rollup`);
//! - searches ask an index of words first (`search`, `found`);
//! - what the table refuses waits in another one (`quarantine`);
//! - the rows are meant to be read by people, too (`values`).

mod append;
mod database;
mod error;
mod found;
mod functions;
mod manage;
mod place;
mod quarantine;
mod read;
mod rollup;
mod schema;
mod search;
mod values;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::database::Database;
use self::found::Found;
use self::place::Place;
use self::quarantine::SqliteQuarantine;
use super::bell::{Bell, Ringer};
use super::quarantine::Capacity;
use super::rollup as rollups;
use super::{AuditManager, AuditQuarantine, AuditReader, AuditStore, Batch, scan};
use crate::query::{
    Count, Cursor, Filter, Page, PageRequest, Series, SeriesQuery, Statistics, StatsQuery, Window,
};
use crate::{Error, EventId, Record, Timestamp};

/// Keeps records in the table `audit_events` of an SQLite file, and those
/// that a constraint or trigger refuses in `audit_quarantine`; sums by the hour are in
/// `audit_rollups`, and the words of the records in `audit_search`, for
/// [searches](SqliteStore::search). Clones share the file.
///
/// ```
/// # async fn example() -> Result<(), tower_audit::Error> {
/// let store = tower_audit::SqliteStore::open("audit.db").await?;
/// # Ok(())
/// # }
/// ```
///
/// The file is the trail's alone: one that holds another application's
/// tables is refused. Several processes may write to it and read from it, as
/// long as it lies on a disk of their own machine; SQLite's locks do not hold
/// across a network.
///
/// # What a stored record is safe against
/// The file is in WAL mode with `synchronous = NORMAL`. What was stored
/// survives the end of the process, however sudden. After a loss of power the
/// file is sound, but the last transactions before it may be missing.
///
/// While a store is open, and after an end that was none of its own making, the newest records are in
/// the `-wal` file. When the last clone is dropped they are moved into the file itself, and
/// `-wal` and `-shm` go; who copies the file before that has to copy all three.
///
/// # Who can read the file
/// A new file can be read and written by its owner alone (mode 0600), and so
/// can the `-wal` and `-shm` files beside it. A file that exists keeps its mode.
#[derive(Clone)]
pub struct SqliteStore {
    database: Arc<Database>,
    ringer: Ringer,
    query_timeout: Duration,
    scan_budget: Duration,
    search: bool,
    capacity: Capacity,
}

impl SqliteStore {
    const QUERY_TIMEOUT: Duration = Duration::from_secs(5);

    /// Opens a file, and makes it first if there is none. A schema of an
    /// older version of this crate is brought up to date; any number of
    /// processes may do that at once.
    ///
    /// # Errors
    /// If the directory is missing, the file cannot be opened or is no SQLite
    /// database, it belongs to another application, or its schema is newer
    /// than this crate.
    ///
    /// # Cancel safety
    /// Dropping the future leaves a file that can be opened again.
    ///
    /// # Panics
    /// If called outside a Tokio runtime.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::new(Place::file(path.into())?).await
    }

    /// A database in memory that is gone with the last clone of the store.
    ///
    /// # Errors
    /// If there is not enough memory.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    ///
    /// # Panics
    /// If called outside a Tokio runtime.
    pub async fn in_memory() -> Result<Self, Error> {
        Self::new(Place::Memory).await
    }

    async fn new(place: Place) -> Result<Self, Error> {
        Ok(Self {
            database: Arc::new(Database::open(place).await?),
            ringer: Ringer::default(),
            query_timeout: Self::QUERY_TIMEOUT,
            scan_budget: scan::DEFAULT_BUDGET,
            search: true,
            capacity: Capacity::default(),
        })
    }

    /// Makes the sums of the hour that `time` falls into anew, out of the
    /// records that are there: after somebody has changed or deleted some of
    /// them by hand, or has brought some from elsewhere. Until it ends, the
    /// writer waits.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the sums as they were, or has them made anew.
    pub async fn repair_rollups(&self, time: Timestamp) -> Result<(), Error> {
        let hour = rollups::Hour::of_time(time);
        self.database
            .write(move |connection, place| rollup::repair(connection, hour, place))
            .await
    }

    /// Sets how long a query may take, with the wait for its turn. Defaults to 5 seconds.
    ///
    /// Too short, and searches that no index serves fail on a large trail;
    /// too long, and a few of them keep all other readers waiting.
    #[must_use]
    pub fn query_timeout(mut self, timeout: Duration) -> Self {
        self.query_timeout = timeout;
        self
    }

    /// Sets how long a list looks for records in all. Defaults to a second.
    ///
    /// Too short, and filters that no index serves need many pages to get
    /// through a long time; too long, and people wait for them.
    #[must_use]
    pub fn scan_budget(mut self, budget: Duration) -> Self {
        self.scan_budget = budget;
        self
    }

    /// Sets whether the file has an index for [searches](Filter::search), which
    /// is kept with every batch. Defaults to `true`. Without it searches find
    /// the same, but look through the rows, which takes long where matches are
    /// rare.
    ///
    /// It is one setting of the file: where some of its stores keep the index
    /// and others do not, it is only used once upkeep has caught up.
    #[must_use]
    pub fn search(mut self, search: bool) -> Self {
        self.search = search;
        self
    }

    /// Sets how many refused records the quarantine holds. Defaults to
    /// 10,000. When there are more, they are dropped and a gap event tells
    /// how many; 0 sets nothing aside.
    #[must_use]
    pub fn max_quarantine_size(mut self, records: usize) -> Self {
        self.capacity.records = records;
        self
    }

    /// Sets how many bytes of refused records, as JSON, the quarantine holds.
    /// Defaults to 256 MiB. When there are more, they are dropped and a gap
    /// event tells how many; with too much, a mistaken constraint can fill the disk.
    #[must_use]
    pub fn max_quarantine_bytes(mut self, bytes: usize) -> Self {
        self.capacity.bytes = bytes;
        self
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("database", self.database.place())
            .field("query_timeout", &self.query_timeout)
            .field("scan_budget", &self.scan_budget)
            .field("search", &self.search)
            .finish()
    }
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn append(&self, batch: &Batch) -> Result<(), Error> {
        let (batch, search) = (batch.clone(), self.search);
        let ringer = self.ringer.clone();
        self.database
            .write(move |connection, place| {
                append::append(connection, &batch, search, place)?;
                // In here, for it is done even if nobody waits for it.
                ringer.stored(batch.iter().map(|record| record.id));
                Ok(())
            })
            .await
    }

    async fn maintain(&self) -> Result<(), Error> {
        while self.search && self.database.write(search::catch_up).await? {}
        Ok(())
    }

    fn quarantine(&self) -> Option<Arc<dyn AuditQuarantine>> {
        Some(Arc::new(SqliteQuarantine(self.clone())))
    }

    fn manager(&self) -> Option<Arc<dyn AuditManager>> {
        Some(Arc::new(self.clone()))
    }

    fn reader(&self) -> Option<Arc<dyn AuditReader>> {
        Some(Arc::new(self.clone()))
    }
}

#[async_trait]
impl scan::Source for SqliteStore {
    async fn fetch(
        &self,
        filter: &Filter,
        window: &Window,
        timeout: Duration,
    ) -> Result<Vec<Record>, Error> {
        let query = super::sql::list(schema::TABLE, filter, window, &functions::DIALECT);
        self.database
            .read(timeout, move |connection, place| {
                read::list(connection, &query, None, place)
            })
            .await
    }

    async fn fetch_whole(
        &self,
        filter: &Filter,
        window: &Window,
        timeout: Duration,
    ) -> Result<scan::Fetched, Error> {
        let query = super::sql::export(schema::TABLE, filter, window, &functions::DIALECT);
        self.database
            .read(timeout, move |connection, place| {
                read::export(connection, &query, None, place)
            })
            .await
    }

    async fn count(
        &self,
        filter: &Filter,
        window: &Window,
        timeout: Duration,
    ) -> Result<u64, Error> {
        let query = super::sql::count(schema::TABLE, filter, window, &functions::DIALECT);
        self.database
            .read(timeout, move |connection, place| {
                read::count(connection, &query, None, place)
            })
            .await
    }
}

#[async_trait]
impl AuditReader for SqliteStore {
    async fn list(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Record>, Error> {
        match Found::of(self, filter).await? {
            Some(found) => scan::list(&found, filter, page, self.scan_budget).await,
            None => scan::list(self, filter, page, self.scan_budget).await,
        }
    }

    async fn count(&self, filter: &Filter) -> Result<Count, Error> {
        match Found::of(self, filter).await? {
            Some(found) => scan::count(&found, filter, self.scan_budget).await,
            None => scan::count(self, filter, self.scan_budget).await,
        }
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Statistics, Error> {
        rollups::stats(self, query, self.scan_budget).await
    }

    async fn timeseries(&self, query: &SeriesQuery) -> Result<Series, Error> {
        rollups::series(self, query, self.scan_budget).await
    }

    async fn get(&self, id: EventId) -> Result<Option<Record>, Error> {
        self.database
            .read(self.query_timeout, move |connection, place| {
                read::get(connection, id, place)
            })
            .await
    }

    async fn export(
        &self,
        filter: &Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<Record>, Error> {
        match Found::of(self, filter).await? {
            Some(found) => scan::export(&found, filter, cursor, limit, self.query_timeout).await,
            None => scan::export(self, filter, cursor, limit, self.query_timeout).await,
        }
    }

    fn bell(&self) -> Bell {
        self.ringer.bell(self.database.place().poll())
    }
}
