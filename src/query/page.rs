//! Pages of records, newest first.

use std::ops::Range;

use serde::Serialize;

use super::Cursor;
use super::cursor::Direction;
use crate::{Error, EventId, Filter, Timestamp};

/// How much a reader wants at once, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    limit: u16,
    cursor: Option<Cursor>,
}

impl PageRequest {
    /// The records of a page unless told otherwise.
    pub const DEFAULT_LIMIT: u16 = 50;
    /// The most records of a page.
    pub const MAX_LIMIT: u16 = 500;

    /// The newest records, as many as `limit`.
    ///
    /// # Errors
    /// If `limit` is 0 or above [`PageRequest::MAX_LIMIT`].
    pub fn new(limit: u16) -> Result<Self, Error> {
        if (1..=Self::MAX_LIMIT).contains(&limit) {
            return Ok(Self {
                limit,
                cursor: None,
            });
        }
        Err(Error::invalid_input(
            "limit",
            format!("out of range: expected 1 to {}", Self::MAX_LIMIT),
        ))
    }

    /// Goes on from where another page ended.
    #[must_use]
    pub fn cursor(mut self, cursor: Cursor) -> Self {
        self.cursor = Some(cursor);
        self
    }

    /// What a store has to fetch for this page of the records that pass `filter`.
    pub fn window(&self, filter: &Filter) -> Window {
        let mut ids = filter.ids();
        match self.cursor {
            Some(Cursor {
                direction: Direction::Older,
                id,
            }) => ids.end = ids.end.min(id),
            Some(Cursor {
                direction: Direction::Newer,
                id,
            }) => ids.start = ids.start.max(id.successor()),
            None => {}
        }
        Window {
            ids,
            newest_first: !self.goes_newer(),
            fetch: usize::from(self.limit) + 1,
        }
    }

    fn goes_newer(&self) -> bool {
        self.cursor
            .is_some_and(|cursor| cursor.direction == Direction::Newer)
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self {
            limit: Self::DEFAULT_LIMIT,
            cursor: None,
        }
    }
}

/// What a store has to fetch for a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The ids that may be on the page: from the first, before the second.
    pub ids: Range<EventId>,
    /// In which order to fetch: by falling id, or by rising id.
    pub newest_first: bool,
    /// The most records to fetch: one more than the page shows, to know whether it is the last.
    pub fetch: usize,
}

/// A page of records, newest first, and where to go on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Page<T> {
    /// The records.
    pub items: Vec<T>,
    /// Where the next older records are; `None` on the last page.
    pub next_cursor: Option<Cursor>,
    /// Where the next newer records are; `None` if there were none. A page
    /// that is empty because nothing newer has come keeps its cursor.
    pub prev_cursor: Option<Cursor>,
    /// How far the store looked, where it ran out of time before the page was
    /// full: there may be records beyond, and the cursor that leads there is set.
    pub scanned_until: Option<Timestamp>,
}

impl<T> Page<T>
where
    for<'a> EventId: From<&'a T>,
{
    /// Makes the page out of what a store fetched for the request's [`Window`], in the window's order.
    pub fn new(request: &PageRequest, mut fetched: Vec<T>) -> Self {
        let limit = usize::from(request.limit);
        let more = fetched.len() > limit;
        fetched.truncate(limit);
        let newer = request.goes_newer();
        if newer {
            fetched.reverse();
        }
        // Where the fetching stopped there is more if one record too many
        // came; where it started there is more if it started at a cursor.
        let (older_left, newer_left) = if newer {
            (true, more)
        } else {
            (more, request.cursor.is_some())
        };
        let (oldest, newest) = (fetched.last(), fetched.first());
        // An empty page at a cursor leads back to where it came from, and on to what may come.
        if let (true, Some(cursor)) = (fetched.is_empty(), request.cursor) {
            return Self {
                items: fetched,
                next_cursor: newer.then(|| Cursor::older_than(cursor.id.successor())),
                prev_cursor: Some(if newer {
                    cursor
                } else {
                    Cursor::newer_than(cursor.id.predecessor())
                }),
                scanned_until: None,
            };
        }
        Self {
            scanned_until: None,
            next_cursor: oldest
                .filter(|_| older_left)
                .map(|record| Cursor::older_than(record.into())),
            prev_cursor: newest
                .filter(|_| newer_left)
                .map(|record| Cursor::newer_than(record.into())),
            items: fetched,
        }
    }

    /// Like [`Page::new`], for a store that did not look at the ids in `rest`
    /// because it ran out of time: those at the far end of the window.
    pub fn partial(request: &PageRequest, fetched: Vec<T>, rest: &Range<EventId>) -> Self {
        let is_full = fetched.len() > usize::from(request.limit);
        let mut page = Self::new(request, fetched);
        if is_full || rest.is_empty() {
            return page;
        }
        if request.goes_newer() {
            page.prev_cursor = Some(Cursor::newer_than(rest.start.predecessor()));
            page.scanned_until = Some(rest.start.timestamp());
        } else {
            page.next_cursor = Some(Cursor::older_than(rest.end));
            page.scanned_until = Some(rest.end.timestamp());
        }
        page
    }
}
