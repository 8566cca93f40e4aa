//! What the stores share to give out records with all their columns, page by page.

use std::ops::Range;

use crate::query::{Cursor, Direction, Filter, Page};
use crate::{Error, EventId, Record};

/// What a page may hold in the store's own form, unless its first record is larger already.
pub(super) const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// The ids that are left of an export.
pub(super) fn ids(filter: &Filter, cursor: Option<Cursor>) -> Result<Range<EventId>, Error> {
    let Range { start, end } = filter.ids();
    match cursor {
        None => Ok(start..end),
        Some(Cursor {
            direction: Direction::Older,
            id,
        }) => Ok(start..end.min(id)),
        Some(_) => Err(Error::invalid_input(
            "cursor",
            "an export goes from the newest to the oldest: pass a next_cursor",
        )),
    }
}

/// The page of what was found, newest first. If it is full there may be more
/// behind its last record, otherwise only among the ids of `rest`.
pub(super) fn page(items: Vec<Record>, is_full: bool, rest: &Range<EventId>) -> Page<Record> {
    let last = items.last().filter(|_| is_full).map(|record| record.id);
    let unseen = (!rest.is_empty()).then_some(rest.end);
    Page {
        next_cursor: last.or(unseen).map(Cursor::older_than),
        prev_cursor: None,
        scanned_until: unseen.filter(|_| last.is_none()).map(EventId::timestamp),
        items,
    }
}
