//! A column's value as SQLite keeps it: as text, unless it is a number.
//!
//! Ids, times, addresses, lists and JSON are all text, so that whoever opens
//! the file with another tool can read the rows. Ids sort as text as they do as ids.

use std::borrow::Cow;

use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use uuid::Uuid;

use crate::Error;
use crate::event::{Column, ColumnType, Value};

/// The value to bind.
pub(super) fn to_sql<'a>(value: &'a Value<'_>) -> ToSqlOutput<'a> {
    let text = |text: String| ToSqlOutput::Owned(Owned::Text(text));
    match value {
        Value::Null => ToSqlOutput::Owned(Owned::Null),
        Value::Uuid(uuid) => text(uuid.to_string()),
        Value::Time(time) => text(time.to_string()),
        Value::Text(text) | Value::Json(text) => {
            ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
        }
        Value::Bool(flag) => ToSqlOutput::Owned(Owned::Integer((*flag).into())),
        Value::Int(number) => ToSqlOutput::Owned(Owned::Integer(*number)),
        Value::Real(number) => ToSqlOutput::Owned(Owned::Real(*number)),
        Value::TextList(list) => {
            text(serde_json::to_string(list).expect("a list of texts can be written as json"))
        }
        Value::Ip(address) => text(address.to_string()),
    }
}

/// The value that was bound.
pub(super) fn from_sql<'a>(column: &Column, value: ValueRef<'a>) -> Result<Value<'a>, Error> {
    read(column.column_type(), value).ok_or_else(|| {
        Error::internal(format!(
            "a stored value does not fit the column {}",
            column.name()
        ))
    })
}

fn read(column_type: ColumnType, value: ValueRef<'_>) -> Option<Value<'_>> {
    let text = || value.as_str().ok();
    if value == ValueRef::Null {
        return Some(Value::Null);
    }
    Some(match column_type {
        ColumnType::Uuid => Value::Uuid(Uuid::parse_str(text()?).ok()?),
        ColumnType::Time => Value::Time(text()?.parse().ok()?),
        ColumnType::Text => Value::Text(Cow::Borrowed(text()?)),
        ColumnType::Bool => Value::Bool(value.as_i64().ok()? != 0),
        ColumnType::SmallInt | ColumnType::BigInt => Value::Int(value.as_i64().ok()?),
        ColumnType::Real => Value::Real(value.as_f64().ok()?),
        ColumnType::TextList => {
            Value::TextList(serde_json::from_str::<Vec<_>>(text()?).ok()?.into())
        }
        ColumnType::Json => Value::Json(Cow::Borrowed(text()?)),
        ColumnType::Ip => Value::Ip(text()?.parse().ok()?),
    })
}
