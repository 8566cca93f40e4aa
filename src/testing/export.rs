//! An export has every record that passes, whole.

use std::sync::Arc;

use super::samples;
use super::trail::{Trail, assert_same};
use crate::query::Filter;
use crate::{AuditStore, Cursor, EventId, Record};

/// More pages than any check has; where they do not end, they go in circles.
const MAX_PAGES: usize = 1_000;

/// Checks that the pages of an export hold each record that passes the filter
/// once, newest first and with all its columns, and that it goes on after any record.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn exports_hold_everything_once(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let moment = EventId::now().timestamp();
    let mut given: Vec<_> = (0..60)
        .map(|_| Record::seal(trail.fields_at(EventId::at(moment))))
        .collect();
    given.extend(trail.records(60));
    given.extend([samples::full(&trail), samples::event(&trail)]);
    trail.append(given.clone()).await;
    given.sort_by_key(|record| record.id);
    given.reverse();

    for limit in [1, 7, 122, 5_000] {
        let found = export(&trail, &trail.filter(), None, limit).await;
        assert_eq!(found.len(), given.len(), "by {limit}");
        for (found, given) in found.iter().zip(&given) {
            assert_same(found, given);
        }
    }
    let after = Some(Cursor::older_than(given[50].id));
    let rest = export(&trail, &trail.filter(), after, 30).await;
    assert!(
        rest == given[51..],
        "an export does not go on after a record"
    );
    let none = trail.filter().action("never done");
    assert!(export(&trail, &none, None, 10).await.is_empty());

    let newer = Some(Cursor::newer_than(given[50].id));
    let refused = trail.reader.export(&trail.filter(), newer, 10).await;
    let refused = refused.expect_err("an export does not go to newer records");
    assert_eq!(refused.parameter(), Some("cursor"));
}

/// Checks that large records make a page of an export end before its limit.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn exports_are_kept_to_a_size(store: Arc<dyn AuditStore>) {
    const MEGABYTE: usize = 1024 * 1024;
    let trail = Trail::new(store);
    let mut given = Vec::new();
    for _ in 0..20 {
        let mut fields = trail.fields();
        fields.request_body = Some("x".repeat(MEGABYTE));
        given.push(Record::seal(fields));
    }
    trail.append(given.clone()).await;
    given.reverse();
    let first = trail.reader.export(&trail.filter(), None, 20).await;
    let first = first.expect("an export could not be read").items.len();
    assert!(
        (1..=16).contains(&first),
        "a page of an export holds {first} MiB"
    );
    let found = export(&trail, &trail.filter(), None, 20).await;
    assert!(found == given, "large records were not exported once each");
}

async fn export(
    trail: &Trail,
    filter: &Filter,
    mut cursor: Option<Cursor>,
    limit: usize,
) -> Vec<Record> {
    let mut records = Vec::new();
    for _ in 0..MAX_PAGES {
        let page = trail
            .reader
            .export(filter, cursor, limit)
            .await
            .expect("an export could not be read");
        assert!(page.items.len() <= limit, "a page of an export is too long");
        assert!(page.prev_cursor.is_none(), "an export has no way back");
        records.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return records;
        }
    }
    panic!("the pages of an export never end");
}
