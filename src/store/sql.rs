//! The queries that SQLite and PostgreSQL share. Values are always bound, never written into the text.

use crate::event::{Column, Value};
use crate::query::{Filter, Test, Window};

/// A query's text, and the values of its parameters `$1`, `$2`, … in order,
/// each with the column that it is compared with.
pub(super) struct Query {
    pub(super) text: String,
    pub(super) parameters: Vec<(&'static Column, Value<'static>)>,
}

/// The columns that lists show.
pub(super) fn compact_columns() -> impl Iterator<Item = &'static Column> {
    Column::all().iter().filter(|column| column.is_compact())
}

/// The names of columns, separated by commas.
pub(super) fn names(columns: impl Iterator<Item = &'static Column>) -> String {
    columns.map(Column::name).collect::<Vec<_>>().join(", ")
}

/// The query for a window of the records that pass a filter.
pub(super) fn list(table: &str, filter: &Filter, window: &Window) -> Query {
    let id = &Column::all()[0];
    let mut parameters = vec![
        (id, Value::Uuid(window.ids.start.as_uuid())),
        (id, Value::Uuid(window.ids.end.as_uuid())),
    ];
    let mut text = format!(
        "SELECT {} FROM {table} WHERE id >= $1 AND id < $2",
        names(compact_columns())
    );
    for condition in filter.conditions() {
        let (column, place) = (condition.column(), parameters.len() + 1);
        let name = column.name();
        if condition.asks_for_nul() {
            text.push_str(" AND 1 = 0");
            continue;
        }
        match condition.test() {
            Test::Equals(value) => {
                text.push_str(&format!(" AND {name} = ${place}"));
                parameters.push((column, value.clone()));
            }
            Test::StartsWith(prefix) => {
                text.push_str(&format!(
                    " AND substr({name}, 1, length(${place})) = ${place}"
                ));
                parameters.push((column, Value::Text(prefix.clone().into())));
            }
        }
    }
    let order = if window.newest_first { "DESC" } else { "ASC" };
    text.push_str(&format!(" ORDER BY id {order} LIMIT {}", window.fetch));
    Query { text, parameters }
}

/// The query for one record, whose id is the one parameter.
pub(super) fn get(table: &str) -> String {
    format!(
        "SELECT {} FROM {table} WHERE id = $1",
        names(Column::all().iter())
    )
}
