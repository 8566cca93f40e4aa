//! The tables and their versions.
//!
//! A file says what it is: `application_id` that it is an audit trail,
//! `user_version` how many of the [`VERSIONS`] it has seen.

use rusqlite::{Connection, TransactionBehavior};

use super::error::Classify;
use super::place::Place;
use crate::Error;

pub(super) const TABLE: &str = "audit_events";

/// What makes each version of the schema out of the one before. Once
/// released, an entry never changes; what is new is a new entry.
const VERSIONS: &[&str] = &[
    include_str!("v1.sql"),
    include_str!("v2.sql"),
    include_str!("v3.sql"),
    include_str!("v4.sql"),
];

/// `tAud`
const APPLICATION_ID: i32 = 0x7441_7564;

/// Refuses a file that is not a trail, or one that is newer than this crate.
pub(super) fn check(connection: &Connection, place: &Place) -> Result<(), Error> {
    missing(connection, VERSIONS, place).map(drop)
}

/// Brings the schema up to date.
pub(super) fn migrate(connection: &mut Connection, place: &Place) -> Result<(), Error> {
    migrate_to(connection, VERSIONS, place)
}

fn migrate_to(connection: &mut Connection, versions: &[&str], place: &Place) -> Result<(), Error> {
    if missing(connection, versions, place)?.is_empty() {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .classify(place)?;
    // Asked again now that nobody else can write: another process may have been faster.
    for version in missing(&transaction, versions, place)? {
        transaction.execute_batch(version).classify(place)?;
    }
    let newest = versions.len() as i64;
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .and_then(|()| transaction.pragma_update(None, "user_version", newest))
        .and_then(|()| transaction.commit())
        .classify(place)
}

/// What the database still has to see.
fn missing<'a>(
    connection: &Connection,
    versions: &'a [&'a str],
    place: &Place,
) -> Result<&'a [&'a str], Error> {
    let (application, version, is_empty) = connection
        .query_row(
            "SELECT application_id, user_version, NOT EXISTS (SELECT 1 FROM sqlite_schema)
             FROM pragma_application_id, pragma_user_version",
            [],
            |row| Ok((row.get(0)?, row.get::<_, i32>(1)?, row.get(2)?)),
        )
        .classify(place)?;
    match (application, is_empty) {
        (0, true) => return Ok(versions),
        (APPLICATION_ID, _) => {}
        _ => {
            return Err(Error::configuration(format!(
                "{place} belongs to another application: give the audit trail a file of its own"
            )));
        }
    }
    let seen = usize::try_from(version).unwrap_or(0);
    versions.get(seen..).ok_or_else(|| {
        Error::configuration(format!(
            "{place} has schema version {version}, but this version of tower-audit knows none above {}: upgrade it",
            versions.len()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Column, ColumnType};

    fn database() -> Connection {
        Connection::open_in_memory().unwrap()
    }

    fn version(connection: &Connection) -> i32 {
        connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn the_table_has_the_columns_of_a_record_in_their_order() {
        let mut connection = database();
        migrate(&mut connection, &Place::Memory).unwrap();
        let mut statement = connection
            .prepare("SELECT name, type, \"notnull\" FROM pragma_table_info(?1) ORDER BY cid")
            .unwrap();
        let stored: Vec<(String, String, bool)> = statement
            .query_map([TABLE], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let expected: Vec<_> = Column::all()
            .iter()
            .map(|column| {
                let sql_type = match column.column_type() {
                    ColumnType::Bool | ColumnType::SmallInt | ColumnType::BigInt => "INTEGER",
                    ColumnType::Real => "REAL",
                    _ => "TEXT",
                };
                (
                    column.name().to_owned(),
                    sql_type.to_owned(),
                    column.is_required(),
                )
            })
            .collect();
        assert_eq!(stored, expected);
    }

    #[test]
    fn an_older_schema_is_brought_up_to_date_one_version_at_a_time() {
        const NEWER: &[&str] = &[
            "CREATE TABLE t (a TEXT)",
            "ALTER TABLE t ADD COLUMN b TEXT; INSERT INTO t VALUES ('kept', 'new')",
            "CREATE INDEX t_b ON t (b)",
        ];
        let mut connection = database();
        migrate_to(&mut connection, &NEWER[..1], &Place::Memory).unwrap();
        connection
            .execute("INSERT INTO t VALUES ('old')", [])
            .unwrap();
        assert_eq!(version(&connection), 1);
        migrate_to(&mut connection, NEWER, &Place::Memory).unwrap();
        assert_eq!(version(&connection), 3);
        migrate_to(&mut connection, NEWER, &Place::Memory).unwrap();
        let rows: i32 = connection
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 2);
    }

    #[test]
    fn a_migration_that_fails_leaves_the_schema_as_it_was() {
        let mut connection = database();
        migrate_to(&mut connection, &["CREATE TABLE t (a)"], &Place::Memory).unwrap();
        let broken = &["", "CREATE TABLE u (a); CREATE TABLE t (a)"];
        migrate_to(&mut connection, broken, &Place::Memory).unwrap_err();
        assert_eq!(version(&connection), 1);
        let tables: i32 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn every_index_serves_the_filter_that_it_was_made_for() {
        let mut connection = database();
        migrate(&mut connection, &Place::Memory).unwrap();
        for column in [
            "actor_id",
            "tenant_id",
            "request_id",
            "operation_id",
            "trace_id",
            "parent_id",
        ] {
            let plan: String = connection
                .query_row(
                    &format!(
                        "EXPLAIN QUERY PLAN SELECT * FROM {TABLE}
                         WHERE id >= $1 AND id < $2 AND {column} = $3 ORDER BY id DESC LIMIT 51"
                    ),
                    ["", "", ""],
                    |row| row.get(3),
                )
                .unwrap();
            let expected = format!("USING INDEX {TABLE}_{column} ({column}=? AND id>? AND id<?)");
            assert!(plan.contains(&expected), "{plan}");
        }
    }
}
