//! A bell tells of every batch.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::trail::Trail;
use crate::store::{Batch, Ring};
use crate::{AuditStore, EventId};

/// Far more than any bell takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Checks that a bell tells of a batch and of its retry, also of records that
/// happened long before, or says that it is unsure.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn a_bell_tells_of_what_is_stored(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let mut bell = trail.reader.bell();
    let old = EventId::at(EventId::now().timestamp().minus(Duration::from_secs(3_600)));
    let late = crate::Record::seal(trail.fields_at(old));
    for batch in [
        Batch::new(trail.records(2)),
        Batch::new(vec![late]),
        Batch::new(trail.records(1)).retry(),
    ] {
        let stored = trail.store.append(&batch).await;
        stored.expect("new records could not be stored");
        let told = |ring: &Ring| match ring {
            Ring::Stored(spans) => batch.iter().all(|record| {
                let mut spans = spans.iter();
                spans.any(|span| (span.first..=span.last).contains(&record.id))
            }),
            Ring::Unsure => true,
            Ring::Missed => panic!("a bell lost a ring"),
        };
        let rung = async { while !told(&bell.ring().await) {} };
        timeout(PATIENCE, rung)
            .await
            .expect("a bell does not tell of a batch");
    }
}
