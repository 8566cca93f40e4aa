//! A record to bytes and back.
//!
//! A record is a sequence of its columns that have a value: the column's place
//! in the segment's [table](super::layout), then the value. Numbers are little
//! endian; texts, lists, JSON and addresses stand behind their length, a
//! number of seven bits a byte.

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::IpAddr;

use uuid::Uuid;

use super::layout::Layout;
use crate::event::{ColumnType, Fields, Timestamp, Value};
use crate::{Error, EventId, Record};

/// What `capture_notes` says of a record that came back without a column.
const SKIPPED: &str = "journal_column_skipped";

/// Appends a record's bytes, for [today's table](super::layout::table).
pub(super) fn encode(record: &Record, to: &mut Vec<u8>) {
    let mut next = 0;
    let Ok(()) = record.try_each(|_, value| {
        let place: u8 = next;
        // After the last of 256 columns it is not used again.
        next = next.wrapping_add(1);
        match value {
            Value::Null => {}
            Value::Text(text) | Value::Json(text) => prefixed(place, text.as_bytes(), to),
            Value::Bool(flag) => to.extend_from_slice(&[place, u8::from(flag)]),
            Value::Int(number) => fixed(place, number.to_le_bytes(), to),
            Value::Real(number) => fixed(place, number.to_le_bytes(), to),
            Value::Time(time) => fixed(place, time.as_micros().to_le_bytes(), to),
            Value::Uuid(uuid) => {
                to.push(place);
                to.extend_from_slice(uuid.as_bytes());
            }
            Value::TextList(list) => {
                to.push(place);
                put_length(list.iter().map(|text| prefixed_size(text)).sum(), to);
                for text in list.iter() {
                    put_length(text.len(), to);
                    to.extend_from_slice(text.as_bytes());
                }
            }
            Value::Ip(IpAddr::V4(address)) => prefixed(place, &address.octets(), to),
            Value::Ip(IpAddr::V6(address)) => prefixed(place, &address.octets(), to),
        }
        Ok::<_, Infallible>(())
    });
}

fn fixed(place: u8, value: [u8; 8], to: &mut Vec<u8>) {
    let mut bytes = [place; 9];
    bytes[1..].copy_from_slice(&value);
    to.extend_from_slice(&bytes);
}

fn prefixed(place: u8, value: &[u8], to: &mut Vec<u8>) {
    if value.len() <= 0x7f {
        to.extend_from_slice(&[place, value.len() as u8]);
    } else {
        to.push(place);
        put_length(value.len(), to);
    }
    to.extend_from_slice(value);
}

fn put_length(mut length: usize, to: &mut Vec<u8>) {
    while length > 0x7f {
        to.push(length as u8 | 0x80);
        length >>= 7;
    }
    to.push(length as u8);
}

fn prefixed_size(text: &str) -> usize {
    let bits = usize::BITS - text.len().leading_zeros();
    bits.div_ceil(7).max(1) as usize + text.len()
}

/// A record from its bytes. A column that is not known any more, or whose
/// value does not fit any more, is left out with a note in `capture_notes`.
///
/// # Errors
/// If the bytes are not a record of this layout.
pub(super) fn decode(layout: &Layout, mut bytes: &[u8]) -> Result<Record, Error> {
    let unreadable = || Error::internal("a record of the journal cannot be read");
    let mut fields = Box::new(Fields::new(EventId::from(Uuid::nil())));
    let (mut has_id, mut skipped) = (false, false);
    while let Some((place, rest)) = bytes.split_first() {
        let place = layout.place(*place).ok_or_else(unreadable)?;
        let (value, rest) = cut(place.width, rest).ok_or_else(unreadable)?;
        bytes = rest;
        let Some(column) = place.column else {
            skipped = true;
            continue;
        };
        let value = read(column.column_type(), value).ok_or_else(unreadable)?;
        match column.set(&mut fields, value) {
            Ok(()) => has_id |= column.name() == "id",
            // A value that a newer version has brought.
            Err(_) if !column.is_required() => skipped = true,
            Err(error) => return Err(error),
        }
    }
    if !has_id {
        return Err(unreadable());
    }
    if skipped {
        fields.capture_notes.push(SKIPPED.to_owned());
    }
    Ok(Record::seal(fields))
}

/// The next value's bytes, and what is behind them.
fn cut(width: Option<u8>, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match width {
        Some(width) => bytes.split_at_checked(width.into()),
        None => {
            let (length, rest) = take_length(bytes)?;
            rest.split_at_checked(length)
        }
    }
}

fn take_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut length = 0;
    for (index, byte) in bytes.iter().enumerate().take(4) {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((length, &bytes[index + 1..]));
        }
    }
    None
}

fn read(column_type: ColumnType, bytes: &[u8]) -> Option<Value<'_>> {
    let eight = || bytes.try_into().ok();
    Some(match column_type {
        ColumnType::Uuid => Value::Uuid(Uuid::from_slice(bytes).ok()?),
        ColumnType::Time => Value::Time(Timestamp::from_micros(i64::from_le_bytes(eight()?))),
        ColumnType::Text => Value::Text(text(bytes)?),
        ColumnType::Bool => Value::Bool(*bytes.first()? != 0),
        ColumnType::SmallInt | ColumnType::BigInt => Value::Int(i64::from_le_bytes(eight()?)),
        ColumnType::Real => Value::Real(f64::from_le_bytes(eight()?)),
        ColumnType::TextList => Value::TextList(list(bytes)?.into()),
        ColumnType::Json => Value::Json(text(bytes)?),
        ColumnType::Ip => Value::Ip(address(bytes)?),
    })
}

fn text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    str::from_utf8(bytes).ok().map(Cow::Borrowed)
}

fn list(mut bytes: &[u8]) -> Option<Vec<String>> {
    let mut list = Vec::new();
    while !bytes.is_empty() {
        let (item, rest) = cut(None, bytes)?;
        list.push(text(item)?.into_owned());
        bytes = rest;
    }
    Some(list)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| v6()).ok()
}

#[cfg(test)]
mod tests;
