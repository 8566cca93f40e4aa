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
mod bell;
mod export;
mod manage;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod quarantine;
mod rollup;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod scan;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::Arc;

use async_trait::async_trait;

pub use batch::Batch;
pub use bell::{Bell, Ring, Span};
pub use manage::{AuditManager, Flag};
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresStore, PostgresStoreBuilder};
pub use quarantine::{Admission, AuditQuarantine, Quarantined};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

use crate::query::{
    Count, Cursor, Filter, Link, Page, PageRequest, Series, SeriesQuery, Statistics, StatsQuery,
    Timeline,
};
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

    /// What somebody in charge may do to stored records. Defaults to `None`: nothing.
    fn manager(&self) -> Option<Arc<dyn AuditManager>> {
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

    /// Sums over the records that pass the query's filter.
    ///
    /// It takes a bounded time. Where that is not enough it
    /// [says how far it looked](Statistics::scanned_until).
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long.
    ///
    /// # Cancel safety
    /// Dropping the future gives the query up; nothing else depends on it.
    async fn stats(&self, query: &StatsQuery) -> Result<Statistics, Error>;

    /// Sums over time of the records that pass the query's filter.
    ///
    /// It takes a bounded time. Where that is not enough it
    /// [says how far it looked](Series::scanned_until).
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long, or if the query's
    /// buckets are too short for its time.
    ///
    /// # Cancel safety
    /// Dropping the future gives the query up; nothing else depends on it.
    async fn timeseries(&self, query: &SeriesQuery) -> Result<Series, Error>;

    /// One record with all its columns, or `None` if there is no such record.
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long.
    ///
    /// # Cancel safety
    /// Dropping the future gives the query up; nothing else depends on it.
    async fn get(&self, id: EventId) -> Result<Option<Record>, Error>;

    /// What happened around an event, oldest first: the events that have the
    /// asked-for [`Link`] in common with it, or else the closest that it has,
    /// and those that it has caused. `None` if there is no such event.
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long.
    ///
    /// # Cancel safety
    /// Dropping the future gives the queries up; nothing else depends on them.
    async fn timeline(&self, id: EventId, by: Option<Link>) -> Result<Option<Timeline>, Error> {
        match self.get(id).await? {
            Some(record) => Timeline::around(self, record.compact(), by).await.map(Some),
            None => Ok(None),
        }
    }

    /// The next records of an export: those that pass the filter, newest
    /// first, with all their columns. The first call has no cursor, each
    /// later one the `next_cursor` of the page before, until there is none;
    /// `prev_cursor` is never set.
    ///
    /// A page has at most `limit` records, which is at least 1, and fewer if
    /// they are large: a store keeps it to some megabytes. It may also be
    /// empty and yet lead on, where the store found nothing in its time.
    /// Nothing is held open between pages.
    ///
    /// Defaults to a [list](Self::list) whose records are [got](Self::get) one by one.
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long, or if the cursor
    /// leads to newer records.
    ///
    /// # Cancel safety
    /// Dropping the future gives the query up; nothing else depends on it.
    async fn export(
        &self,
        filter: &Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<Record>, Error> {
        export::ids(filter, cursor)?;
        let limit = limit.clamp(1, PageRequest::MAX_LIMIT.into()) as u16;
        let request = PageRequest::new(limit)?;
        let request = cursor.map_or(request, |cursor| request.cursor(cursor));
        let mut page = self.list(filter, &request).await?;
        page.prev_cursor = None;
        let mut items = Vec::with_capacity(page.items.len());
        for record in page.items {
            // One that is gone by now is left out.
            items.extend(self.get(record.id).await?);
        }
        page.items = items;
        Ok(page)
    }

    /// What tells when there may be new records, from now on. Defaults to
    /// one that only [polls](Bell::polling).
    ///
    /// # Panics
    /// If called outside a Tokio runtime.
    fn bell(&self) -> Bell {
        Bell::polling()
    }
}
