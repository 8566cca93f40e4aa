//! The store itself.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::append::Writer;
use super::builder::PostgresStoreBuilder;
use super::manage::Manager;
use super::quarantine::Quarantine;
use super::read::Reader;
use super::upkeep::Upkeep;
use crate::store::rollup::Hour;
use crate::store::{AuditManager, AuditQuarantine, AuditReader, AuditStore, Batch};
use crate::{Error, Timestamp};

/// Keeps records in PostgreSQL, in a schema of their own.
///
/// ```no_run
/// # async fn run() -> Result<(), tower_audit::Error> {
/// use tower_audit::PostgresStore;
///
/// let store = PostgresStore::connect("postgres://app:secret@localhost/app").await?;
/// # Ok(())
/// # }
/// ```
///
/// Clones share their connections.
///
/// # What is in the database
/// Everything lives in a schema of its own (`audit`, unless
/// [told otherwise](PostgresStoreBuilder::schema)): the table `events`, with
/// one column per [`Column`](crate::event::Column) and one partition per UTC
/// day (`events_20240229`), `rollups` with their sums by the hour, for
/// statistics, `quarantine`, and `schema_migrations`.
///
/// # Indexes
/// The partition of today has its key and a BRIN, so that storing stays
/// cheap. An hour after a day is over, the hourly upkeep builds B-trees on its
/// partition, concurrently and in one instance at a time: by actor, e-mail,
/// tenant, session, request, operation, trace, parent, resource, client
/// address, action, route, status from 400 on, flagged and failed, and one of
/// the words for [searches](PostgresStoreBuilder::search). Together they
/// take about 600 bytes an event. A build that was interrupted is found and
/// repeated. Filters by other columns look through the rows, newest first.
///
/// # Rights
/// The first start needs the right to create the schema, or to create tables
/// in it. Making the partitions of days to come needs the table's owner, and
/// so does indexing those of days that are over.
/// Apart from that, `USAGE` on the schema, `SELECT` and `INSERT` on `events`
/// and `quarantine`, `SELECT`, `INSERT` and `UPDATE` on `rollups` and `SELECT`
/// on `schema_migrations` are enough; whoever
/// requeues or discards needs `UPDATE` and `DELETE` on `quarantine`, too,
/// whoever repairs rollups `DELETE` on those, and
/// whoever flags or purges records `UPDATE` and `DELETE` on `events`.
///
/// # Connections
/// One for the writer, which opens it with the first batch and drops it after
/// any error but a refused retry, one for as long as somebody requeues or
/// discards, one for as long as upkeep takes, and up to
/// [`max_readers`](PostgresStoreBuilder::max_readers)
/// for readers, read-only and with a limit of time per query. Exports share
/// two more of those.
#[derive(Clone)]
pub struct PostgresStore {
    pub(super) writer: Arc<Writer>,
    pub(super) reader: Arc<Reader>,
    pub(super) quarantine: Arc<Quarantine>,
    pub(super) upkeep: Arc<Upkeep>,
}

impl PostgresStore {
    /// Connects, brings the schema up to date, and makes the partitions of the coming week.
    ///
    /// The URL is what libpq takes, as `postgres://…` or as `key=value`
    /// pairs, with `sslmode` and `sslrootcert` as libpq means them; only that
    /// `verify-ca` and `verify-full` without `sslrootcert` trust the
    /// authorities of the operating system.
    ///
    /// # Errors
    /// If the URL cannot be used, if the server cannot be reached or refuses
    /// the connection, if a right is missing, or if the schema is newer than
    /// this crate. The messages name server and database, never the password.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the database with all of a migration or nothing of it.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder(url).connect().await
    }

    /// Makes a store without waiting for the server; see [`PostgresStoreBuilder::open`].
    ///
    /// # Errors
    /// If the URL cannot be used.
    pub fn open(url: &str) -> Result<Self, Error> {
        Self::builder(url).open()
    }

    /// Makes the sums of the hour that `time` falls into anew, out of the
    /// records that are there: after somebody has changed or deleted some of
    /// them by hand, or has brought some from elsewhere. Until it ends, writers
    /// of all instances wait.
    ///
    /// # Errors
    /// If the database cannot be reached, or if the right to `DELETE` on `rollups` is missing.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the sums as they were, or has them made anew.
    pub async fn repair_rollups(&self, time: Timestamp) -> Result<(), Error> {
        self.writer.repair(Hour::of_time(time)).await
    }

    /// Settings for a store, to be ended by [`PostgresStoreBuilder::connect`].
    pub fn builder(url: &str) -> PostgresStoreBuilder {
        PostgresStoreBuilder::new(url)
    }
}

#[async_trait]
impl AuditStore for PostgresStore {
    async fn append(&self, batch: &Batch) -> Result<(), Error> {
        self.writer.append(batch).await
    }

    async fn maintain(&self) -> Result<(), Error> {
        self.writer.maintain().await?;
        self.upkeep.run(Timestamp::now()).await
    }

    fn quarantine(&self) -> Option<Arc<dyn AuditQuarantine>> {
        Some(self.quarantine.clone())
    }

    fn manager(&self) -> Option<Arc<dyn AuditManager>> {
        Some(Arc::new(Manager::new(self.writer.clone())))
    }

    fn reader(&self) -> Option<Arc<dyn AuditReader>> {
        Some(self.reader.clone())
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}
