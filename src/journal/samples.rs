//! Records to test with.

use proptest::prelude::*;
use uuid::Uuid;

use crate::event::{Column, ColumnType, Fields, Json, Value};
use crate::{EventId, Kind, Level, Outcome, Record, Timestamp};

/// The id of the sample with this number.
pub(super) fn id(number: u64) -> EventId {
    let time = Timestamp::from_micros(1_709_208_000_000_000 + number as i64);
    EventId::lower_bound(time)
}

/// A small record, recognisable by its number.
pub(super) fn small(number: u64) -> Record {
    let mut fields = Fields::new(id(number));
    fields.kind = Kind::Activity;
    fields.action = Some(format!("sample.{number}"));
    Record::seal(fields)
}

/// Small records with these numbers.
pub(super) fn smalls(numbers: std::ops::Range<u64>) -> Vec<Record> {
    numbers.map(small).collect()
}

/// A record with a body of this many bytes.
pub(super) fn sized(number: u64, bytes: usize) -> Record {
    let mut fields = Fields::new(id(number));
    fields.request_body = Some("b".repeat(bytes));
    Record::seal(fields)
}

/// What an ordinary request with a small body leaves.
pub(super) fn ordinary(number: u64) -> Record {
    filled(number, |column| match column.column_type() {
        ColumnType::Text => match column.name() {
            "request_body" | "response_body" => Value::Text("{\"name\":\"tea\"}".repeat(8).into()),
            "user_agent" => Value::Text("Mozilla/5.0 (X11; Linux x86_64) Gecko".repeat(3).into()),
            name if name.len() % 5 == 0 => Value::Null,
            name => Value::Text(name.to_owned().into()),
        },
        ColumnType::Json if column.name().ends_with("headers") => {
            Value::Json(r#"{"accept":"*/*","content-type":"application/json"}"#.into())
        }
        ColumnType::SmallInt => Value::Int(200),
        ColumnType::BigInt => Value::Int(1_234),
        ColumnType::Ip => Value::Ip([192, 0, 2, 1].into()),
        ColumnType::Uuid
        | ColumnType::Time
        | ColumnType::Bool
        | ColumnType::Real
        | ColumnType::TextList
        | ColumnType::Json => Value::Null,
    })
}

/// A record with a value in every column, the same for the same number.
pub(super) fn full(number: u64) -> Record {
    filled(number, |column| match column.column_type() {
        ColumnType::Uuid => Value::Uuid(Uuid::from_u128(number.into())),
        ColumnType::Time => Value::Time(Timestamp::from_micros(-(number as i64))),
        ColumnType::Text => Value::Text(format!("{} \u{fc}\n", column.name()).into()),
        ColumnType::Bool => Value::Bool(true),
        ColumnType::SmallInt => Value::Int(404),
        ColumnType::BigInt => Value::Int(i64::MIN + number as i64),
        ColumnType::Real => Value::Real(48.137_154),
        ColumnType::TextList => Value::TextList(vec![String::new(), "two".to_owned()].into()),
        ColumnType::Json => Value::Json(r#"{"z": 1.0, "a":["\u00fc"]}"#.into()),
        ColumnType::Ip => Value::Ip("2001:db8::1".parse().unwrap()),
    })
}

/// Any record.
pub(super) fn any_record() -> impl Strategy<Value = Record> {
    let text = prop_oneof![
        3 => ".{0,8}",
        1 => proptest::collection::vec(any::<char>(), 0..400).prop_map(String::from_iter),
    ];
    let cell = (
        any::<bool>(),
        text,
        any::<i64>(),
        any::<bool>(),
        any::<u128>(),
    );
    let cells = proptest::collection::vec(cell, Column::all().len());
    (any::<u32>(), cells).prop_map(|(number, cells)| {
        let mut cells = cells.into_iter();
        filled(number.into(), |column| {
            let (is_null, text, number, flag, bits) = cells.next().unwrap();
            if is_null && !column.is_required() {
                return Value::Null;
            }
            match column.column_type() {
                ColumnType::Uuid => Value::Uuid(Uuid::from_u128(bits)),
                ColumnType::Time => Value::Time(Timestamp::from_micros(number)),
                ColumnType::Text => Value::Text(text.into()),
                ColumnType::Bool => Value::Bool(flag),
                ColumnType::SmallInt => Value::Int(number.rem_euclid(i64::from(u16::MAX) + 1)),
                ColumnType::BigInt => Value::Int(number),
                ColumnType::Real => Value::Real(number as f64 / 7.0),
                ColumnType::TextList => Value::TextList(vec![text; 1 + bits as usize % 3].into()),
                ColumnType::Json => Value::Json(Json::from_valid(text).as_str().to_owned().into()),
                ColumnType::Ip if flag => Value::Ip(std::net::Ipv6Addr::from_bits(bits).into()),
                ColumnType::Ip => Value::Ip((bits as u32).to_le_bytes().into()),
            }
        })
    })
}

/// A record whose columns are chosen by type, but for those that take few values.
fn filled(number: u64, mut value: impl FnMut(&Column) -> Value<'static>) -> Record {
    let mut fields = Fields::new(id(number));
    for column in Column::all() {
        let value = match column.name() {
            "id" | "occurred_at" => continue,
            "kind" => Value::Text("of.its-own_1".into()),
            "outcome" => Value::Text(Outcome::AbortedMidBody.as_str().into()),
            "level" => Value::Text(Level::Metadata.as_str().into()),
            _ => value(column),
        };
        if value != Value::Null || !column.is_required() {
            column.set(&mut fields, value).unwrap();
        }
    }
    Record::seal(fields)
}
