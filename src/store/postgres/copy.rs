//! The first attempt: one binary COPY.
//!
//! The format is that of
//! [COPY, "Binary Format"](https://www.postgresql.org/docs/current/sql-copy.html):
//! a header, rows of length-prefixed fields, a trailer.
//!
//! It runs in a transaction of its own, for the answer to a COPY comes before
//! the commit: a deferred constraint, a serialization failure or the server's
//! end could still undo what was said to be stored.

use std::pin::pin;

use bytes::{BufMut, Bytes};
use futures_util::SinkExt;
use tokio_postgres::Statement;

use super::connect::Connection;
use super::error::Failure;
use super::rollup;
use super::values::put_field;
use crate::Record;
use crate::event::{Column, Value};
use crate::store::rollup::Tally;
use crate::store::sql;

/// Bytes that are encoded before they are sent, so that the server works on
/// one part while the next one is encoded. Each part is also a turn that
/// other work on the writer's thread waits for, and takes.
const CHUNK_BYTES: usize = 48 * 1024;
/// Room for the row that ends a part, if it is an ordinary one.
const ROW_BYTES: usize = 8 * 1024;

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: i16 = -1;

/// The statement that starts it.
pub(super) fn statement(table: &str) -> String {
    let names = sql::names(Column::all().iter());
    format!("COPY {table} ({names}) FROM STDIN (FORMAT binary)")
}

/// Stores records, wholly or not at all, and tells of them in the same transaction.
pub(super) async fn copy(
    connection: &mut Connection,
    statement: &str,
    rollups: &rollup::Statements,
    records: &[Record],
    announcement: &str,
) -> Result<(), Failure> {
    let statement = prepared(connection, statement).await?;
    let client = &connection.client;
    let staged = connection.ledger.stage(Tally::of(records));
    // Sent together: the answers to the first ones are not waited for. What fails in
    // here ends with the connection, and so does the transaction.
    let (begun, written, sink) = tokio::join!(
        client.batch_execute("BEGIN"),
        rollups.write(client, &staged),
        client.copy_in::<_, Bytes>(&statement)
    );
    begun?;
    written?;
    let mut sink = pin!(sink?);
    let mut chunk = Vec::with_capacity(CHUNK_BYTES + ROW_BYTES);
    chunk.put_slice(HEADER);
    for (index, record) in records.iter().enumerate() {
        put_row(record, &mut chunk).map_err(|value| Failure::out_of_range(value, index))?;
        if chunk.len() >= CHUNK_BYTES {
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK_BYTES + ROW_BYTES));
            sink.feed(Bytes::from(full)).await?;
        }
    }
    chunk.put_i16(TRAILER);
    sink.feed(Bytes::from(chunk)).await?;
    sink.finish().await?;
    // Only now: a check can be left to the end of the transaction.
    let commit = format!("{announcement}; COMMIT");
    client.batch_execute(&commit).await?;
    connection.ledger.commit(staged);
    Ok(())
}

async fn prepared(connection: &mut Connection, text: &str) -> Result<Statement, Failure> {
    if let Some(statement) = &connection.copy {
        return Ok(statement.clone());
    }
    let statement = connection.client.prepare(text).await?;
    connection.copy = Some(statement.clone());
    Ok(statement)
}

fn put_row(record: &Record, out: &mut Vec<u8>) -> Result<(), super::values::OutOfRange> {
    out.put_i16(Column::all().len() as i16);
    record.try_each(|column, value| match value {
        Value::Null => {
            out.put_i32(-1);
            Ok(())
        }
        value => put_field(column, &value, out),
    })
}
