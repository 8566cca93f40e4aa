//! A server that has no connections left.

use tokio_postgres::{Client, NoTls};

use super::super::fixture::{client, number, role, store, url_of};
use super::Trail;

/// A connection of the role's own.
async fn occupy(role: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(&url_of(role), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[tokio::test]
async fn a_writer_goes_on_over_the_connection_that_it_has() {
    let (_owner, schema) = store().await;
    let client = client().await;
    let store = role(&client, &schema).await.connect().await.unwrap();
    let mut trail = Trail::start(store).await;
    trail.store(10).await;
    let role = format!("{schema}_role");
    let open = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'");
    // Upkeep may have one besides for a moment.
    while number(&client, &open).await != 1 {}
    let limit = format!("ALTER ROLE {role} CONNECTION LIMIT 1");
    client.batch_execute(&limit).await.unwrap();
    for _ in 0..3 {
        let refusal = occupy(&role).await.unwrap_err();
        assert_eq!(refusal.code().unwrap().code(), "53300");
        trail.store(10).await;
    }
    assert_eq!(trail.auditor.stats().failed_attempts, 0);
    // Now readers may have some, too.
    let limit = format!("ALTER ROLE {role} CONNECTION LIMIT -1");
    client.batch_execute(&limit).await.unwrap();
    trail.assert_stored(&client, &schema).await;
}

#[tokio::test]
async fn a_writer_that_finds_no_connection_at_the_start_leaves_records_to_the_journal() {
    let (_owner, schema) = store().await;
    let client = client().await;
    let builder = role(&client, &schema).await;
    let role = format!("{schema}_role");
    let limit = format!("ALTER ROLE {role} CONNECTION LIMIT 2");
    client.batch_execute(&limit).await.unwrap();
    let others = [occupy(&role).await.unwrap(), occupy(&role).await.unwrap()];
    let mut trail = Trail::start(builder.open().unwrap()).await;
    trail.record(30);
    trail.failed_with("SQLSTATE 53300").await;
    trail.assert_waiting().await;
    drop(others);
    trail.flush().await;
    let limit = format!("ALTER ROLE {role} CONNECTION LIMIT -1");
    client.batch_execute(&limit).await.unwrap();
    trail.assert_stored(&client, &schema).await;
}
