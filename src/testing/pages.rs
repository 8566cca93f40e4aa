//! Cursors lead from page to page, without repeats or gaps.

use std::sync::Arc;

use super::trail::{Trail, limit, newest_first};
use crate::{AuditStore, Cursor, EventId, Record};

/// Records to page through.
const RECORDS: usize = 120;
/// Records of a page; the last one is not full.
const LIMIT: u16 = 7;

/// Checks that the cursors lead through all records to the oldest, and from
/// there back to the newest, also where records share a microsecond.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn cursors_go_both_ways(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let given: Vec<_> = (0..RECORDS / 10)
        .flat_map(|_| {
            let moment = EventId::now().timestamp();
            (0..10).map(move |_| EventId::at(moment))
        })
        .map(|id| Record::seal(trail.fields_at(id)))
        .collect();
    trail.append(given.clone()).await;
    let expected = newest_first(&given);

    let older = Walk::older(&trail, None, async || {}).await;
    assert_eq!(older.ids, expected, "from the newest to the oldest");
    let newer = Walk::newer(&trail, older.last, async || {}).await;
    let start = expected.len() - newer.ids.len();
    assert_eq!(start, 1, "the last page of {RECORDS} records by {LIMIT}");
    assert_eq!(newer.ids, expected[..newer.ids.len()], "and back");
    let again = Walk::older(&trail, newer.last, async || {}).await;
    assert_eq!(again.ids, expected[usize::from(LIMIT)..], "and there again");
}

/// Checks that somebody who pages to the oldest record sees each once, while
/// new records are stored in between, and finds the new ones on the way back.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn pages_hold_still_while_records_arrive(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let given = trail.records(RECORDS);
    trail.append(given.clone()).await;

    let arrive = async || trail.append(trail.records(3)).await;
    let older = Walk::older(&trail, None, arrive).await;
    assert_eq!(older.ids, newest_first(&given), "while records arrived");
    let newer = Walk::newer(&trail, older.last, async || {}).await;
    let all = trail.ids(&trail.filter()).await;
    assert!(all.len() > RECORDS, "records arrived");
    assert_eq!(newer.ids, all[..newer.ids.len()], "the way back");
    assert_eq!(all[newer.ids.len()..], older.ids[RECORDS - 1..]);
}

/// What was seen on the way from page to page.
struct Walk {
    /// Newest first, whatever the direction.
    ids: Vec<EventId>,
    /// The cursor back, from the page where the walk ended.
    last: Option<Cursor>,
}

impl Walk {
    async fn older(trail: &Trail, start: Option<Cursor>, between: impl AsyncFn()) -> Self {
        let (mut next, mut ids) = (start, Vec::new());
        loop {
            let request = next.map_or(limit(LIMIT), |cursor| limit(LIMIT).cursor(cursor));
            let page = trail.page(&trail.filter(), request).await;
            assert!(page.items.len() <= usize::from(LIMIT), "a page is too long");
            assert_eq!(page.prev_cursor.is_some(), next.is_some(), "prev_cursor");
            ids.extend(page.items.iter().map(|record| record.id));
            assert!(ids.len() <= RECORDS, "records are repeated");
            between().await;
            next = page.next_cursor;
            if next.is_none() {
                let last = page.prev_cursor;
                return Self { ids, last };
            }
        }
    }

    async fn newer(trail: &Trail, start: Option<Cursor>, between: impl AsyncFn()) -> Self {
        let (mut next, mut ids) = (start, Vec::new());
        let mut last = None;
        while let Some(cursor) = next {
            let page = trail
                .page(&trail.filter(), limit(LIMIT).cursor(cursor))
                .await;
            assert!(page.items.len() <= usize::from(LIMIT), "a page is too long");
            assert!(page.next_cursor.is_some(), "no way back from a newer page");
            let seen = page.items.iter().map(|record| record.id);
            ids.splice(..0, seen);
            assert!(ids.len() <= 2 * RECORDS, "records are repeated");
            between().await;
            (next, last) = (page.prev_cursor, page.next_cursor);
        }
        Self { ids, last }
    }
}
