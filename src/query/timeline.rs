//! The events around one event, in the order in which they happened.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{Cursor, Filter, PageRequest};
use crate::store::AuditReader;
use crate::{Error, EventId, Kind, Record};

/// What events of one timeline have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Link {
    /// The `operation_id`.
    Operation,
    /// The `trace_id`.
    Trace,
    /// The `request_id`.
    Request,
    /// The `session_id`.
    Session,
}

/// The events that belong together with one event, oldest first.
///
/// Made by [`AuditReader::timeline`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Timeline {
    /// What they have in common; `None` if the event has nothing of the kind,
    /// and its timeline is what it has caused.
    pub by: Option<Link>,
    /// The events, that one among them, with their
    /// [compact](crate::event::Column::is_compact) columns. Gap events
    /// ([`Kind::Gap`]) stand between them where the trail lost something meanwhile.
    pub items: Vec<Record>,
    /// Whether these are all: at most [`Timeline::MAX_EACH_WAY`] events are
    /// looked for before and after that one, within a day (within a week, of a session).
    pub is_complete: bool,
}

impl Link {
    /// Every link, the closest first.
    pub const ALL: [Self; 4] = [Self::Operation, Self::Trace, Self::Request, Self::Session];

    /// The column that events have in common.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operation => "operation_id",
            Self::Trace => "trace_id",
            Self::Request => "request_id",
            Self::Session => "session_id",
        }
    }

    fn value(self, record: &Record) -> Option<&str> {
        match self {
            Self::Operation => record.operation_id.as_deref(),
            Self::Trace => record.trace_id.as_deref(),
            Self::Request => record.request_id.as_deref(),
            Self::Session => record.session_id.as_deref(),
        }
    }

    fn filter(self, value: &str) -> Filter {
        let filter = Filter::new();
        match self {
            Self::Operation => filter.operation_id(value),
            Self::Trace => filter.trace_id(value),
            Self::Request => filter.request_id(value),
            Self::Session => filter.session_id(value),
        }
    }

    /// How far its events can be from each other.
    const fn reach(self) -> Duration {
        const DAY: u64 = 86_400;
        Duration::from_secs(match self {
            Self::Operation | Self::Trace | Self::Request => DAY,
            Self::Session => 7 * DAY,
        })
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Link {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let link = Self::ALL.into_iter().find(|link| link.as_str() == text);
        link.ok_or_else(|| {
            Error::invalid_input(
                "by",
                "unknown: expected operation_id, trace_id, request_id or session_id",
            )
        })
    }
}

impl Serialize for Link {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Timeline {
    /// The most events that are looked for before, and after, the one.
    pub const MAX_EACH_WAY: u16 = 250;

    /// The timeline of a record, by what is asked for or else by the closest link that it has.
    pub(crate) async fn around<R: AuditReader + ?Sized>(
        reader: &R,
        record: Record,
        by: Option<Link>,
    ) -> Result<Self, Error> {
        let links = by.map_or(Link::ALL.to_vec(), |by| vec![by]);
        let found = links
            .into_iter()
            .find_map(|link| Some((link, link.value(&record)?.to_owned())));
        let by = found.as_ref().map(|(link, _)| *link);
        let mut search = Search {
            items: Vec::new(),
            is_complete: true,
        };
        if let Some((link, value)) = found {
            let filter = within(link.filter(&value), &record, link.reach());
            search.around(reader, &filter, record.id).await?;
        }
        let caused = within(
            Filter::new().parent_id(record.id),
            &record,
            Link::Session.reach(),
        );
        search.after(reader, &caused, record.id).await?;
        search.items.push(record);
        search.sort();
        if let [first, .., last] = &search.items[..] {
            let lost = Filter::new()
                .kind(Kind::Gap)
                .from(first.occurred_at)
                .to(last.occurred_at);
            search.after(reader, &lost, first.id).await?;
            search.sort();
        }
        Ok(Self {
            by,
            items: search.items,
            is_complete: search.is_complete,
        })
    }
}

fn within(filter: Filter, record: &Record, reach: Duration) -> Filter {
    let time = record.occurred_at;
    filter.from(time.minus(reach)).to(time.plus(reach))
}

struct Search {
    items: Vec<Record>,
    is_complete: bool,
}

impl Search {
    async fn around<R: AuditReader + ?Sized>(
        &mut self,
        reader: &R,
        filter: &Filter,
        id: EventId,
    ) -> Result<(), Error> {
        let page = PageRequest::new(Timeline::MAX_EACH_WAY)?.cursor(Cursor::older_than(id));
        let older = reader.list(filter, &page).await?;
        self.is_complete &= older.next_cursor.is_none();
        self.items.extend(older.items);
        self.after(reader, filter, id).await
    }

    async fn after<R: AuditReader + ?Sized>(
        &mut self,
        reader: &R,
        filter: &Filter,
        id: EventId,
    ) -> Result<(), Error> {
        let page = PageRequest::new(Timeline::MAX_EACH_WAY)?.cursor(Cursor::newer_than(id));
        let newer = reader.list(filter, &page).await?;
        let is_full = newer.items.len() == usize::from(Timeline::MAX_EACH_WAY);
        self.is_complete &= newer.scanned_until.is_none();
        self.is_complete &= !(is_full && newer.prev_cursor.is_some());
        self.items.extend(newer.items);
        Ok(())
    }

    fn sort(&mut self) {
        self.items.sort_by_key(|record| record.id);
        self.items.dedup_by_key(|record| record.id);
    }
}
