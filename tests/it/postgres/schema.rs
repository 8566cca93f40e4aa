//! How the schema comes to be, grows, and is left alone.

use tower_audit::event::{Column, ColumnType};
use tower_audit::store::Admission;
use tower_audit::{AuditStore, Error, PostgresStore, Quarantined};

use super::fixture::{
    activities, batch, builder, client, number, reader, role, schema, store, url_of,
};

#[tokio::test]
async fn the_table_has_the_columns_of_a_record_in_their_order() {
    let (_store, schema) = store().await;
    let query = "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull \
                 FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 \
                 AND NOT attisdropped ORDER BY attnum";
    let rows = client()
        .await
        .query(query, &[&format!("{schema}.events")])
        .await
        .unwrap();
    let found: Vec<(String, String, bool)> = rows
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    let expected: Vec<(String, String, bool)> = Column::all()
        .iter()
        .map(|column| {
            let sql = match column.column_type() {
                ColumnType::Uuid => "uuid",
                ColumnType::Time => "timestamp with time zone",
                ColumnType::Text => "text",
                ColumnType::Bool => "boolean",
                ColumnType::SmallInt => "smallint",
                ColumnType::BigInt => "bigint",
                ColumnType::Real => "double precision",
                ColumnType::TextList => "text[]",
                ColumnType::Json => "json",
                ColumnType::Ip => "inet",
                other => panic!("a new type: {other:?}"),
            };
            let name = column.name().to_owned();
            (name, sql.to_owned(), column.is_required())
        })
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn instances_that_start_at_once_all_succeed() {
    let client = client().await;
    // Which of the moments they meet in is a matter of luck.
    for _ in 0..5 {
        let schema = schema();
        let starts: Vec<_> = (0..8)
            .map(|_| tokio::spawn(builder(&schema).connect()))
            .collect();
        for start in starts {
            let store = start.await.unwrap().unwrap();
            store.append(&batch(&activities(2))).await.unwrap();
        }
        let events = format!("SELECT count(*) FROM {schema}.events");
        assert_eq!(number(&client, &events).await, 16);
        let versions = format!("SELECT count(*) FROM {schema}.schema_migrations");
        assert_eq!(number(&client, &versions).await, 3);
    }
}

#[tokio::test]
async fn instances_that_start_at_once_bring_an_older_schema_up_to_date() {
    let (store, schema) = store().await;
    store.append(&batch(&activities(2))).await.unwrap();
    let client = client().await;
    let back = format!(
        "DROP TABLE {schema}.quarantine, {schema}.rollups; \
         DELETE FROM {schema}.schema_migrations WHERE version > 1"
    );
    client.batch_execute(&back).await.unwrap();
    let starts: Vec<_> = (0..8)
        .map(|_| tokio::spawn(builder(&schema).connect()))
        .collect();
    for start in starts {
        let store = start.await.unwrap().unwrap();
        let quarantine = store.quarantine().unwrap();
        assert_eq!(quarantine.count().await.unwrap(), 0);
    }
    let events = format!("SELECT count(*) FROM {schema}.events");
    assert_eq!(number(&client, &events).await, 2);
}

#[tokio::test]
async fn there_are_partitions_for_the_days_around_now_and_none_for_the_rest() {
    let (store, schema) = store().await;
    store.maintain().await.unwrap();
    let client = client().await;
    let query = "SELECT c.relname::text, pg_get_expr(c.relpartbound, c.oid), \
                 (SELECT count(*) FROM pg_index x JOIN pg_class y ON y.oid = x.indexrelid \
                  WHERE x.indrelid = c.oid AND y.reloptions @> '{pages_per_range=32,autosummarize=on}') \
                 FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
                 WHERE i.inhparent = $1::text::regclass ORDER BY 1";
    let rows = client
        .query(query, &[&format!("{schema}.events")])
        .await
        .unwrap();
    assert_eq!(rows.len(), 9);
    for row in &rows {
        assert!(row.get::<_, String>(0).starts_with("events_20"));
        assert!(row.get::<_, String>(1).starts_with("FOR VALUES FROM"));
        assert_eq!(row.get::<_, i64>(2), 1, "the BRIN keeps its settings");
    }
}

#[tokio::test]
async fn a_schema_that_is_newer_is_refused_and_both_versions_are_named() {
    let (_store, schema) = store().await;
    let insert = format!("INSERT INTO {schema}.schema_migrations (version) VALUES (99)");
    client().await.batch_execute(&insert).await.unwrap();
    let error = builder(&schema).connect().await.unwrap_err();
    assert_eq!(error.code(), "configuration");
    let text = error.to_string();
    assert!(
        text.contains("version 99") && text.contains("version 3,"),
        "{text}"
    );
}

#[tokio::test]
async fn a_schema_that_somebody_made_before_is_taken_over() {
    let schema = schema();
    let create = format!("CREATE SCHEMA {schema}");
    client().await.batch_execute(&create).await.unwrap();
    builder(&schema).connect().await.unwrap();
}

#[tokio::test]
async fn a_role_without_the_right_to_create_can_write_and_read_what_is_up_to_date() {
    let (_store, schema) = store().await;
    let client = client().await;
    let limited = role(&client, &schema).await;
    let store = limited.clone().connect().await.unwrap();
    let records = activities(3);
    store.append(&batch(&records)).await.unwrap();
    store.append(&batch(&records).retry()).await.unwrap();
    store.maintain().await.unwrap();
    let found = reader(&store).get(records[0].id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&records[0]));
    let quarantine = store.quarantine().unwrap();
    let refused = Quarantined::new(records[0].clone(), &Error::rejected(None, "refused"), 1);
    assert_eq!(quarantine.put(&refused).await.unwrap(), Admission::Held);
    assert_eq!(quarantine.count().await.unwrap(), 1);
    let error = quarantine.requeue(&[records[0].id]).await.unwrap_err();
    assert_eq!(error.code(), "configuration");
    assert!(error.to_string().contains("42501"), "{error}");

    // Days ahead that only somebody else can make do not keep it from starting.
    let query = "SELECT max(c.relname::text) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
                 WHERE i.inhparent = $1::text::regclass";
    let row = client
        .query_one(query, &[&format!("{schema}.events")])
        .await
        .unwrap();
    let last: String = row.get(0);
    let drop = format!("DROP TABLE {schema}.{last}");
    client.batch_execute(&drop).await.unwrap();
    let store = limited.connect().await.unwrap();
    let error = store.maintain().await.unwrap_err();
    assert_eq!(error.code(), "configuration");
    assert!(error.to_string().contains("42501"), "{error}");
}

#[tokio::test]
async fn a_missing_right_to_create_is_named() {
    let schema = schema();
    let role = format!("{schema}_role");
    let create = format!("CREATE ROLE {role} LOGIN PASSWORD 'pw'");
    client().await.batch_execute(&create).await.unwrap();
    let url = url_of(&role);
    let error = PostgresStore::builder(&url)
        .schema(&schema)
        .connect()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "configuration");
    let text = error.to_string();
    assert!(
        text.contains("permission denied") && text.contains("42501"),
        "{text}"
    );
}

#[tokio::test]
async fn a_setting_out_of_range_is_refused_before_anything_happens() {
    let zero = std::time::Duration::ZERO;
    let builder = || PostgresStore::builder("postgres://127.0.0.1:1/none");
    for broken in [
        builder().schema("no-schema"),
        builder().schema(""),
        builder().max_readers(0),
        builder().statement_timeout(zero),
        builder().flush_timeout(zero),
    ] {
        let error = broken.connect().await.unwrap_err();
        assert_eq!(error.code(), "configuration", "{error}");
    }
}
