//! Locks that others hold, or wait for.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::routing::get;
use tower::ServiceExt;
use tower_audit::AuditContext;

use super::super::fixture::{client, named_builder, number, schema, wait_for_lock};
use super::Trail;

#[tokio::test]
async fn behind_a_drop_that_waits_for_a_reader_the_writer_does_not_wait_for_long() {
    let schema = schema();
    let store = named_builder("behind", &schema).flush_timeout(Duration::from_secs(1));
    let store = store.connect().await.unwrap();
    let (client, reader, dropper) = (client().await, client().await, client().await);
    let mut trail = Trail::configured(store, |builder| builder.max_batch_size(10)).await;
    let last = format!(
        "SELECT max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = '{schema}.events'::regclass"
    );
    let last: String = client.query_one(&last, &[]).await.unwrap().get(0);
    let read = format!("BEGIN; SELECT count(*) FROM {schema}.events");
    reader.batch_execute(&read).await.unwrap();
    let name = format!("{schema} upkeep");
    let drop = format!("SET application_name = '{name}'; DROP TABLE {last}");
    let dropped = tokio::spawn(async move { dropper.batch_execute(&drop).await });
    wait_for_lock(&client, &name).await;

    // Requests are answered all the same.
    let answer = |audit: AuditContext| async move { audit.id().unwrap().to_string() };
    let app = Router::new().route("/", get(answer));
    let app = app.layer(trail.auditor.layer());
    for _ in 0..100 {
        let request = Request::get("/").body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let id = to_bytes(response.into_body(), 100).await.unwrap();
        trail
            .owed
            .push(std::str::from_utf8(&id).unwrap().parse().unwrap());
    }
    trail.failed_with("SQLSTATE 55P03").await;
    trail.assert_waiting().await;
    assert!(!dropped.is_finished());

    reader.batch_execute("ROLLBACK").await.unwrap();
    dropped.await.unwrap().unwrap();
    trail.assert_stored(&client, &schema).await;
    let gone = format!("SELECT count(*) FROM pg_class WHERE oid = to_regclass('{last}')");
    assert_eq!(number(&client, &gone).await, 0);
}
