//! Records come back as they were given.

use std::sync::Arc;

use super::samples;
use super::trail::{Trail, assert_same, assert_same_but_compact, newest_first};
use crate::event::{Column, Value};
use crate::{AuditStore, EventId, PageRequest, Record};

/// Checks that an event with everything that a service may tell comes back
/// as the sanitizer left it.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn events_come_back(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let given = samples::event(&trail);
    trail.append(vec![given.clone()]).await;
    assert_same(&trail.stored(given.id).await, &given);
}

/// Checks that every column comes back: with a value in each, with the
/// smallest value in each, and with as few values as a record can have.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn every_column_comes_back(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let full = samples::full(&trail);
    for column in Column::all() {
        assert_ne!(column.get(&full), Value::Null, "{}", column.name());
    }
    let empty = Record::seal(trail.fields());
    let given = vec![full, samples::smallest(&trail), empty];
    trail.append(given.clone()).await;
    for record in &given {
        assert_same(&trail.stored(record.id).await, record);
    }
}

/// Checks that texts come back whatever characters they hold, and up to a megabyte long.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn every_text_comes_back(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let long = samples::long_text();
    let given: Vec<_> = samples::TEXTS
        .iter()
        .copied()
        .chain([long.as_str()])
        .map(|text| samples::with_text(&trail, text))
        .collect();
    trail.append(given.clone()).await;
    for record in &given {
        assert_same(&trail.stored(record.id).await, record);
    }
}

/// Checks that an id that was never stored is answered with `None`, not with an error.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Nothing is stored.
pub async fn an_unknown_id_is_found_to_be_none(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let nil = EventId::from(uuid::Uuid::nil());
    let last = EventId::from(uuid::Uuid::max());
    for id in [EventId::now(), nil, last] {
        assert!(
            trail.get(id).await.is_none(),
            "an unknown id names a record"
        );
    }
}

/// Checks that lists show the [compact](Column::is_compact) columns as they
/// were given, and no others.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn lists_hold_compact_columns(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let given = vec![samples::full(&trail), samples::smallest(&trail)];
    trail.append(given.clone()).await;
    let page = trail.page(&trail.filter(), PageRequest::default()).await;
    assert_eq!(page.items.len(), given.len(), "records on the list");
    for (found, given) in page.items.iter().zip(given.iter().rev()) {
        assert_same_but_compact(found, given);
    }
}

/// Checks that lists are in the order of the ids, newest first, in whatever
/// order the records came, also where they share a microsecond.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn lists_start_with_the_newest(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let moment = EventId::now().timestamp();
    let mut given = trail.records(10);
    given.extend((0..10).map(|_| Record::seal(trail.fields_at(EventId::at(moment)))));
    let (second, first) = given.split_at(7);
    trail.append(first.iter().rev().cloned().collect()).await;
    trail.append(second.to_vec()).await;
    assert_eq!(trail.ids(&trail.filter()).await, newest_first(&given));
}
