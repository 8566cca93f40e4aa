//! Schemas that are missing, older or newer than the writer knows them.

use tower_audit::HealthStatus;

use super::super::fixture::{builder, client, execute, number, role, schema, store};
use super::Trail;

#[tokio::test]
async fn a_schema_that_is_newer_keeps_records_in_the_journal_until_it_is_known() {
    let (_owner, schema) = store().await;
    let client = client().await;
    let newer = "INSERT INTO schema_migrations (version) VALUES (99)";
    execute(&client, &schema, newer).await;
    let mut trail = Trail::start(builder(&schema).open().unwrap()).await;
    trail.record(30);
    trail.failed_with("newer than version").await;
    trail.assert_waiting().await;
    assert_eq!(trail.auditor.health().status, HealthStatus::Degraded);
    let known = "DELETE FROM schema_migrations WHERE version = 99";
    execute(&client, &schema, known).await;
    trail.assert_stored(&client, &schema).await;
}

#[tokio::test]
async fn a_schema_that_grows_while_the_writer_runs_gets_the_columns_that_it_knows() {
    let (store, schema) = store().await;
    let client = client().await;
    let mut trail = Trail::start(store).await;
    trail.store(10).await;
    let grow = "ALTER TABLE events ADD COLUMN later text DEFAULT 'unknown'; \
                INSERT INTO schema_migrations (version) VALUES (99)";
    execute(&client, &schema, grow).await;
    trail.store(10).await;
    let known = format!("SELECT count(*) FROM {schema}.events WHERE later = 'unknown'");
    assert_eq!(number(&client, &known).await, 20);
    let stats = trail.assert_stored(&client, &schema).await;
    assert_eq!(stats.failed_attempts, 0, "{stats:?}");
}

#[tokio::test]
async fn a_schema_that_is_missing_or_older_is_made_before_the_first_batch() {
    let client = client().await;
    let (_owner, older) = store().await;
    let back = "DROP TABLE quarantine, rollups; DELETE FROM schema_migrations WHERE version > 1";
    execute(&client, &older, back).await;
    for schema in [schema(), older] {
        let mut trail = Trail::start(builder(&schema).open().unwrap()).await;
        trail.record(30);
        let stats = trail.assert_stored(&client, &schema).await;
        assert_eq!(stats.failed_attempts, 0, "{stats:?}");
    }
}

#[tokio::test]
async fn without_the_right_to_make_the_schema_records_wait_until_somebody_has() {
    let (_owner, other) = store().await;
    let client = client().await;
    let schema = schema();
    let limited = role(&client, &other).await.schema(&schema);
    let mut trail = Trail::start(limited.open().unwrap()).await;
    trail.record(30);
    trail.failed_with("permission denied").await;
    trail.assert_waiting().await;
    builder(&schema).connect().await.unwrap();
    let grants = format!(
        "GRANT USAGE ON SCHEMA {schema} TO {other}_role; \
         GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA {schema} TO {other}_role; \
         GRANT UPDATE ON {schema}.rollups TO {other}_role"
    );
    client.batch_execute(&grants).await.unwrap();
    trail.assert_stored(&client, &schema).await;
}

#[tokio::test]
async fn a_schema_dropped_while_the_writer_runs_is_waited_for() {
    let (store, schema) = store().await;
    let client = client().await;
    let mut trail = Trail::start(store).await;
    trail.until(|stats| stats.pending == 0).await;
    let drop = format!("DROP SCHEMA {schema} CASCADE");
    client.batch_execute(&drop).await.unwrap();
    trail.record(30);
    // The schema, or the table in it.
    trail
        .failed_with("does not let the writer store records")
        .await;
    trail.assert_waiting().await;
    builder(&schema).connect().await.unwrap();
    trail.assert_stored(&client, &schema).await;
}
