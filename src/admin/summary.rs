//! A record as an item of a list, and by itself.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::Record;
use crate::event::{Column, ColumnType, Json, Value};

/// The compact columns of a record, all of them, in the order of [`Column::all`].
pub(super) struct Summary(pub(super) Record);

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = Column::all().iter().filter(|column| column.is_compact());
        serialize(columns, &self.0, serializer)
    }
}

/// All columns of a record that may be seen, and the names of those that may not.
pub(super) struct Detail {
    pub(super) record: Record,
    pub(super) hidden: &'static [&'static str],
}

impl Serialize for Detail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let shown = |column: &&Column| !self.hidden.contains(&column.name());
        for column in Column::all().iter().filter(shown) {
            map.serialize_entry(column.name(), &Cell(column, column.get(&self.record)))?;
        }
        // The same for all records: it does not tell whether there is something to see.
        if !self.hidden.is_empty() {
            map.serialize_entry("hidden_columns", self.hidden)?;
        }
        map.end()
    }
}

/// Some columns of a record.
pub(super) struct Selection<'a> {
    pub(super) columns: &'a [&'static Column],
    pub(super) record: &'a Record,
}

impl Serialize for Selection<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self.columns.iter().copied(), self.record, serializer)
    }
}

fn serialize<S: Serializer>(
    columns: impl Iterator<Item = &'static Column>,
    record: &Record,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for column in columns {
        map.serialize_entry(column.name(), &Cell(column, column.get(record)))?;
    }
    map.end()
}

/// A value as the whole record's JSON has it.
struct Cell<'a>(&'static Column, Value<'a>);

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.1 {
            Value::Null if self.0.column_type() == ColumnType::TextList => {
                serializer.collect_seq::<[&str; 0]>([])
            }
            Value::Null => serializer.serialize_none(),
            Value::Uuid(uuid) => uuid.serialize(serializer),
            Value::Time(time) => time.serialize(serializer),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Real(number) => serializer.serialize_f64(*number),
            Value::TextList(list) => list.serialize(serializer),
            Value::Json(text) => Json::from_valid(text.as_ref()).serialize(serializer),
            Value::Ip(address) => address.serialize(serializer),
        }
    }
}
