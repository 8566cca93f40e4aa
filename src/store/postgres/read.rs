//! The reading side: a small pool of read-only connections.

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::{Connect, Manager, ManagerConfig, Object, Pool, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Row};

use super::connect::Connector;
use super::listen::Listener;
use super::schema::Schema;
use super::search;
use super::values::{Field, Parameter};
use super::{error, export};
use crate::event::{Column, Value};
use crate::query::{
    Accuracy, Count, Cursor, Filter, Page, PageRequest, Series, SeriesQuery, Statistics,
    StatsQuery, Window,
};
use crate::store::bell::Bell;
use crate::store::sql::{self, Dialect};
use crate::store::{AuditReader, rollup, scan};
use crate::{Error, EventId, Record};

/// What a silent connection gets on top of the server's own limit.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// Connections for exports, which take turns for each of their pages.
const MAX_EXPORTS: usize = 2;

/// How conditions are put to PostgreSQL.
pub(super) const DIALECT: Dialect = Dialect {
    ip_between: |name, min, max| format!("{name} BETWEEN ${min} AND ${max}"),
    contains: |name, place| format!("{name} @> ${place}"),
    words: search::clause,
};

/// Reads records over connections that the writer never uses.
pub(super) struct Reader {
    pool: Pool,
    /// For exports, so that a long one keeps no list waiting.
    exports: Pool,
    connector: Connector,
    listener: Listener,
    pub(super) table: String,
    pub(super) rollups: String,
    pub(super) statement_timeout: Duration,
    /// How long a list looks for records in all its queries.
    scan_budget: Duration,
}

impl Reader {
    pub(super) fn new(
        connector: &Connector,
        schema: &Schema,
        max_readers: usize,
        statement_timeout: Duration,
        scan_budget: Duration,
    ) -> Result<Self, Error> {
        let connector = connector
            .with("default_transaction_read_only", "on")
            .with("jit", "off")
            .with("statement_timeout", statement_timeout.as_millis());
        let pool = |purpose, size| pool(&connector.named(purpose), size, statement_timeout);
        Ok(Self {
            pool: pool("reader", max_readers)?,
            exports: pool("export", MAX_EXPORTS)?,
            listener: Listener::new(&connector, schema),
            connector,
            table: schema.table("events"),
            rollups: schema.table("rollups"),
            statement_timeout,
            scan_budget,
        })
    }

    pub(super) async fn query(
        &self,
        text: &str,
        values: &[(&Column, Value<'_>)],
    ) -> Result<Vec<Row>, Error> {
        self.query_within(self.statement_timeout, text, values)
            .await
    }

    /// The rows of a query that the server gives up after `limit`.
    pub(super) async fn query_within(
        &self,
        limit: Duration,
        text: &str,
        values: &[(&Column, Value<'_>)],
    ) -> Result<Vec<Row>, Error> {
        let parameters: Vec<Parameter<'_>> =
            values.iter().map(|(_, value)| Parameter(value)).collect();
        let typed: Vec<(&(dyn ToSql + Sync), Type)> = parameters
            .iter()
            .zip(values)
            .map(|(parameter, (column, _))| (parameter as _, Parameter::type_of(column)))
            .collect();
        let lease = self.lease().await?;
        let limiting = format!("SET statement_timeout = {}", limit.as_millis().max(1));
        // Sent together: the answer to the first is not waited for.
        let both = async {
            tokio::join!(
                lease.client().batch_execute(&limiting),
                lease.client().query_typed(text, &typed)
            )
        };
        match timeout(limit.saturating_add(GRACE), both).await {
            Ok((limited, answer)) => {
                limited.map_err(error::statement)?;
                lease.give_back();
                answer.map_err(error::statement)
            }
            Err(_elapsed) => Err(Error::timed_out("the database does not answer a query")),
        }
    }

    /// How many records the planner expects to pass the filter.
    async fn estimate(&self, filter: &Filter) -> Result<u64, Error> {
        let query = sql::select("1", &self.table, filter, &filter.ids(), &DIALECT);
        let explain = format!("EXPLAIN (FORMAT JSON) {}", query.text);
        let rows = self.query(&explain, &query.parameters).await?;
        let plan = rows.first().map(|row| row.try_get::<_, Field<'_>>(0));
        let plan = plan.transpose().map_err(error::statement)?;
        let rows = plan.and_then(|plan| {
            let plan: serde_json::Value = serde_json::from_slice(plan.bytes()).ok()?;
            plan[0]["Plan"]["Plan Rows"].as_f64()
        });
        // Saturates, and whole numbers are all that plans have.
        rows.map(|rows| rows as u64)
            .ok_or_else(|| Error::internal("the database's plan cannot be read"))
    }

    async fn lease(&self) -> Result<Lease, Error> {
        self.lease_of(&self.pool).await
    }

    /// A connection for a page of an export.
    pub(super) async fn lease_for_export(&self) -> Result<Lease, Error> {
        self.lease_of(&self.exports).await
    }

    async fn lease_of(&self, pool: &Pool) -> Result<Lease, Error> {
        match pool.get().await {
            Ok(client) => Ok(Lease(Some(client))),
            Err(failure) => Err(error::pool(failure, self.connector.config())),
        }
    }
}

fn pool(connector: &Connector, size: usize, wait: Duration) -> Result<Pool, Error> {
    let manager = Manager::from_connect(
        connector.config().clone(),
        connector.clone(),
        ManagerConfig::default(),
    );
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(wait))
        .create_timeout(Some(connector.patience()))
        .build()
        .map_err(|error| Error::internal("no pool for readers").caused_by(error))
}

/// A connection out of the pool, closed when dropped unless it was given
/// back: a query that nobody waits for would keep the next one waiting.
pub(super) struct Lease(Option<Object>);

impl Lease {
    pub(super) fn client(&self) -> &Client {
        self.0.as_ref().expect("the lease ends by giving back")
    }

    pub(super) fn give_back(mut self) {
        self.0 = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

#[async_trait]
impl scan::Source for Reader {
    async fn fetch(
        &self,
        filter: &Filter,
        window: &Window,
        timeout: Duration,
    ) -> Result<Vec<Record>, Error> {
        let query = sql::list(&self.table, filter, window, &DIALECT);
        let rows = self
            .query_within(timeout, &query.text, &query.parameters)
            .await?;
        let records = rows.iter().map(|row| record(row, Column::is_compact));
        records.collect()
    }

    async fn fetch_whole(
        &self,
        filter: &Filter,
        window: &Window,
        timeout: Duration,
    ) -> Result<scan::Fetched, Error> {
        export::fetch(self, filter, window, timeout).await
    }

    async fn count(
        &self,
        filter: &Filter,
        window: &Window,
        timeout: Duration,
    ) -> Result<u64, Error> {
        let query = sql::count(&self.table, filter, window, &DIALECT);
        let rows = self
            .query_within(timeout, &query.text, &query.parameters)
            .await?;
        let count = rows.first().map(|row| row.try_get::<_, i64>(0)).transpose();
        Ok(count
            .map_err(error::statement)?
            .unwrap_or_default()
            .unsigned_abs())
    }
}

#[async_trait]
impl AuditReader for Reader {
    async fn list(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Record>, Error> {
        scan::list(self, filter, page, self.scan_budget).await
    }

    async fn count(&self, filter: &Filter) -> Result<Count, Error> {
        let count = scan::count(self, filter, self.scan_budget).await?;
        // What the planner expects comes from statistics of the whole table: of other tenants, too.
        if count.accuracy == Accuracy::Exact || filter.is_scoped() {
            return Ok(count);
        }
        Ok(Count {
            records: self.estimate(filter).await?.max(count.records),
            accuracy: Accuracy::Estimate,
        })
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Statistics, Error> {
        rollup::stats(self, query, self.scan_budget).await
    }

    async fn timeseries(&self, query: &SeriesQuery) -> Result<Series, Error> {
        rollup::series(self, query, self.scan_budget).await
    }

    async fn get(&self, id: EventId) -> Result<Option<Record>, Error> {
        let key = (&Column::all()[0], Value::Uuid(id.as_uuid()));
        let rows = self.query(&sql::get(&self.table), &[key]).await?;
        rows.first().map(|row| record(row, |_| true)).transpose()
    }

    async fn export(
        &self,
        filter: &Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<Record>, Error> {
        scan::export(self, filter, cursor, limit, self.statement_timeout).await
    }

    fn bell(&self) -> Bell {
        self.listener.bell()
    }
}

/// The record of a row that has those columns that are `selected`, in order.
pub(super) fn record(row: &Row, selected: impl Fn(&Column) -> bool) -> Result<Record, Error> {
    let mut places = 0..;
    Record::from_columns(|column| {
        if !selected(column) {
            return Ok(Value::Null);
        }
        let place: usize = places.next().unwrap_or_default();
        match row.try_get::<_, Option<Field<'_>>>(place) {
            Ok(Some(field)) => field.value(column),
            Ok(None) => Ok(Value::Null),
            Err(failure) => Err(error::statement(failure)),
        }
    })
}

type Opening<'a> = Pin<
    Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + 'a>,
>;

impl Connect for Connector {
    fn connect(&self, _: &Config) -> Opening<'_> {
        Box::pin(self.try_modes(None))
    }
}
