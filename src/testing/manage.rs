//! What somebody in charge may do to stored records, where a store lets them.

use std::sync::Arc;

use super::samples;
use super::trail::{Trail, assert_same, newest_first};
use crate::store::Flag;
use crate::{AuditStore, EventId};

/// Checks that a flag is set and taken away, with its reason, and that
/// nothing else of the record, and no other record, changes. A store without
/// a [manager](AuditStore::manager) passes.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn flags_are_set_and_taken_away(store: Arc<dyn AuditStore>) {
    let Some(manager) = store.manager() else {
        return;
    };
    let trail = Trail::new(store);
    let (given, other) = (samples::event(&trail), samples::event(&trail));
    trail.append(vec![given.clone(), other.clone()]).await;
    for flag in [
        Flag::Up(Some("it's \"odd\"\n\u{1f980}")),
        Flag::Up(None),
        Flag::Down,
        Flag::Down,
    ] {
        let is_stored = manager.set_flag(given.id, flag).await;
        assert!(
            is_stored.expect("a flag could not be set"),
            "a stored record cannot be flagged"
        );
        let mut expected = given.clone();
        expected.set_flag(flag.is_up(), flag.reason());
        assert_same(&trail.stored(given.id).await, &expected);
    }
    assert_same(&trail.stored(other.id).await, &other);
    let is_stored = manager.set_flag(EventId::now(), Flag::Down).await;
    assert!(
        !is_stored.expect("a flag could not be set"),
        "a record that is not stored was flagged"
    );
}

/// Checks that records that are deleted are gone and all others stay. A store
/// without a [manager](AuditStore::manager) passes.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn deleted_records_are_gone(store: Arc<dyn AuditStore>) {
    let Some(manager) = store.manager() else {
        return;
    };
    let trail = Trail::new(store);
    let given = trail.records(20);
    trail.append(given.clone()).await;
    let (gone, kept) = given.split_at(7);
    let mut ids = newest_first(gone);
    ids.push(EventId::now());
    for expected in [7, 0] {
        let deleted = manager.delete(&ids).await;
        let deleted = deleted.expect("records could not be deleted");
        assert_eq!(deleted, expected, "records that were deleted");
        assert_eq!(trail.ids(&trail.filter()).await, newest_first(kept));
    }
    let nothing = manager.delete(&[]).await;
    assert_eq!(nothing.expect("nothing could not be deleted"), 0);
}
