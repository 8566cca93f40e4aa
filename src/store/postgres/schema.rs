//! The schema: its name, and how it comes to be and grows.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, GenericClient, Transaction};

use super::error;
use crate::Error;

/// Every version of the schema, in order. What was released never changes.
const MIGRATIONS: [&str; 3] = [
    include_str!("migrations/0001_events.sql"),
    include_str!("migrations/0002_quarantine.sql"),
    include_str!("migrations/0003_rollups.sql"),
];

/// The schema that holds the trail, by its checked name.
#[derive(Clone, Debug)]
pub(super) struct Schema(String);

impl Schema {
    pub(super) fn new(name: &str) -> Result<Self, Error> {
        let first = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let good = name.len() <= 63
            && name.bytes().next().is_some_and(first)
            && name
                .bytes()
                .all(|byte| first(byte) || byte.is_ascii_digit());
        if !good {
            return Err(Error::configuration(
                "the schema's name must be 1 to 63 lower-case letters, digits and underscores, not starting with a digit",
            ));
        }
        Ok(Self(name.to_owned()))
    }

    /// A table of the schema, as it is written in a statement.
    pub(super) fn table(&self, name: &str) -> String {
        format!("\"{}\".{name}", self.0)
    }

    /// The key of the advisory lock under which the schema changes: FNV-1a
    /// of the name, so that all instances agree and schemas do not meet.
    fn lock_key(&self) -> i64 {
        self.key("tower-audit:")
    }

    /// The key of the advisory lock under which one instance builds indexes.
    pub(super) fn upkeep_key(&self) -> i64 {
        self.key("tower-audit:upkeep:")
    }

    fn key(&self, purpose: &str) -> i64 {
        fnv1a(purpose.bytes().chain(self.0.bytes())).cast_signed()
    }

    /// The channel on which instances tell each other of new records.
    pub(super) fn channel(&self) -> String {
        format!("audit_{:016x}", self.lock_key())
    }

    /// Waits until this transaction is the only one that changes the schema.
    ///
    /// The wait may be long, for others may be migrating much; the locks on
    /// tables that follow may not, for the writers queue behind them.
    pub(super) async fn lock(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let key = self.lock_key();
        transaction
            .batch_execute(&format!(
                "SET LOCAL lock_timeout = '60s'; SELECT pg_advisory_xact_lock({key}); SET LOCAL lock_timeout = '5s'"
            ))
            .await
            .map_err(error::statement)
    }
}

/// A hash that is the same in every version and on every machine.
pub(super) fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The oldest server that has what the schema uses: bloom operators for BRIN, detaching concurrently.
const OLDEST_SERVER: i32 = 140_000;

async fn require_version(client: &Client) -> Result<(), Error> {
    let query = "SELECT current_setting('server_version_num')::int";
    let row = client
        .query_one(query, &[])
        .await
        .map_err(error::statement)?;
    let version: i32 = row.try_get(0).map_err(error::statement)?;
    if version < OLDEST_SERVER {
        return Err(Error::configuration(format!(
            "the audit trail needs PostgreSQL 14 or newer, and the server is version {}",
            version / 10_000
        )));
    }
    Ok(())
}

/// Brings the schema to the version that this crate knows. Any number of
/// instances may do so at once; if there is nothing to do, no right is needed.
pub(super) async fn migrate(client: &mut Client, schema: &Schema) -> Result<(), Error> {
    if version(client, schema).await? == MIGRATIONS.len() {
        return Ok(());
    }
    require_version(client).await?;
    let transaction = client.transaction().await.map_err(error::statement)?;
    schema.lock(&transaction).await?;
    // Others may have been faster while this one waited.
    let version = version(&transaction, schema).await?;
    if version == 0 {
        create(&transaction, schema).await?;
    }
    let run = async {
        let search_path = format!("SET LOCAL search_path = \"{}\"", schema.0);
        transaction.batch_execute(&search_path).await?;
        for (index, migration) in MIGRATIONS.iter().enumerate().skip(version) {
            transaction.batch_execute(migration).await?;
            let record = format!(
                "INSERT INTO schema_migrations (version) VALUES ({})",
                index + 1
            );
            transaction.batch_execute(&record).await?;
        }
        transaction.commit().await
    };
    run.await.map_err(error::statement)
}

/// How many migrations have run: 0 if there is no schema yet.
async fn version(client: &impl GenericClient, schema: &Schema) -> Result<usize, Error> {
    if !exists(client, HAS_MIGRATIONS, schema).await? {
        return Ok(0);
    }
    let migrations = schema.table("schema_migrations");
    let query = format!("SELECT coalesce(max(version), 0) FROM {migrations}");
    let row = client
        .query_typed_one(&query, &[])
        .await
        .map_err(error::statement)?;
    let version: i32 = row.try_get(0).map_err(error::statement)?;
    let known = MIGRATIONS.len();
    match usize::try_from(version) {
        Ok(version) if version <= known => Ok(version),
        _ => Err(Error::configuration(format!(
            "the schema {} is at version {version}, newer than version {known}, which this build of tower-audit knows: update tower-audit",
            schema.0
        ))),
    }
}

async fn create(transaction: &Transaction<'_>, schema: &Schema) -> Result<(), Error> {
    // `IF NOT EXISTS` would ask for the right to create schemas all the same.
    if !exists(transaction, HAS_SCHEMA, schema).await? {
        transaction
            .batch_execute(&format!("CREATE SCHEMA \"{}\"", schema.0))
            .await
            .map_err(error::statement)?;
    }
    let migrations = schema.table("schema_migrations");
    transaction
        .batch_execute(&format!(
            "CREATE TABLE {migrations} (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        ))
        .await
        .map_err(error::statement)
}

// The catalogs are read as tables. `to_regclass` would be shorter, but it asks
// a cache that, after a wait for the lock, still says what was true before.
const HAS_SCHEMA: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)";
const HAS_MIGRATIONS: &str = "SELECT EXISTS (\
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = $1 AND c.relname = 'schema_migrations')";

async fn exists(client: &impl GenericClient, query: &str, schema: &Schema) -> Result<bool, Error> {
    let row = client
        .query_typed_one(query, &[(&schema.0, Type::TEXT)])
        .await
        .map_err(error::statement)?;
    row.try_get(0).map_err(error::statement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_need_care_are_refused() {
        for name in ["audit", "_a1", &"x".repeat(63), "select"] {
            assert!(Schema::new(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "1a",
            "Audit",
            "a-b",
            "a\"b",
            "a.b",
            "ü",
            &"x".repeat(64),
        ] {
            assert!(Schema::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_lock_of_a_schema_never_changes() {
        // Instances of different versions must agree.
        assert_eq!(
            Schema::new("audit").unwrap().lock_key(),
            5_715_069_228_304_974_601
        );
    }
}
