//! Settings of a store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::PostgresStore;
use super::append::Writer;
use super::connect::Connector;
use super::quarantine::Quarantine;
use super::read::Reader;
use super::schema::Schema;
use super::upkeep::Upkeep;
use super::url;
use crate::Error;
use crate::store::quarantine::Capacity;
use crate::store::scan;

/// Settings of a [`PostgresStore`].
#[derive(Clone)]
#[must_use = "nothing happens until `connect` is called"]
pub struct PostgresStoreBuilder {
    url: String,
    schema: String,
    max_readers: usize,
    statement_timeout: Duration,
    scan_budget: Duration,
    flush_timeout: Duration,
    search: bool,
    capacity: Capacity,
}

impl PostgresStoreBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            schema: "audit".to_owned(),
            max_readers: 4,
            statement_timeout: Duration::from_secs(5),
            scan_budget: scan::DEFAULT_BUDGET,
            flush_timeout: Duration::from_secs(10),
            search: true,
            capacity: Capacity::default(),
        }
    }

    /// Sets the schema that holds the trail: lower-case letters, digits and
    /// underscores, at most 63. Defaults to `audit`. Created if it is missing.
    pub fn schema(mut self, name: &str) -> Self {
        name.clone_into(&mut self.schema);
        self
    }

    /// Sets how many connections readers may use at once. Defaults to 4. With
    /// too few, readers wait for each other; with too many, a dashboard can
    /// take the connections that the service needs.
    pub fn max_readers(mut self, max: usize) -> Self {
        self.max_readers = max;
        self
    }

    /// Sets how long one query of a reader may take. Defaults to 5 seconds.
    /// With too little, searches of long times fail; with too much, a few of
    /// them keep the database busy.
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// Sets how long a list looks for records in all. Defaults to a second.
    /// With too little, filters that no index serves need many pages to get
    /// through a long time; with too much, people wait for them.
    pub fn scan_budget(mut self, budget: Duration) -> Self {
        self.scan_budget = budget;
        self
    }

    /// Sets how long storing one batch may take, connecting included.
    /// Defaults to 10 seconds. With too little, a slow database stores
    /// batches whose outcome nobody waits for, and does so again; with too
    /// much, a dead connection is noticed late. For a lock it waits half as
    /// long, and 5 seconds at most.
    pub fn flush_timeout(mut self, timeout: Duration) -> Self {
        self.flush_timeout = timeout;
        self
    }

    /// Sets whether days that are over get an index for
    /// [searches](crate::Filter::search). Defaults to `true`. It is the
    /// largest index of a day and the one that takes longest to build. Without it
    /// searches find the same, but look through the rows, which takes
    /// long where matches are rare; an index that is there is used, and is
    /// dropped by nobody.
    pub fn search(mut self, search: bool) -> Self {
        self.search = search;
        self
    }

    /// Sets how many refused records the quarantine holds, give or take what
    /// several instances put there at the same moment. Defaults to 10,000.
    /// When there are more, they are dropped and a gap event tells how many;
    /// 0 sets nothing aside.
    pub fn max_quarantine_size(mut self, records: usize) -> Self {
        self.capacity.records = records;
        self
    }

    /// Sets how many bytes of refused records, as JSON, the quarantine holds.
    /// Defaults to 256 MiB. When there are more, they are dropped and a gap
    /// event tells how many; with too much, a mistaken constraint can fill the disk.
    pub fn max_quarantine_bytes(mut self, bytes: usize) -> Self {
        self.capacity.bytes = bytes;
        self
    }

    /// Connects, brings the schema up to date, and makes the partitions of the coming week.
    ///
    /// # Errors
    /// As [`PostgresStore::connect`], and if a setting is out of its range.
    ///
    /// # Cancel safety
    /// As [`PostgresStore::connect`].
    pub async fn connect(self) -> Result<PostgresStore, Error> {
        let store = self.open()?;
        store.writer.prepare().await?;
        Ok(store)
    }

    /// Makes the store without waiting for the server, which may be away:
    /// what [`connect`](Self::connect) does is done before the first batch is stored.
    ///
    /// With a [journal](crate::AuditorBuilder::journal) a service can thus
    /// start while its database is down. What is wrong with the database shows
    /// in the log and in [`Auditor::health`](crate::Auditor::health) only.
    ///
    /// # Errors
    /// If the URL cannot be used, or if a setting is out of its range.
    pub fn open(self) -> Result<PostgresStore, Error> {
        let schema = Schema::new(&self.schema)?;
        self.check()?;
        let connector = Connector::new(url::parse(&self.url)?)?;
        let reader = Reader::new(
            &connector,
            &schema,
            self.max_readers,
            self.statement_timeout,
            self.scan_budget,
        )?;
        let reader = Arc::new(reader);
        let upkeep = Arc::new(Upkeep::new(&connector, schema.clone(), self.search));
        let writer = Arc::new(Writer::new(&connector, schema, self.flush_timeout));
        let quarantine = Quarantine::new(Arc::clone(&writer), Arc::clone(&reader), self.capacity);
        Ok(PostgresStore {
            writer,
            reader,
            quarantine: Arc::new(quarantine),
            upkeep,
        })
    }

    fn check(&self) -> Result<(), Error> {
        let millisecond = Duration::from_millis(1);
        if self.max_readers == 0 {
            return Err(Error::configuration("max_readers must be at least 1"));
        }
        for (name, time) in [
            ("statement_timeout", self.statement_timeout),
            ("scan_budget", self.scan_budget),
            ("flush_timeout", self.flush_timeout),
        ] {
            if time < millisecond {
                let message = format!("{name} must be at least a millisecond");
                return Err(Error::configuration(message));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for PostgresStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStoreBuilder")
            .field("schema", &self.schema)
            .field("max_readers", &self.max_readers)
            .field("statement_timeout", &self.statement_timeout)
            .field("scan_budget", &self.scan_budget)
            .field("flush_timeout", &self.flush_timeout)
            .field("search", &self.search)
            .finish_non_exhaustive()
    }
}
