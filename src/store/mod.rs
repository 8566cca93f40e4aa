//! Where records are kept, and how they are read back.
//!
//! # The contract
//!
//! - A batch is stored wholly or not at all; when [`AuditStore::append`]
//!   returns `Ok`, every record of it is durable as the store means it.
//! - Ids are unique. A batch that [is a retry](Batch::is_retry) may hold
//!   records that are stored already; those stay as they are, and the call succeeds.
//! - A batch that [is recovered](Batch::is_recovered) is a retry, too, but
//!   mostly of records that are either all new or all stored: a store may try
//!   the faster way first, if a failure of that leaves nothing behind.
//! - A first attempt never holds an id that is stored already, so a store may
//!   take a faster way for it.
//! - After an error nothing is known about the batch: the writer tries again
//!   until it is stored. A store that was in doubt must not reuse the connection.
//! - An error says what the writer shall do: [`Error::unavailable`] and
//!   [`Error::configuration`] mean "try again later", [`Error::rejected`]
//!   means "never", and names the record if the store knows which one it was.
//! - A record that is refused for good goes to the store's [quarantine](AuditQuarantine),
//!   if it has one; the others of its batch are stored.
//! - Errors never carry data of a record.
//! - Records come back as they were given, column by column.
//!
//! `testing::store_contract` runs all of this against a store.

mod batch;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod quarantine;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod scan;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::Arc;

use async_trait::async_trait;

pub use batch::Batch;
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresStore, PostgresStoreBuilder};
pub use quarantine::{Admission, AuditQuarantine, Quarantined};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

use crate::query::{Count, Filter, Page, PageRequest};
use crate::{Error, EventId, Record};

/// Keeps records. See the [contract](self).
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Stores a batch, wholly or not at all.
    ///
    /// # Errors
    /// Whatever keeps the batch from being stored; the class of the error
    /// decides whether the writer tries again.
    ///
    /// # Cancel safety
    /// The writer may drop the future when it takes too long; the batch's
    /// fate is then unknown, and the next attempt [is a retry](Batch::is_retry).
    async fn append(&self, batch: &Batch) -> Result<(), Error>;

    /// Prepares for what will come, such as tomorrow's partition, and tidies
    /// what is over. Called by the writer when it starts, and once an hour,
    /// even while an earlier call is at it; nobody waits for it.
    ///
    /// # Errors
    /// Whatever keeps the upkeep from being done; the writer logs it and goes on.
    async fn maintain(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Where the records go that the store refuses for good. Defaults to
    /// `None`: they are dropped, and a gap event tells how many.
    fn quarantine(&self) -> Option<Arc<dyn AuditQuarantine>> {
        None
    }

    /// The store's reading side. Defaults to `None`: the store can only be written.
    fn reader(&self) -> Option<Arc<dyn AuditReader>> {
        None
    }
}

/// Reads records back.
#[async_trait]
pub trait AuditReader: Send + Sync + 'static {
    /// A page of the records that pass the filter, newest first, with their
    /// [compact](crate::event::Column::is_compact) columns only.
    ///
    /// It takes a bounded time. Where that is not enough to fill the page it
    /// [says how far it looked](Page::scanned_until), and leads on from there.
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long.
    ///
    /// # Cancel safety
    /// Dropping the future gives the query up; nothing else depends on it.
    async fn list(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Record>, Error>;

    /// How many records pass the filter: exactly, up to
    /// [`Count::EXACT_LIMIT`] of them and if the time allows it.
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long.
    ///
    /// # Cancel safety
    /// Dropping the future gives the query up; nothing else depends on it.
    async fn count(&self, filter: &Filter) -> Result<Count, Error>;

    /// One record with all its columns, or `None` if there is no such record.
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long.
    ///
    /// # Cancel safety
    /// Dropping the future gives the query up; nothing else depends on it.
    async fn get(&self, id: EventId) -> Result<Option<Record>, Error>;
}
