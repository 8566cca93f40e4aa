//! Batches are stored wholly, and once.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::trail::{Trail, assert_same, newest_first};
use crate::store::Batch;
use crate::{AuditStore, Record};

/// Checks that batches of none, one and 5,000 records are stored.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn batches_of_any_size_are_stored(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let none = Batch::new(Vec::new());
    for batch in [none.clone(), none.retry()] {
        let result = trail.store.append(&batch).await;
        result.expect("an empty batch could not be stored");
    }
    let given = trail.records(5_001);
    let (one, many) = given.split_at(1);
    trail.append(one.to_vec()).await;
    trail.append(many.to_vec()).await;
    assert_eq!(
        trail.ids(&trail.filter()).await,
        newest_first(&given),
        "the records of a large batch"
    );
}

/// Checks that a retry stores what is missing, succeeds as often as it is
/// made, and leaves records as they were stored first.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn a_retry_adds_nothing_twice(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let given = trail.records(10);
    trail.append(given[3..6].to_vec()).await;
    let mut offered = given.clone();
    for record in &mut offered[3..6] {
        *record = other(record);
    }
    let mut batch = Batch::new(offered).recovered();
    for _ in 0..3 {
        let result = trail.store.append(&batch).await;
        result.expect("a retry failed because of records that are stored already");
        assert_eq!(trail.ids(&trail.filter()).await, newest_first(&given));
        batch = batch.retry();
    }
    for record in &given {
        assert_same(&trail.stored(record.id).await, record);
    }
    let again = given[0].clone();
    let twice = Batch::new(vec![again.clone(), again]).retry();
    let result = trail.store.append(&twice).await;
    result.expect("a retry failed because it holds a record twice");
}

/// Checks that of a batch that fails nothing is stored, and that the batch
/// is stored when it is tried again.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn a_batch_is_stored_wholly_or_not_at_all(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let given = trail.records(9);
    let stored = &given[4];
    trail.append(vec![stored.clone()]).await;

    let mut offered = given.clone();
    offered[4] = other(stored);
    let known = Batch::new(offered);
    let fresh = trail.records(3);
    let twice = Batch::new([&fresh[..], &fresh[..1]].concat());
    for batch in [&known, &twice] {
        let result = trail.store.append(batch).await;
        assert!(result.is_err(), "an id was stored twice at first attempt");
    }
    let left = trail.ids(&trail.filter()).await;
    assert_eq!(left, [stored.id], "a part of a failed batch was stored");

    let result = trail.store.append(&known.retry()).await;
    result.expect("a batch could not be stored after it had failed");
    assert_eq!(trail.ids(&trail.filter()).await, newest_first(&given));
    assert_same(&trail.stored(stored.id).await, stored);
}

/// Checks that batches that are stored at the same time do not get into each other's way.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn concurrent_batches_are_all_stored(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let given = trail.records(8 * 5 * 20);
    let mut tasks = JoinSet::new();
    for records in given.chunks(5 * 20) {
        let (store, records) = (Arc::clone(&trail.store), records.to_vec());
        tasks.spawn(async move {
            for batch in records.chunks(20) {
                store.append(&Batch::new(batch.to_vec())).await?;
            }
            Ok::<_, crate::Error>(())
        });
    }
    for result in tasks.join_all().await {
        result.expect("a batch could not be stored beside others");
    }
    assert_eq!(trail.ids(&trail.filter()).await, newest_first(&given));
}

/// Another record of the same id.
fn other(record: &Record) -> Record {
    let mut fields = (**record).clone();
    fields.description = Some("came later".to_owned());
    Record::seal(fields)
}
