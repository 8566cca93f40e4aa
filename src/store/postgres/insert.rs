//! Every later attempt: one INSERT that leaves alone what is stored already.

use std::collections::HashSet;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{GenericClient, Row, Transaction};

use super::connect::Connection;
use super::error::Failure;
use super::rollup;
use super::values::{Field, put_field, type_of};
use crate::event::{Column, ColumnType, Value};
use crate::store::rollup::{Ledger, Staged, Tally};
use crate::store::sql;
use crate::{Error, EventId, Record};

/// The statement: one array of values for each column, as parameters.
pub(super) fn statement(table: &str) -> String {
    let columns = Column::all();
    let names = sql::names(columns.iter());
    let selected: Vec<String> = columns
        .iter()
        .map(|column| match column.column_type() {
            // Arrays of arrays are unnested to the bottom, so lists travel as literals.
            ColumnType::TextList => format!("{}::text[]", column.name()),
            _ => column.name().to_owned(),
        })
        .collect();
    let parameters: Vec<String> = (1..=columns.len())
        .map(|place| format!("${place}"))
        .collect();
    format!(
        "INSERT INTO {table} ({names}) SELECT {} FROM unnest({}) AS row ({names}) ON CONFLICT (id) DO NOTHING RETURNING id",
        selected.join(", "),
        parameters.join(", ")
    )
}

/// Stores those records that are not stored yet, wholly or not at all, in a
/// transaction of its own; says how many these were.
pub(super) async fn insert(
    connection: &mut Connection,
    statement: &str,
    rollups: &rollup::Statements,
    records: &[Record],
) -> Result<usize, Failure> {
    let Connection { client, ledger, .. } = connection;
    // Dropped without a commit, it is rolled back before anything else.
    let transaction = client.transaction().await?;
    let (inserted, staged) = insert_in(&transaction, ledger, statement, rollups, records).await?;
    // What is checked only now may refuse the records, too.
    transaction.commit().await?;
    ledger.commit(staged);
    Ok(inserted)
}

/// The same within a transaction of the caller's, who tells the ledger once it is committed.
pub(super) async fn insert_in(
    transaction: &Transaction<'_>,
    ledger: &Ledger,
    statement: &str,
    rollups: &rollup::Statements,
    records: &[Record],
) -> Result<(usize, Staged), Failure> {
    let mut inserted = insert_missing(transaction, statement, records).await?;
    let count = inserted.len();
    // Each id once, even if a batch has it twice.
    let new = records.iter().filter(|record| inserted.remove(&record.id));
    let staged = ledger.stage(Tally::of(new));
    rollups.write(transaction, &staged).await?;
    Ok((count, staged))
}

/// The ids of those records that were not stored yet.
async fn insert_missing(
    client: &impl GenericClient,
    statement: &str,
    records: &[Record],
) -> Result<HashSet<EventId>, Failure> {
    let arrays = Column::all()
        .iter()
        .map(|column| Array::new(column, records))
        .collect::<Result<Vec<_>, _>>()?;
    let parameters: Vec<(&(dyn ToSql + Sync), Type)> = arrays
        .iter()
        .map(|array| (array as _, array.wire.clone()))
        .collect();
    let inserted = client.query_typed(statement, &parameters).await;
    let inserted = inserted.map_err(|error| Failure::from(error).but_known_ids())?;
    inserted.iter().map(id_of).collect()
}

fn id_of(row: &Row) -> Result<EventId, Failure> {
    let id: Field<'_> = row.try_get(0)?;
    let id = uuid::Uuid::from_slice(id.bytes());
    id.map(EventId::from)
        .map_err(|_| Failure::Other(Error::internal("an id cannot be read")))
}

/// The values of one column in all records, as a binary array.
struct Array {
    wire: Type,
    bytes: BytesMut,
}

impl Array {
    fn new(column: &'static Column, records: &[Record]) -> Result<Self, Failure> {
        let (wire, element) = wire(column);
        let mut bytes = BytesMut::new();
        bytes.put_i32(1); // dimensions
        bytes.put_i32(1); // there may be NULLs
        bytes.put_u32(element.oid());
        bytes.put_i32(records.len() as i32);
        bytes.put_i32(1); // the first index
        for (index, record) in records.iter().enumerate() {
            let value = match column.get(record) {
                Value::TextList(list) => Value::Text(literal(&list).into()),
                value => value,
            };
            put_field(column, &value, &mut bytes)
                .map_err(|value| Failure::out_of_range(value, index))?;
        }
        Ok(Self { wire, bytes })
    }
}

/// The types of a column's array and of its elements.
fn wire(column: &Column) -> (Type, Type) {
    let array = match column.column_type() {
        ColumnType::Uuid => Type::UUID_ARRAY,
        ColumnType::Time => Type::TIMESTAMPTZ_ARRAY,
        ColumnType::TextList => return (Type::TEXT_ARRAY, Type::TEXT),
        ColumnType::Text => Type::TEXT_ARRAY,
        ColumnType::Bool => Type::BOOL_ARRAY,
        ColumnType::SmallInt => Type::INT2_ARRAY,
        ColumnType::BigInt => Type::INT8_ARRAY,
        ColumnType::Real => Type::FLOAT8_ARRAY,
        ColumnType::Json => Type::JSON_ARRAY,
        ColumnType::Ip => Type::INET_ARRAY,
    };
    (array, type_of(column))
}

/// A list as the text of an array, every element quoted.
fn literal(list: &[String]) -> String {
    let quote = |text: &String| {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{text}\"")
    };
    let elements: Vec<String> = list.iter().map(quote).collect();
    format!("{{{}}}", elements.join(","))
}

impl std::fmt::Debug for Array {
    /// Rows are not for logs, where `tokio_postgres` writes parameters on request.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("_")
    }
}

impl ToSql for Array {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.extend_from_slice(&self.bytes);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_quoted_so_that_nothing_in_it_counts() {
        let list = [
            "a".to_owned(),
            "NULL".to_owned(),
            "\"},{\\".to_owned(),
            String::new(),
        ];
        assert_eq!(literal(&list), r#"{"a","NULL","\"},{\\",""}"#);
    }
}
