//! Records and texts that are hard on a store.

use std::net::{Ipv4Addr, Ipv6Addr};

use uuid::Uuid;

use super::trail::Trail;
use crate::event::{Column, ColumnType, Json, Value};
use crate::{Actor, Change, Event, EventId, Kind, Level, Outcome, Record, Sanitizer, Timestamp};

/// Texts that some encoding, escaping or comparison might get wrong.
pub(super) const TEXTS: &[&str] = &[
    "",
    " ",
    " spaces around ",
    "line\nline\r\nline\ttab",
    "\\N",
    "\\.",
    "back\\slash\\",
    "it's \"quoted\" and `ticked`",
    "'); DROP TABLE audit_events; --",
    "NULL",
    "{\"a\": [1, null]}",
    "a,b;c|d",
    "%_?$1:a@b",
    "gr\u{fc}\u{df}e, e\u{301}, \u{4f60}\u{597d}, \u{5e9}\u{5dc}\u{5d5}\u{5dd}",
    "\u{1f980}\u{1f469}\u{200d}\u{1f4bb}",
    "\u{1}\u{8}\u{1b}\u{7f}\u{feff}\u{202e}",
    "\u{fffd}\u{ffff}\u{10ffff}",
];

/// A megabyte of text in which characters of one to four bytes take turns.
pub(super) fn long_text() -> String {
    "a\u{e9}\u{20ac}\u{1f980}\n\"\\".repeat(1024 * 1024 / 13)
}

/// JSON that must stay as it was written.
const JSON: &str = r#"{"z": 1.0, "a":1e400,"a": [ 12345678901234567890.10, "\u00e9\/" ] }"#;

/// What a service may tell of an event, all of it.
pub(super) fn event(trail: &Trail) -> Record {
    let before = serde_json::json!({"item": "tea", "count": 1});
    let after = serde_json::json!({"item": "tea", "count": 2});
    let change = Change::updated("order", 7, &before, &after).expect("a small change");
    let event = Event::new(Kind::DataChange)
        .actor(
            Actor::user(42)
                .name("Ada \u{1f980}")
                .email("ada@example.com")
                .role("admin"),
        )
        .tenant(&trail.tenant)
        .session("session-1")
        .operation("operation-1")
        .parent(EventId::now())
        .action("order.update")
        .category("orders")
        .description("changed an order's \"count\"\nto 2")
        .resource("order", 7)
        .detail("reason", &"asked to")
        .detail("numbers", &[1, 2, 3])
        .tag("first")
        .tag("second, with a comma")
        .flag("looks odd")
        .change(change)
        .success(false)
        .error("no stock: \u{4f60}\u{597d}")
        .severity("warning")
        .component("warehouse");
    Sanitizer::default().record(event)
}

/// A record with a value in every column.
pub(super) fn full(trail: &Trail) -> Record {
    filled(trail, |column, place| match column.column_type() {
        ColumnType::Uuid => Value::Uuid(Uuid::from_u128(u128::from(place) << 64 | 7)),
        ColumnType::Time => Value::Time(Timestamp::from_micros(1_709_208_000_000_001)),
        ColumnType::Text => Value::Text(format!("{} \"\u{fc}\"", column.name()).into()),
        ColumnType::Bool => Value::Bool(true),
        ColumnType::SmallInt => Value::Int(i64::from(i16::MAX) - i64::from(place)),
        ColumnType::BigInt => Value::Int(i64::MAX - i64::from(place)),
        ColumnType::Real => Value::Real(48.137_154_321_987 + f64::from(place)),
        ColumnType::TextList => {
            let list = [TEXTS, &[column.name()]].concat();
            Value::TextList(list.into_iter().map(str::to_owned).collect())
        }
        ColumnType::Json => Value::Json(JSON.into()),
        ColumnType::Ip => {
            let last = Ipv6Addr::from_bits(u128::from(place) | 0x2001_0db8 << 96);
            Value::Ip(last.into())
        }
    })
}

/// A record with the smallest value in every column, which is not the same as none.
pub(super) fn smallest(trail: &Trail) -> Record {
    filled(trail, |column, place| match column.column_type() {
        ColumnType::Uuid => Value::Uuid(Uuid::nil()),
        ColumnType::Time => Value::Time(Timestamp::from_micros(0)),
        ColumnType::Text => Value::Text("".into()),
        ColumnType::Bool => Value::Bool(false),
        ColumnType::SmallInt => Value::Int(0),
        ColumnType::BigInt => Value::Int(i64::MIN + i64::from(place)),
        ColumnType::Real => Value::Real(-f64::MIN_POSITIVE),
        ColumnType::TextList => Value::TextList(vec![String::new()].into()),
        ColumnType::Json => Value::Json("[]".into()),
        ColumnType::Ip => Value::Ip(Ipv4Addr::UNSPECIFIED.into()),
    })
}

/// A record whose columns are chosen by type, but for those that take few values.
fn filled(trail: &Trail, value: impl Fn(&Column, u16) -> Value<'static>) -> Record {
    let mut fields = trail.fields();
    for (place, column) in (0..).zip(Column::all()) {
        let value = match column.name() {
            "id" | "occurred_at" | "tenant_id" => continue,
            "kind" => Value::Text("of.its-own_1".into()),
            "outcome" => Value::Text(Outcome::AbortedMidBody.as_str().into()),
            "level" => Value::Text(Level::Request.as_str().into()),
            _ => value(column, place),
        };
        column
            .set(&mut fields, value)
            .expect("the sample fits its column");
    }
    Record::seal(fields)
}

/// A record with a text in each of the columns that take long ones.
pub(super) fn with_text(trail: &Trail, text: &str) -> Record {
    let mut fields = trail.fields();
    let quoted = serde_json::to_string(text).expect("a text can be written as json");
    fields.request_body = Some(text.to_owned());
    fields.response_body = Some(text.to_owned());
    fields.details = Some(Json::from_valid(format!("{{\"text\":{quoted}}}")));
    fields.capture_notes = vec![text.to_owned(), "another".to_owned()];
    Record::seal(fields)
}
