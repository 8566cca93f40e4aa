//! Indexes for the days that are over, built beside everything else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::connect::Connector;
use super::indexes::{self, Index};
use super::schema::Schema;
use super::{error, partition};
use crate::{Error, Timestamp};

/// How long after its end a day is still open: for records that come late, and clocks that are behind.
const MARGIN: Duration = Duration::from_secs(60 * 60);

/// Builds indexes over a connection of its own, which nobody waits for.
pub(super) struct Upkeep {
    connector: Connector,
    schema: Schema,
    wanted: Vec<Index>,
    /// Whether the log says already that this role may not build any.
    is_told: AtomicBool,
}

/// A partition whose day is over.
#[derive(Default)]
struct Closed {
    may_index: bool,
    /// The names of its indexes, and whether they are whole.
    indexes: BTreeMap<String, bool>,
}

impl Upkeep {
    pub(super) fn new(connector: &Connector, schema: Schema, search: bool) -> Self {
        Self {
            // An index takes as long as it takes, with little of the server's memory and one of its cores.
            connector: connector
                .named("upkeep")
                .with("statement_timeout", 0)
                .with("lock_timeout", 0)
                .with("maintenance_work_mem", "64MB")
                .with("max_parallel_maintenance_workers", 0),
            schema,
            wanted: indexes::all(search).collect(),
            is_told: AtomicBool::new(false),
        }
    }

    /// Builds what is missing, newest day first, unless another instance is at it.
    ///
    /// Whoever stops in the middle leaves an index that is not whole, or a
    /// server that finishes it; the next one finds either.
    pub(super) async fn run(&self, now: Timestamp) -> Result<(), Error> {
        let connection = self.connector.open().await?;
        let client = &connection.client;
        // The lock ends with the session, hence not before a build that goes
        // on without anybody: an index that is not whole is nobody's work.
        if !self.ask(client, "pg_try_advisory_lock").await? {
            return Ok(());
        }
        let mut result = Ok(());
        for (name, closed) in self.closed(client, now).await?.iter().rev() {
            match self.index(client, name, closed).await {
                Err(error) if error.is_transient() => return Err(error),
                // What one day refuses, another may not.
                Err(error) => result = result.and(Err(error)),
                Ok(()) => {}
            }
        }
        self.ask(client, "pg_advisory_unlock").await?;
        result
    }

    async fn index(&self, client: &Client, name: &str, closed: &Closed) -> Result<(), Error> {
        let is_whole = |index: &Index| closed.indexes.get(&index.name(name)) == Some(&true);
        let missing: Vec<_> = self
            .wanted
            .iter()
            .filter(|index| !is_whole(index))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        if !closed.may_index {
            if !self.is_told.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "this role may not index the days of the audit trail that are over: only the owner of their tables may"
                );
            }
            return Ok(());
        }
        let table = self.schema.table(name);
        // Nothing to find; a later look sees what comes late. And on new tables,
        // where others are about to change something, builds only get in their way.
        let look = format!("SELECT EXISTS (SELECT FROM {table})");
        let row = client.query_typed_one(&look, &[]).await;
        let has_rows: bool = row
            .and_then(|row| row.try_get(0))
            .map_err(error::statement)?;
        if !has_rows {
            return Ok(());
        }
        let mut result = Ok(());
        for index in missing {
            match self.build(client, index, name, &table, closed).await {
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => result = result.and(Err(error)),
                Ok(()) => {}
            }
        }
        // What the planner knows of expressions and partial indexes comes with this.
        execute(client, &format!("ANALYZE {table}")).await?;
        result
    }

    async fn build(
        &self,
        client: &Client,
        index: &Index,
        partition: &str,
        table: &str,
        closed: &Closed,
    ) -> Result<(), Error> {
        let name = index.name(partition);
        if closed.indexes.contains_key(&name) {
            let index = self.schema.table(&name);
            let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {index}");
            execute(client, &drop).await?;
        }
        execute(client, &index.create(partition, table)).await
    }

    /// The partitions whose day is over, by name, hence oldest first.
    async fn closed(
        &self,
        client: &Client,
        now: Timestamp,
    ) -> Result<BTreeMap<String, Closed>, Error> {
        let query = "SELECT c.relname::text, \
                     pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(c.relnamespace, 'CREATE'), \
                     x.relname::text, i.indisvalid \
                     FROM pg_catalog.pg_inherits h \
                     JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid \
                     LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid \
                     LEFT JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid \
                     WHERE h.inhparent = $1::text::regclass AND NOT h.inhdetachpending";
        let rows = client
            .query_typed(query, &[(&self.schema.table("events"), Type::TEXT)])
            .await
            .map_err(error::statement)?;
        let open = partition::name_at(now.minus(MARGIN));
        let mut closed = BTreeMap::<String, Closed>::new();
        for row in &rows {
            let read = || -> Result<_, tokio_postgres::Error> {
                Ok((
                    row.try_get::<_, String>(0)?,
                    row.try_get(1)?,
                    row.try_get::<_, Option<String>>(2)?,
                    row.try_get::<_, Option<bool>>(3)?,
                ))
            };
            let (name, may_index, index, is_whole) = read().map_err(error::statement)?;
            if !partition::is_name(&name) || name >= open {
                continue;
            }
            let partition = closed.entry(name).or_default();
            partition.may_index = may_index;
            partition.indexes.extend(index.zip(is_whole));
        }
        Ok(closed)
    }

    /// What a function of the server says to the key of the lock under which one instance does the upkeep.
    async fn ask(&self, client: &Client, function: &str) -> Result<bool, Error> {
        let query = format!("SELECT {function}({})", self.schema.upkeep_key());
        let row = client
            .query_typed_one(&query, &[])
            .await
            .map_err(error::statement)?;
        row.try_get(0).map_err(error::statement)
    }
}

async fn execute(client: &Client, statement: &str) -> Result<(), Error> {
    client
        .batch_execute(statement)
        .await
        .map_err(error::statement)
}
