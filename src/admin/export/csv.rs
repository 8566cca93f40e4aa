//! CSV as [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180) has it, with a header.

use std::io::Write;

use ::csv::{Terminator, Writer, WriterBuilder};

use super::formula::harmless;
use crate::event::{Column, Value};
use crate::{Error, Record};

/// The names of the columns.
pub(super) fn header(columns: &[&'static Column]) -> Result<Vec<u8>, Error> {
    let mut rows = writer(1024);
    rows.write_record(columns.iter().map(|column| column.name()))
        .map_err(failed)?;
    finish(rows)
}

pub(super) fn records(columns: &[&'static Column], records: &[Record]) -> Result<Vec<u8>, Error> {
    let mut rows = writer(records.len() * 1024);
    let mut number = Vec::new();
    for record in records {
        for column in columns {
            write(&mut rows, &column.get(record), &mut number)?;
        }
        rows.write_record(None::<&[u8]>).map_err(failed)?;
    }
    finish(rows)
}

/// Writes a cell. Only text can be taken for a formula: a number is one, and
/// ids, times, addresses, lists and JSON's documents start otherwise, save for
/// JSON that is nothing but a number.
fn write(
    rows: &mut Writer<Vec<u8>>,
    value: &Value<'_>,
    scratch: &mut Vec<u8>,
) -> Result<(), Error> {
    scratch.clear();
    match value {
        Value::Null => {}
        Value::Text(text) | Value::Json(text) => {
            return rows.write_field(&*harmless(text)).map_err(failed);
        }
        Value::Bool(flag) => return rows.write_field(flag.to_string()).map_err(failed),
        Value::Uuid(uuid) => {
            let mut text = uuid::Uuid::encode_buffer();
            let text = uuid.hyphenated().encode_lower(&mut text);
            return rows.write_field(text).map_err(failed);
        }
        Value::Time(time) => write!(scratch, "{time}").map_err(failed)?,
        Value::Int(number) => write!(scratch, "{number}").map_err(failed)?,
        Value::Real(number) => write!(scratch, "{number}").map_err(failed)?,
        Value::Ip(address) => write!(scratch, "{address}").map_err(failed)?,
        Value::TextList(list) => serde_json::to_writer(&mut *scratch, list).map_err(failed)?,
    }
    rows.write_field(scratch).map_err(failed)
}

fn writer(capacity: usize) -> Writer<Vec<u8>> {
    WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::with_capacity(capacity))
}

fn finish(rows: Writer<Vec<u8>>) -> Result<Vec<u8>, Error> {
    rows.into_inner()
        .map_err(|error| failed(error.into_error()))
}

/// Writing into memory does not fail, so this is never seen.
fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal("a record cannot be written as csv").caused_by(error)
}
