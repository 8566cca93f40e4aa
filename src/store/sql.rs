//! The queries that SQLite and PostgreSQL share. Values are always bound, never written into the text.

use std::ops::Range;

use crate::EventId;
use crate::event::{Column, ColumnType, Value};
use crate::query::{Condition, Filter, Test, Window};

/// What the two put differently. A place is the number of a parameter.
pub(super) struct Dialect {
    /// Whether a column of addresses is between two.
    pub(super) ip_between: fn(&str, usize, usize) -> String,
    /// Whether a column of lists has the one text of another list.
    pub(super) contains: fn(&str, usize) -> String,
    /// Whether each of these words starts one of the record's. What the function is
    /// given binds a text and tells its place.
    pub(super) words: fn(&[String], &mut dyn FnMut(String) -> usize) -> String,
}

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
pub(super) fn list(table: &str, filter: &Filter, window: &Window, dialect: &Dialect) -> Query {
    rows(&names(compact_columns()), table, filter, window, dialect)
}

/// The same with all columns.
pub(super) fn export(table: &str, filter: &Filter, window: &Window, dialect: &Dialect) -> Query {
    rows(&names(Column::all().iter()), table, filter, window, dialect)
}

fn rows(columns: &str, table: &str, filter: &Filter, window: &Window, dialect: &Dialect) -> Query {
    let mut query = select(columns, table, filter, &window.ids, dialect);
    let order = if window.newest_first { "DESC" } else { "ASC" };
    let end = format!(" ORDER BY id {order} LIMIT {}", window.fetch);
    query.text.push_str(&end);
    query
}

/// The query for the number of a window's records that pass a filter, up to what it would fetch.
pub(super) fn count(table: &str, filter: &Filter, window: &Window, dialect: &Dialect) -> Query {
    let Query { text, parameters } = select("1", table, filter, &window.ids, dialect);
    Query {
        text: format!(
            "SELECT count(*) FROM ({text} LIMIT {}) AS found",
            window.fetch
        ),
        parameters,
    }
}

/// The query for the records of some ids that pass a filter.
pub(super) fn select(
    columns: &str,
    table: &str,
    filter: &Filter,
    ids: &Range<EventId>,
    dialect: &Dialect,
) -> Query {
    let id = &Column::all()[0];
    let mut parameters = vec![
        (id, Value::Uuid(ids.start.as_uuid())),
        (id, Value::Uuid(ids.end.as_uuid())),
    ];
    let mut text = format!("SELECT {columns} FROM {table} WHERE id >= $1 AND id < $2");
    for condition in filter.conditions() {
        text.push_str(" AND ");
        text.push_str(&clause(condition, dialect, &mut parameters));
    }
    if !filter.words().is_empty() {
        let mut bind = |text: String| {
            parameters.push((text_column(), Value::Text(text.into())));
            parameters.len()
        };
        text.push_str(" AND ");
        text.push_str(&(dialect.words)(filter.words(), &mut bind));
    }
    Query { text, parameters }
}

/// A column for texts that are compared with no column in particular.
fn text_column() -> &'static Column {
    Column::named("description").expect("events have a description")
}

/// A condition as an expression that is true or not, never unknown.
fn clause(
    condition: &Condition,
    dialect: &Dialect,
    parameters: &mut Vec<(&'static Column, Value<'static>)>,
) -> String {
    let column = condition.column();
    let name = column.name();
    let mut bind = |value: Value<'static>| {
        parameters.push((column, value));
        parameters.len()
    };
    let tests = condition.tests().iter();
    let tests = tests
        .filter(|test| !test.asks_for_nul())
        .map(|test| match test.clone() {
            Test::Equals(value) => format!("{name} = ${}", bind(value)),
            Test::Between(min, max) => {
                let [min, max] = [min, max].map(&mut bind);
                match column.column_type() {
                    ColumnType::Ip => (dialect.ip_between)(name, min, max),
                    _ => format!("{name} BETWEEN ${min} AND ${max}"),
                }
            }
            Test::StartsWith(prefix) => {
                let place = bind(Value::Text(prefix.into()));
                format!("substr({name}, 1, length(${place})) = ${place}")
            }
            Test::Contains(text) => {
                (dialect.contains)(name, bind(Value::TextList(vec![text].into())))
            }
        });
    let tests: Vec<_> = tests.collect();
    let any = if tests.is_empty() {
        "1 = 0".to_owned()
    } else {
        tests.join(" OR ")
    };
    let negation = if condition.is_negated() {
        " IS NOT TRUE"
    } else {
        ""
    };
    format!("({any}){negation}")
}

/// The query for one record, whose id is the one parameter.
pub(super) fn get(table: &str) -> String {
    format!(
        "SELECT {} FROM {table} WHERE id = $1",
        names(Column::all().iter())
    )
}
