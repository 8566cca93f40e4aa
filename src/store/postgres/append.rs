//! The writer's side: one connection, and a batch at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::Client;

use super::connect::{Connection, Connector};
use super::error::{self, Failure};
use super::schema::{self, Schema};
use super::{copy, insert, listen, partition, rollup};
use crate::store::Batch;
use crate::store::rollup::Hour;
use crate::{Error, Record, Timestamp};

/// How long the writer waits for a lock before it leaves the batch for later,
/// at most: half of its time, if that is less, so that it hears of the lock
/// before it gives up.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// Stores batches over a connection of its own.
pub(super) struct Writer {
    connector: Connector,
    /// For what is made once, and may take its time.
    setup: Connector,
    is_prepared: AtomicBool,
    pub(super) schema: Schema,
    channel: String,
    copy: String,
    pub(super) insert: String,
    pub(super) rollups: rollup::Statements,
    flush_timeout: Duration,
    /// Whether what earlier processes left was stored already, when last seen.
    recovers_known: AtomicBool,
    /// The connection while nobody uses it. Whoever uses it takes it out and
    /// puts it back after success, or after an INSERT that was refused: any
    /// other error, a refused COPY among them, a timeout or a dropped future drops it, and what was sent on it can no
    /// longer be answered.
    idle: Mutex<Option<Connection>>,
}

impl Writer {
    pub(super) fn new(connector: &Connector, schema: Schema, flush_timeout: Duration) -> Self {
        let events = schema.table("events");
        // Zero would mean no limit.
        let lock_timeout = LOCK_TIMEOUT.min(flush_timeout / 2).as_millis().max(1);
        Self {
            // What nobody waits for any more shall end on the server, too.
            connector: connector
                .named("writer")
                .with("lock_timeout", lock_timeout)
                .with("statement_timeout", flush_timeout.as_millis()),
            setup: connector.named("setup"),
            is_prepared: AtomicBool::new(false),
            channel: schema.channel(),
            copy: copy::statement(&events),
            insert: insert::statement(&events),
            rollups: rollup::Statements::new(&schema),
            schema,
            flush_timeout,
            recovers_known: AtomicBool::new(false),
            idle: Mutex::new(None),
        }
    }

    pub(super) async fn append(&self, batch: &Batch) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        self.prepare().await?;
        self.in_time(self.store(batch)).await
    }

    /// Makes the partitions that will be needed.
    pub(super) async fn maintain(&self) -> Result<(), Error> {
        self.prepare().await?;
        self.in_time(self.make_partitions()).await
    }

    /// Makes what is missing, unless that is done, on a connection that ends
    /// with it: this runtime need not be the writer's.
    pub(super) async fn prepare(&self) -> Result<(), Error> {
        if self.is_prepared.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut connection = self.setup.open().await?;
        let client = &mut connection.client;
        schema::migrate(client, &self.schema).await?;
        let now = Timestamp::now();
        if let Err(error) = partition::ensure(client, &self.schema, &partition::upcoming(now)).await
        {
            // A role that may only insert can start while others make the partitions.
            partition::require(client, &self.schema, now)
                .await
                .map_err(|_| error)?;
        }
        self.is_prepared.store(true, Ordering::Release);
        Ok(())
    }

    /// Makes the rollups of an hour anew, on a connection that may take its time.
    pub(super) async fn repair(&self, hour: Hour) -> Result<(), Error> {
        self.prepare().await?;
        let mut connection = self.setup.open().await?;
        rollup::repair(&mut connection.client, &self.schema, &self.rollups, hour).await
    }

    /// Runs `work`, but no longer than the writer waits for anything.
    pub(super) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match timeout(self.flush_timeout, work).await {
            Ok(result) => result,
            Err(_elapsed) => Err(Error::timed_out(
                "the database did not finish within the writer's time",
            )),
        }
    }

    async fn store(&self, batch: &Batch) -> Result<(), Error> {
        let mut connection = self.take().await?;
        match self.attempt(&mut connection, batch).await {
            Ok(()) => {}
            Err(Failure::MissingPartition) => {
                drop(connection);
                connection = self.connector.open().await?;
                let days = partition::days(batch);
                partition::ensure(&mut connection.client, &self.schema, &days).await?;
                self.attempt(&mut connection, batch).await?;
            }
            Err(Failure::Known(_)) if batch.is_recovered() => {
                self.recovers_known.store(true, Ordering::Relaxed);
                drop(connection);
                connection = self.connector.open().await?;
                self.attempt(&mut connection, batch).await?;
            }
            Err(Failure::Repaired) => {
                drop(connection);
                connection = self.connector.open().await?;
                self.attempt(&mut connection, batch).await?;
            }
            Err(failure) => {
                let error = Error::from(failure);
                // Nothing is in doubt: the server's answer to one of the
                // statements of a transaction that it has rolled back. A batch that is halved would else connect each time.
                if error.is_rejected() && batch.is_retry() && !batch.is_recovered() {
                    self.put_back(connection);
                }
                return Err(error);
            }
        }
        self.put_back(connection);
        Ok(())
    }

    async fn attempt(&self, connection: &mut Connection, batch: &Batch) -> Result<(), Failure> {
        let recovers_new = batch.is_recovered() && !self.recovers_known.load(Ordering::Relaxed);
        if !batch.is_retry() || recovers_new {
            let announcement = listen::announcement(&self.channel, batch);
            return copy::copy(connection, &self.copy, &self.rollups, batch, &announcement).await;
        }
        let inserted = insert::insert(connection, &self.insert, &self.rollups, batch).await?;
        self.announce(&connection.client, batch).await;
        if batch.is_recovered() && inserted == batch.len() {
            self.recovers_known.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Tells of a batch that is stored. Apart from storing it, so that what is
    /// wrong with telling keeps nothing from being stored for good.
    pub(super) async fn announce(&self, client: &Client, records: &[Record]) {
        let announcement = listen::announcement(&self.channel, records);
        if let Err(failure) = client.batch_execute(&announcement).await {
            let error = error::statement(failure);
            tracing::debug!(code = error.code(), "new records are not told of: {error}");
        }
    }

    async fn make_partitions(&self) -> Result<(), Error> {
        let mut connection = self.take().await?;
        let days = partition::upcoming(Timestamp::now());
        partition::ensure(&mut connection.client, &self.schema, &days).await?;
        self.put_back(connection);
        Ok(())
    }

    /// The idle connection, or a new one, which lives in the caller's
    /// runtime: the one that drives the writer.
    pub(super) async fn take(&self) -> Result<Connection, Error> {
        let idle = self.idle().take();
        match idle.filter(|connection| !connection.is_closed()) {
            Some(connection) => Ok(connection),
            None => self.connector.open().await,
        }
    }

    /// A connection of its own for a caller whose runtime may end before the writer's.
    pub(super) async fn apart(&self) -> Result<Connection, Error> {
        self.connector.open().await
    }

    pub(super) fn put_back(&self, connection: Connection) {
        *self.idle() = Some(connection);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Option<Connection>> {
        // Nothing that runs under the lock can leave the slot half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
