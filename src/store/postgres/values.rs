//! Values on the wire, in PostgreSQL's binary format.

use std::net::IpAddr;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::event::{Column, ColumnType, Value};
use crate::{Error, Timestamp};

type Failure = Box<dyn std::error::Error + Sync + Send>;

/// Microseconds from 1970, where time begins here, to 2000, where it does for PostgreSQL.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// The value is one that its column's type cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfRange(pub(super) &'static str);

/// The type of a column's values.
pub(super) fn type_of(column: &Column) -> Type {
    match column.column_type() {
        ColumnType::Uuid => Type::UUID,
        ColumnType::Time => Type::TIMESTAMPTZ,
        ColumnType::Text => Type::TEXT,
        ColumnType::Bool => Type::BOOL,
        ColumnType::SmallInt => Type::INT2,
        ColumnType::BigInt => Type::INT8,
        ColumnType::Real => Type::FLOAT8,
        ColumnType::TextList => Type::TEXT_ARRAY,
        ColumnType::Json => Type::JSON,
        ColumnType::Ip => Type::INET,
    }
}

/// Writes a field as COPY and arrays have it: length, then value; a length of -1 stands for NULL.
#[inline(never)] // it is called for each of the columns
pub(super) fn put_field(
    column: &'static Column,
    value: &Value<'_>,
    out: &mut impl BufMut,
) -> Result<(), OutOfRange> {
    let out_of_range = || OutOfRange(column.name());
    match value {
        Value::Null => out.put_i32(-1),
        Value::Text(text) | Value::Json(text) => {
            let length = i32::try_from(text.len()).map_err(|_| out_of_range())?;
            out.put_i32(length);
            out.put_slice(text.as_bytes());
        }
        Value::Uuid(uuid) => {
            out.put_i32(16);
            out.put_slice(uuid.as_bytes());
        }
        Value::Time(time) => {
            out.put_i32(8);
            out.put_i64(to_wire(*time).ok_or_else(out_of_range)?);
        }
        Value::Bool(flag) => {
            out.put_i32(1);
            out.put_u8((*flag).into());
        }
        Value::Int(number) if column.column_type() == ColumnType::SmallInt => {
            let number = i16::try_from(*number).map_err(|_| out_of_range())?;
            out.put_i32(2);
            out.put_i16(number);
        }
        Value::Int(number) => {
            out.put_i32(8);
            out.put_i64(*number);
        }
        Value::Real(number) => {
            out.put_i32(8);
            out.put_f64(*number);
        }
        Value::TextList(list) => {
            let mut bytes = BytesMut::new();
            let array = (&**list).to_sql(&Type::TEXT_ARRAY, &mut bytes);
            let length = array.ok().and_then(|_| i32::try_from(bytes.len()).ok());
            out.put_i32(length.ok_or_else(out_of_range)?);
            out.put_slice(&bytes);
        }
        // Family, bits of the network, whether it is one, bytes of the address.
        Value::Ip(IpAddr::V4(address)) => {
            out.put_i32(8);
            out.put_slice(&[2, 32, 0, 4]);
            out.put_slice(&address.octets());
        }
        Value::Ip(IpAddr::V6(address)) => {
            out.put_i32(20);
            out.put_slice(&[3, 128, 0, 16]);
            out.put_slice(&address.octets());
        }
    }
    Ok(())
}

fn to_wire(time: Timestamp) -> Option<i64> {
    time.as_micros().checked_sub(EPOCH_MICROS)
}

/// The parameter of a query. What it holds is not for logs, where
/// `tokio_postgres` writes parameters on request.
pub(super) struct Parameter<'a>(pub(super) &'a Value<'a>);

impl Parameter<'_> {
    /// The type to compare with a column. Integers are compared as large
    /// ones, so that a number that the column cannot hold is just not found.
    pub(super) fn type_of(column: &Column) -> Type {
        match type_of(column) {
            Type::INT2 => Type::INT8,
            wire => wire,
        }
    }
}

impl std::fmt::Debug for Parameter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("_")
    }
}

impl ToSql for Parameter<'_> {
    fn to_sql(&self, wire: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match self.0 {
            Value::Null => return Ok(IsNull::Yes),
            Value::Text(text) | Value::Json(text) => out.put_slice(text.as_bytes()),
            Value::Uuid(uuid) => out.put_slice(uuid.as_bytes()),
            Value::Time(time) => out.put_i64(to_wire(*time).ok_or("out of range")?),
            Value::Bool(flag) => out.put_u8((*flag).into()),
            Value::Int(number) => out.put_i64(*number),
            Value::Real(number) => out.put_f64(*number),
            Value::TextList(list) => return (&**list).to_sql(wire, out),
            Value::Ip(address) => return address.to_sql(wire, out),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A field of a row as it came.
pub(super) struct Field<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Field<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl<'a> Field<'a> {
    pub(super) fn value(self, column: &Column) -> Result<Value<'a>, Error> {
        self.parse(column)
            .map_err(|_| Error::internal(format!("the column {} cannot be read", column.name())))
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The value of a `timestamptz`.
    pub(super) fn time(self) -> Result<Timestamp, Failure> {
        let micros = i64::from_sql(&Type::INT8, self.0)?.checked_add(EPOCH_MICROS);
        Ok(Timestamp::from_micros(micros.ok_or("infinite")?))
    }

    fn parse(self, column: &Column) -> Result<Value<'a>, Failure> {
        let wire = &type_of(column);
        Ok(match column.column_type() {
            ColumnType::Uuid => Value::Uuid(uuid::Uuid::from_slice(self.0)?),
            ColumnType::Time => Value::Time(self.time()?),
            ColumnType::Text => Value::Text(std::str::from_utf8(self.0)?.into()),
            ColumnType::Json => Value::Json(std::str::from_utf8(self.0)?.into()),
            ColumnType::Bool => Value::Bool(bool::from_sql(wire, self.0)?),
            ColumnType::SmallInt => Value::Int(i16::from_sql(wire, self.0)?.into()),
            ColumnType::BigInt => Value::Int(i64::from_sql(wire, self.0)?),
            ColumnType::Real => Value::Real(f64::from_sql(wire, self.0)?),
            ColumnType::TextList => Value::TextList(Vec::from_sql(wire, self.0)?.into()),
            ColumnType::Ip => Value::Ip(IpAddr::from_sql(wire, self.0)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_does_not_fit_names_its_column() {
        let status = Column::named("status").unwrap();
        let mut out = BytesMut::new();
        assert_eq!(
            put_field(status, &Value::Int(40_000), &mut out),
            Err(OutOfRange("status"))
        );
    }

    #[test]
    fn fields_are_read_as_they_were_written() {
        for (name, value) in [
            ("id", Value::Uuid(uuid::Uuid::from_u128(7))),
            ("occurred_at", Value::Time(Timestamp::from_micros(-5))),
            ("action", Value::Text("é".into())),
            ("success", Value::Bool(true)),
            ("status", Value::Int(404)),
            ("duration_us", Value::Int(-1)),
            ("latitude", Value::Real(-0.5)),
            (
                "tags",
                Value::TextList(vec!["a".to_owned(), String::new()].into()),
            ),
            ("details", Value::Json("{\"a\": 1}".into())),
            ("client_ip", Value::Ip("2001:db8::1".parse().unwrap())),
        ] {
            let column = Column::named(name).unwrap();
            let mut out = BytesMut::new();
            put_field(column, &value, &mut out).unwrap();
            let (length, raw) = out.split_at(4);
            assert_eq!(length, (raw.len() as i32).to_be_bytes());
            assert_eq!(Field(raw).value(column).unwrap(), value, "{name}");
        }
    }
}
