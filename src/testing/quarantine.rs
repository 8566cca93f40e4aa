//! What a store refuses is kept until somebody decides.

use std::sync::Arc;

use super::samples;
use super::trail::{Trail, assert_same, limit, newest_first};
use crate::query::PageRequest;
use crate::store::{Admission, AuditQuarantine, Quarantined};
use crate::{AuditStore, Error, EventId, Record};

/// More pages than any check has; where they do not end, they go in circles.
const MAX_PAGES: usize = 1_000;

/// Checks that refused records come back as they were given, whatever they
/// hold, with how often and why they were refused, on pages that begin with the newest.
///
/// # Panics
/// If the store breaks the contract, or has no reading side. Does nothing if it has no quarantine.
///
/// # Cancel safety
/// Records that are held by then stay.
pub async fn refused_records_are_held(store: Arc<dyn AuditStore>) {
    let Some(held) = Held::new(store) else { return };
    let before = held.count().await;
    let mut given = vec![samples::full(&held.trail), samples::smallest(&held.trail)];
    let texts = samples::TEXTS.iter().chain([&"a NUL: \0"]);
    given.extend(texts.map(|text| samples::with_text(&held.trail, text)));
    for record in &given {
        held.put(record).await;
    }
    assert_eq!(held.count().await, before + given.len() as u64, "the count");
    let found = held.list().await;
    let ids: Vec<_> = found.iter().map(EventId::from).collect();
    assert_eq!(ids, newest_first(&given), "the records of all pages");
    given.sort_by_key(|record| record.id);
    for (found, given) in found.iter().rev().zip(&given) {
        assert_same(&found.record, given);
        let refused = refused(given);
        assert_eq!(found.reason, refused.reason);
        assert_eq!(found.message, refused.message);
        assert_eq!(found.attempts, refused.attempts);
        assert!(found.first_refused_at == found.last_refused_at);
    }
    let one = held.quarantine.list(&limit(1)).await.expect(LISTED);
    let cursor = one.next_cursor.expect("there are more records");
    let next = held.quarantine.list(&limit(1).cursor(cursor)).await;
    let next = next.expect(LISTED);
    let back = next.prev_cursor.expect("there is a page before it");
    let back = held.quarantine.list(&limit(1).cursor(back)).await;
    assert_eq!(back.expect(LISTED).items, one.items, "the page before");
    held.discard(&given).await;
}

/// Checks that a record is held once, as it was put there first, and that
/// another refusal is written down.
///
/// # Panics
/// If the store breaks the contract, or has no reading side. Does nothing if it has no quarantine.
///
/// # Cancel safety
/// Records that are held by then stay.
pub async fn a_record_is_held_once(store: Arc<dyn AuditStore>) {
    let Some(held) = Held::new(store) else { return };
    let given = held.trail.records(1);
    for _ in 0..3 {
        held.put(&given[0]).await;
    }
    let [first] = &held.list().await[..] else {
        panic!("a record that was put there three times is not held once");
    };
    let refusal = Error::rejected(None, "refused again").because("other");
    let noted = held
        .quarantine
        .note_refusal(first.record.id, &refusal)
        .await;
    noted.expect("a refusal could not be written down");
    let [second] = &held.list().await[..] else {
        panic!("a record that was refused again is not held once");
    };
    assert_eq!(second.attempts, first.attempts + 1);
    assert_eq!(
        (&*second.reason, &*second.message),
        ("other", "refused again")
    );
    assert_eq!(second.first_refused_at, first.first_refused_at);
    assert!(second.last_refused_at >= first.last_refused_at);
    assert_same(&second.record, &given[0]);
    held.discard(&given).await;
    let noted = held
        .quarantine
        .note_refusal(first.record.id, &refusal)
        .await;
    noted.expect("the refusal of a record that is not held is an error");
    assert_eq!(held.list().await, [], "it came back");
}

/// Checks that requeued records are stored and held no longer, that those
/// that are stored already stay as they are, and that others are left alone.
///
/// # Panics
/// If the store breaks the contract, or has no reading side. Does nothing if it has no quarantine.
///
/// # Cancel safety
/// Records that are held or stored by then stay.
pub async fn requeued_records_are_stored(store: Arc<dyn AuditStore>) {
    let Some(held) = Held::new(store) else { return };
    let trail = &held.trail;
    let mut given = trail.records(4);
    given.push(samples::full(trail));
    trail.append(vec![given[1].clone()]).await;
    for record in &given {
        held.put(record).await;
    }
    let (left, wanted) = given.split_at(1);
    let mut ids: Vec<_> = wanted.iter().map(|record| record.id).collect();
    ids.push(EventId::now());
    let moved = held.requeue(&ids).await;
    assert_eq!(moved, newest_first(wanted), "the ids that were held");
    for record in wanted {
        assert_same(&trail.stored(record.id).await, record);
    }
    assert_eq!(trail.get(left[0].id).await, None, "another record");
    let still: Vec<_> = held.list().await.iter().map(EventId::from).collect();
    assert_eq!(still, newest_first(left), "the records that are held still");
    assert_eq!(held.requeue(&ids).await, [], "records were held twice");
    assert_eq!(held.requeue(&[]).await, [], "no record");
    held.discard(left).await;
    assert_eq!(held.list().await, [], "a discarded record is held");
    assert_eq!(trail.get(left[0].id).await, None, "a discarded record");
}

const LISTED: &str = "the quarantine could not be listed";

fn refused(record: &Record) -> Quarantined {
    let refusal = Error::rejected(Some(3), "refused to check the contract").because("c0de");
    Quarantined::new(record.clone(), &refusal, 7)
}

/// A quarantine that may hold the records of others.
struct Held {
    trail: Trail,
    quarantine: Arc<dyn AuditQuarantine>,
}

impl Held {
    fn new(store: Arc<dyn AuditStore>) -> Option<Self> {
        let quarantine = store.quarantine()?;
        let trail = Trail::new(store);
        Some(Self { trail, quarantine })
    }

    async fn put(&self, record: &Record) {
        let admission = self.quarantine.put(&refused(record)).await;
        let admission = admission.expect("a record could not be put into quarantine");
        assert_eq!(admission, Admission::Held, "the quarantine has no room");
    }

    async fn count(&self) -> u64 {
        let count = self.quarantine.count().await;
        count.expect("the quarantine could not be counted")
    }

    /// The records of this tenant, page by page.
    async fn list(&self) -> Vec<Quarantined> {
        let mut request = limit(PageRequest::MAX_LIMIT);
        let mut found = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = self.quarantine.list(&request).await.expect(LISTED);
            found.extend(page.items);
            match page.next_cursor {
                Some(cursor) => request = request.cursor(cursor),
                None => {
                    let own = |held: &Quarantined| {
                        held.record.tenant_id.as_ref() == Some(&self.trail.tenant)
                    };
                    found.retain(own);
                    return found;
                }
            }
        }
        panic!("the pages of the quarantine never end");
    }

    /// The ids that were moved, newest first.
    async fn requeue(&self, ids: &[EventId]) -> Vec<EventId> {
        let moved = self.quarantine.requeue(ids).await;
        let mut moved = moved.expect("records could not be requeued");
        moved.sort();
        moved.reverse();
        moved
    }

    async fn discard(&self, records: &[Record]) {
        let ids: Vec<_> = records.iter().map(|record| record.id).collect();
        let discarded = self.quarantine.discard(&ids).await;
        let discarded = discarded.expect("records could not be discarded");
        assert_eq!(discarded.len(), ids.len(), "the ids that were held");
        let again = self.quarantine.discard(&ids).await;
        assert_eq!(again.expect("nothing to discard is an error"), []);
    }
}
