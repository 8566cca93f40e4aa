//! The columns of a record: names, types, and generic access for stores.

use std::borrow::Cow;
use std::net::IpAddr;

use uuid::Uuid;

use super::{EventId, Fields, Json, Kind, Level, Outcome, Timestamp};
use crate::Error;

/// The type of a column, in words that any store can translate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnType {
    /// A UUID.
    Uuid,
    /// A UTC time with microseconds.
    Time,
    /// Text without NUL.
    Text,
    /// True or false.
    Bool,
    /// An integer from 0 to 32,767, which fits 16 bits with a sign.
    SmallInt,
    /// An integer of 64 bits.
    BigInt,
    /// A floating-point number of 64 bits.
    Real,
    /// A list of texts.
    TextList,
    /// JSON, to be kept as text.
    Json,
    /// An IPv4 or IPv6 address.
    Ip,
}

/// The value of a column in one record.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// No value.
    Null,
    /// For [`ColumnType::Uuid`].
    Uuid(Uuid),
    /// For [`ColumnType::Time`].
    Time(Timestamp),
    /// For [`ColumnType::Text`].
    Text(Cow<'a, str>),
    /// For [`ColumnType::Bool`].
    Bool(bool),
    /// For [`ColumnType::SmallInt`] and [`ColumnType::BigInt`].
    Int(i64),
    /// For [`ColumnType::Real`].
    Real(f64),
    /// For [`ColumnType::TextList`].
    TextList(Cow<'a, [String]>),
    /// For [`ColumnType::Json`].
    Json(Cow<'a, str>),
    /// For [`ColumnType::Ip`].
    Ip(IpAddr),
}

/// One column of the trail.
pub struct Column {
    name: &'static str,
    column_type: ColumnType,
    required: bool,
    compact: bool,
    get: for<'a> fn(&'a Fields) -> Value<'a>,
    set: fn(&mut Fields, Value<'_>) -> Option<()>,
}

impl Column {
    /// Every column, `id` first, in the order of [`Fields`].
    pub const fn all() -> &'static [Self] {
        ALL
    }

    /// The column of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|column| column.name == name)
    }

    /// The column's name: the field's, the JSON key's, the query parameter's.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The column's type.
    pub const fn column_type(&self) -> ColumnType {
        self.column_type
    }

    /// Whether every record has a value in it.
    pub const fn is_required(&self) -> bool {
        self.required
    }

    /// Whether the column is small enough to be part of a list; headers,
    /// bodies, details and the like are only in the detail view.
    pub const fn is_compact(&self) -> bool {
        self.compact
    }

    /// The column's value in a record.
    pub fn get<'a>(&self, fields: &'a Fields) -> Value<'a> {
        (self.get)(fields)
    }

    pub(crate) fn set(&self, fields: &mut Fields, value: Value<'_>) -> Result<(), Error> {
        (self.set)(fields, value).ok_or_else(|| {
            Error::internal(format!(
                "a stored value does not fit the column {}",
                self.name
            ))
        })
    }
}

impl std::fmt::Debug for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Column")
            .field("name", &self.name)
            .field("column_type", &self.column_type)
            .finish_non_exhaustive()
    }
}

/// A Rust type that a column can hold.
trait Cell: Sized {
    const TYPE: ColumnType;
    const REQUIRED: bool = true;

    fn get(&self) -> Value<'_>;
    fn set(value: Value<'_>) -> Option<Self>;
}

impl<T: Cell> Cell for Option<T> {
    const TYPE: ColumnType = T::TYPE;
    const REQUIRED: bool = false;

    fn get(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, T::get)
    }

    fn set(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::set(value).map(Some),
        }
    }
}

/// Implements [`Cell`] for a type: its column type, how to read it, how to write it.
macro_rules! cell {
    ($type:ty, $column_type:ident, |$field:ident| $get:expr, $pattern:pat => $set:expr) => {
        impl Cell for $type {
            const TYPE: ColumnType = ColumnType::$column_type;

            fn get(&self) -> Value<'_> {
                let $field = self;
                $get
            }

            fn set(value: Value<'_>) -> Option<Self> {
                match value {
                    $pattern => $set,
                    _ => None,
                }
            }
        }
    };
}

cell!(EventId, Uuid, |id| Value::Uuid(id.as_uuid()), Value::Uuid(uuid) => Some(Self::from(uuid)));
cell!(Uuid, Uuid, |uuid| Value::Uuid(*uuid), Value::Uuid(uuid) => Some(uuid));
cell!(Timestamp, Time, |time| Value::Time(*time), Value::Time(time) => Some(time));
cell!(String, Text, |text| Value::Text(text.as_str().into()), Value::Text(text) => Some(text.into_owned()));
cell!(Kind, Text, |kind| Value::Text(kind.as_str().into()), Value::Text(name) => Self::custom(&name).ok());
cell!(Outcome, Text, |outcome| Value::Text(outcome.as_str().into()), Value::Text(name) => name.parse().ok());
cell!(Level, Text, |level| Value::Text(level.as_str().into()), Value::Text(name) => name.parse().ok());
cell!(bool, Bool, |flag| Value::Bool(*flag), Value::Bool(flag) => Some(flag));
cell!(u16, SmallInt, |number| Value::Int((*number).into()), Value::Int(number) => number.try_into().ok());
cell!(i64, BigInt, |number| Value::Int(*number), Value::Int(number) => Some(number));
cell!(f64, Real, |number| Value::Real(*number), Value::Real(number) => Some(number));
cell!(IpAddr, Ip, |address| Value::Ip(*address), Value::Ip(address) => Some(address));
cell!(Json, Json, |json| Value::Json(json.as_str().into()), Value::Json(text) => Some(Self::from_valid(text)));

impl Cell for Vec<String> {
    const TYPE: ColumnType = ColumnType::TextList;
    const REQUIRED: bool = false;

    fn get(&self) -> Value<'_> {
        if self.is_empty() {
            return Value::Null;
        }
        Value::TextList(self.as_slice().into())
    }

    fn set(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(Self::new()),
            Value::TextList(list) => Some(list.into_owned()),
            _ => None,
        }
    }
}

const fn type_of<T: Cell>(_: fn(&Fields) -> &T) -> (ColumnType, bool) {
    (T::TYPE, T::REQUIRED)
}

/// The table of columns, in the order of [`Fields`]. Those marked `detail` are left out of lists.
macro_rules! columns {
    ($($name:ident $(: $detail:ident)?,)*) => {
        const ALL: &[Column] = &[$(Column {
            name: stringify!($name),
            column_type: type_of(|fields| &fields.$name).0,
            required: type_of(|fields| &fields.$name).1,
            compact: [$(stringify!($detail),)? ""].len() == 1,
            get: |fields| Cell::get(&fields.$name),
            set: |fields, value| {
                fields.$name = Cell::set(value)?;
                Some(())
            },
        },)*];

        impl Fields {
            /// Visits all columns in the order of [`Column::all`]. It is the quickest
            /// way to write a row: a column without a value costs a comparison.
            ///
            /// # Errors
            /// The first error of `visit`, which is not called again after it.
            #[inline]
            pub fn try_each<E>(
                &self,
                mut visit: impl FnMut(&'static Column, Value<'_>) -> Result<(), E>,
            ) -> Result<(), E> {
                let mut columns = ALL.iter();
                $(if let Some(column) = columns.next() {
                    visit(column, Cell::get(&self.$name))?;
                })*
                Ok(())
            }
        }
    };
}

columns! {
    id,
    occurred_at,
    kind,
    category,
    action,
    description,
    outcome,
    success,
    error,
    error_code,
    severity,
    component,
    stack_trace: detail,
    service,
    flagged,
    flag_reason,
    tags,
    sample_weight,
    level,
    parent_id,
    operation_id,
    request_id,
    trace_id,
    span_id,
    actor_kind,
    actor_id,
    actor_name,
    actor_email,
    actor_role,
    tenant_id,
    session_id,
    resource_type,
    resource_id,
    resource_name,
    method,
    path,
    route,
    query,
    http_version,
    host,
    status,
    grpc_status,
    ttfb_us,
    duration_us,
    request_bytes,
    response_bytes,
    request_content_type,
    response_content_type,
    request_headers: detail,
    response_headers: detail,
    cookies: detail,
    request_body: detail,
    response_body: detail,
    request_truncated,
    response_truncated,
    request_encoding: detail,
    response_encoding: detail,
    request_digest: detail,
    response_digest: detail,
    client_ip,
    client_ip_hash: detail,
    peer_ip,
    forwarded: detail,
    country,
    region,
    city,
    latitude,
    longitude,
    asn,
    isp,
    user_agent,
    browser,
    browser_version,
    os,
    os_version,
    device,
    is_mobile,
    is_bot,
    changes: detail,
    details: detail,
    capture_notes: detail,
    writer_id,
    writer_seq,
    integrity_hash: detail,
    erased_at,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_the_json_keys_in_the_same_order() {
        let json = serde_json::to_string(&Fields::new(EventId::now())).unwrap();
        let mut position = 0;
        for column in Column::all() {
            let key = format!("\"{}\":", column.name());
            let found = json[position..].find(&key).expect(&key);
            position += found + key.len();
        }
        let keys = serde_json::from_str::<serde_json::Map<_, _>>(&json).unwrap();
        assert_eq!(keys.len(), Column::all().len());
    }

    #[test]
    fn a_visit_meets_every_column_with_its_value() {
        let fields = Fields::new(EventId::now());
        let mut columns = Column::all().iter();
        let visited = fields.try_each(|column, value| {
            let expected = columns.next().ok_or("too many columns")?;
            assert_eq!(column.name(), expected.name());
            assert_eq!(value, expected.get(&fields));
            Ok::<_, &str>(())
        });
        assert_eq!((visited, columns.count()), (Ok(()), 0));
    }

    #[test]
    fn every_value_survives_the_way_through_its_column() {
        let mut fields = Fields::new(EventId::now());
        fields.kind = Kind::custom("own").unwrap();
        fields.outcome = Some(Outcome::TimedOut);
        fields.tags = vec!["a".into()];
        fields.client_ip = Some([192, 0, 2, 1].into());
        fields.details = Some(Json::from_valid("{}"));
        fields.status = Some(404);
        fields.latitude = Some(1.5);
        let mut copy = Fields::new(fields.id);
        for column in Column::all() {
            column.set(&mut copy, column.get(&fields)).unwrap();
        }
        assert_eq!(copy, fields);
    }
}
