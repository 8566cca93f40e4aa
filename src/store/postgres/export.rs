//! The pages of an export: rows as they come, not all of an answer at once.

use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use tokio::time::timeout;
use tokio_postgres::types::Type;

use super::error;
use super::read::{DIALECT, GRACE, Reader, record};
use super::values::Parameter;
use crate::Error;
use crate::query::{Filter, Window};
use crate::store::scan::{Fetched, Room};
use crate::store::sql::{self, Query};

/// The records of a window, as many as fit on a page.
pub(super) async fn fetch(
    reader: &Reader,
    filter: &Filter,
    window: &Window,
    limit: Duration,
) -> Result<Fetched, Error> {
    let query = sql::export(&reader.table, filter, window, &DIALECT);
    let fetching = fetch_rows(reader, &query, limit);
    match timeout(limit.saturating_add(GRACE), fetching).await {
        Ok(fetched) => fetched,
        Err(_elapsed) => Err(Error::timed_out("the database does not answer a query")),
    }
}

async fn fetch_rows(reader: &Reader, query: &Query, limit: Duration) -> Result<Fetched, Error> {
    let parameters = query
        .parameters
        .iter()
        .map(|(column, value)| (Parameter(value), Parameter::type_of(column)));
    let parameters: Vec<(Parameter<'_>, Type)> = parameters.collect();
    let lease = reader.lease_for_export().await?;
    let limiting = format!("SET statement_timeout = {}", limit.as_millis().max(1));
    // Sent together: the answer to the first is not waited for.
    let (limited, rows) = tokio::join!(
        lease.client().batch_execute(&limiting),
        lease.client().query_typed_raw(&query.text, parameters)
    );
    limited.map_err(error::statement)?;
    let mut rows = pin!(rows.map_err(error::statement)?);
    let (mut fetched, mut room) = (Fetched::default(), Room::default());
    while let Some(row) = rows.try_next().await.map_err(error::statement)? {
        if !room.takes(row.raw_size_bytes()) {
            fetched.is_cut = true;
            // The connection goes with what is still on its way.
            return Ok(fetched);
        }
        fetched.records.push(record(&row, |_| true)?);
    }
    lease.give_back();
    Ok(fetched)
}
