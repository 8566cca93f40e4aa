//! The crate's own stores keep the contract.

use std::sync::Arc;

use tower_audit::{MemoryStore, PostgresStore, SqliteStore, testing};

use crate::postgres::cluster;

#[tokio::test]
async fn the_memory_store_keeps_the_contract() {
    testing::store_contract(Arc::new(MemoryStore::new())).await;
}

#[tokio::test]
async fn an_sqlite_file_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("audit.db")).await;
    testing::store_contract(Arc::new(store.unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sqlite_file_keeps_the_contract_on_several_threads() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("audit.db")).await;
    testing::store_contract(Arc::new(store.unwrap())).await;
}

#[tokio::test]
async fn sqlite_in_memory_keeps_the_contract() {
    let store = SqliteStore::in_memory().await.unwrap();
    testing::store_contract(Arc::new(store)).await;
}

#[tokio::test]
async fn postgres_keeps_the_contract() {
    let url = cluster::own_database("contract").await;
    let store = PostgresStore::connect(&url).await.unwrap();
    testing::store_contract(Arc::new(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_the_contract_on_several_threads() {
    let url = cluster::own_database("contract_threads").await;
    let store = PostgresStore::connect(&url).await.unwrap();
    testing::store_contract(Arc::new(store)).await;
}
