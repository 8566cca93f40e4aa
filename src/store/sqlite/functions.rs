//! What queries need that SQLite does not have.

use std::net::IpAddr;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};

use super::search;
use crate::EventId;
use crate::store::rollup::{bin_of, bucket_of};
use crate::store::sql::Dialect;

/// How conditions are put to SQLite.
pub(super) const DIALECT: Dialect = Dialect {
    ip_between: |name, min, max| {
        format!("ip_key({name}) BETWEEN ip_key(${min}) AND ip_key(${max})")
    },
    contains: |name, place| format!("(${place} ->> 0) IN (SELECT value FROM json_each({name}))"),
    words: search::clause,
};

/// Adds the functions to a connection.
pub(super) fn add(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("ip_key", 1, flags, ip_key)?;
    connection.create_scalar_function("has_words", -1, flags, search::has_words)?;
    connection.create_scalar_function("duration_bin", 1, flags, duration_bin)?;
    connection.create_scalar_function("time_bucket", 2, flags, time_bucket)
}

/// The bin of a duration in a histogram; NULL for NULL.
fn duration_bin(context: &Context<'_>) -> Result<Option<u16>> {
    Ok(context.get::<Option<i64>>(0)?.map(bin_of))
}

/// The start of the bucket that an id's time falls into, in microseconds; NULL for anything else.
fn time_bucket(context: &Context<'_>) -> Result<Option<i64>> {
    let id: Option<EventId> = context.get_raw(0).as_str()?.parse().ok();
    let length = context.get(1)?;
    Ok(id.map(|id| bucket_of(id.timestamp(), length)))
}

/// Bytes of an address that sort as addresses do; NULL for anything else.
fn ip_key(context: &Context<'_>) -> Result<Option<Vec<u8>>> {
    let ValueRef::Text(text) = context.get_raw(0) else {
        return Ok(None);
    };
    let address = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok());
    Ok(address.map(|address| match address {
        IpAddr::V4(address) => [&[4], &address.octets()[..]].concat(),
        IpAddr::V6(address) => [&[6], &address.octets()[..]].concat(),
    }))
}
