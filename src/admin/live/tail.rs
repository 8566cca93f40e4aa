//! One client's view of the end of the trail.
//!
//! Records become readable in another order than that of their ids, which are
//! made when things happen: a request that took long, a batch of another
//! instance, an outage. So there is no point up to which everything was read.
//! The bell tells among which ids records were stored, and these are read,
//! save for those that the client has. Where the bell is unsure, the last 30
//! seconds are read again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::super::stream::{Gone, Outlet};
use super::super::summary::Summary;
use super::seen::{Seen, TooMany};
use crate::store::{Bell, Ring, Span};
use crate::{AuditReader, Cursor, Error, EventId, Filter, PageRequest, Record, Timestamp};

/// How long after its id was made a record may become readable without the bell telling of it.
const OVERLAP: Duration = Duration::from_secs(30);
/// How often a client hears that the connection is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long to wait for more rings after one, which are then answered together.
const GATHER: Duration = Duration::from_millis(100);
/// How long to leave alone a store that failed.
const RETRY: Duration = Duration::from_secs(2);
/// The most spans that wait to be read.
const MAX_SPANS: usize = 1_024;

pub(super) struct Tail {
    reader: Arc<dyn AuditReader>,
    filter: Filter,
    bell: Bell,
    seen: Seen,
    spans: Vec<Span>,
    /// All that was readable by then, and told of by nobody, has been read.
    swept: Timestamp,
}

/// Why the tail of a client ends.
enum End {
    Gone,
    TooMany,
    Failed(Error),
}

impl From<Gone> for End {
    fn from(Gone: Gone) -> Self {
        Self::Gone
    }
}

impl From<TooMany> for End {
    fn from(TooMany: TooMany) -> Self {
        Self::TooMany
    }
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Tail {
    /// Begins after the event that the client had last, or now.
    pub(super) async fn start(
        reader: Arc<dyn AuditReader>,
        filter: Filter,
        last: Option<EventId>,
    ) -> Result<Self, Error> {
        // First of all, so that what is stored from now on is told of.
        let bell = reader.bell();
        let swept = Timestamp::now();
        let mut tail = Self {
            reader,
            filter,
            bell,
            seen: Seen::default(),
            spans: Vec::new(),
            swept,
        };
        match last {
            Some(last) => tail.spans.push(from(last.timestamp().minus(OVERLAP))),
            None => tail.skip(from(swept.minus(OVERLAP))).await?,
        }
        Ok(tail)
    }

    /// Sends until the client goes, or has to.
    pub(super) async fn run(mut self, outlet: Outlet) {
        let end = tokio::select! {
            end = self.send(&outlet) => end,
            () = outlet.gone() => Err(End::Gone),
        };
        match end {
            Ok(()) | Err(End::Gone) => tracing::debug!("a client follows the trail no more"),
            Err(End::TooMany) => {
                tracing::debug!("there is more than a client that follows the trail can take");
            }
            Err(End::Failed(error)) => tracing::warn!(
                code = error.code(),
                "the audit trail cannot be followed: {error}"
            ),
        }
    }

    async fn send(&mut self, outlet: &Outlet) -> Result<(), End> {
        outlet.send("retry: 5000\n\n").await?;
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.spans.is_empty() {
                tokio::select! {
                    ring = self.bell.ring() => self.hear(ring)?,
                    _ = heartbeat.tick() => {
                        outlet.send(":\n\n").await?;
                        continue;
                    }
                }
                self.gather().await?;
            }
            let started = Timestamp::now();
            match self.read(outlet).await {
                Ok(()) => {}
                Err(End::Failed(error)) if error.is_transient() => {
                    tracing::debug!(
                        code = error.code(),
                        "the end of the audit trail cannot be read: {error}"
                    );
                    outlet.send(":\n\n").await?;
                    sleep(RETRY).await;
                }
                Err(end) => return Err(end),
            }
            let settled = self
                .swept
                .as_micros()
                .min(started.minus(OVERLAP).as_micros());
            let settled = Timestamp::from_micros(settled).minus(OVERLAP);
            self.seen.forget_before(settled);
        }
    }

    async fn gather(&mut self) -> Result<(), End> {
        let over = sleep(GATHER);
        tokio::pin!(over);
        loop {
            tokio::select! {
                biased;
                ring = self.bell.ring() => self.hear(ring)?,
                () = &mut over => return Ok(()),
            }
        }
    }

    fn hear(&mut self, ring: Ring) -> Result<(), End> {
        match ring {
            Ring::Stored(spans) => self.spans.extend(spans.iter()),
            Ring::Unsure => self.spans.push(from(self.swept.minus(OVERLAP))),
            Ring::Missed => return Err(End::TooMany),
        }
        if self.spans.len() > MAX_SPANS {
            return Err(End::TooMany);
        }
        self.spans = merged(std::mem::take(&mut self.spans));
        Ok(())
    }

    /// Reads what there is to read, and sends what the client does not have.
    async fn read(&mut self, outlet: &Outlet) -> Result<(), End> {
        while let Some(span) = self.spans.first().copied() {
            let started = Timestamp::now();
            let mut start = Some(Cursor::newer_than(span.first.predecessor()));
            while let Some(cursor) = start {
                let (records, next) = self.page(&span, cursor).await?;
                let mut text = Vec::new();
                for record in records {
                    if self.seen.add(record.id)? {
                        write(record, &mut text)?;
                    }
                }
                outlet.send(text).await?;
                start = next;
            }
            if is_open(&span) {
                self.swept = started;
            }
            self.spans.remove(0);
        }
        Ok(())
    }

    /// Takes what is there for told.
    async fn skip(&mut self, span: Span) -> Result<(), Error> {
        let mut start = Some(Cursor::newer_than(span.first.predecessor()));
        while let Some(cursor) = start {
            let (records, next) = self.page(&span, cursor).await?;
            for record in records {
                self.seen.add(record.id).map_err(|TooMany| {
                    Error::unavailable(
                        "there are too many new records to follow: narrow the filter",
                    )
                })?;
            }
            start = next;
        }
        Ok(())
    }

    /// Records of a span, oldest first, and where to go on.
    async fn page(
        &self,
        span: &Span,
        cursor: Cursor,
    ) -> Result<(Vec<Record>, Option<Cursor>), Error> {
        let request = PageRequest::new(PageRequest::MAX_LIMIT)?.cursor(cursor);
        let filter = if is_open(span) {
            self.filter.clone()
        } else {
            let after = span.last.timestamp().plus(Duration::from_micros(1));
            let end = self.filter.ids().end.timestamp().as_micros();
            let end = Timestamp::from_micros(end.min(after.as_micros()));
            self.filter.clone().to(end)
        };
        let mut page = self.reader.list(&filter, &request).await?;
        let is_last = page.items.is_empty() && page.scanned_until.is_none();
        page.items.reverse();
        Ok((page.items, page.prev_cursor.filter(|_| !is_last)))
    }
}

/// All ids from a time on.
fn from(time: Timestamp) -> Span {
    Span {
        first: EventId::lower_bound(time),
        last: LAST,
    }
}

const LAST: EventId = EventId::from_bits(u128::MAX);

fn is_open(span: &Span) -> bool {
    span.last == LAST
}

/// The same ids in spans that do not overlap, lowest first.
fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable_by_key(|span| span.first);
    let mut merged = Vec::<Span>::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.first <= last.last => last.last = last.last.max(span.last),
            _ => merged.push(span),
        }
    }
    merged
}

/// A record as one event of the stream: JSON has no line of its own in it.
fn write(record: Record, text: &mut Vec<u8>) -> Result<(), Error> {
    text.extend_from_slice(format!("id: {}\ndata: ", record.id).as_bytes());
    serde_json::to_writer(&mut *text, &Summary(record))
        .map_err(|error| Error::internal("a record cannot be written as json").caused_by(error))?;
    text.extend_from_slice(b"\n\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_overlap_become_one() {
        let span = |first: u128, last: u128| Span {
            first: EventId::from_bits(first),
            last: EventId::from_bits(last),
        };
        assert_eq!(
            merged(vec![
                span(5, 9),
                span(1, 2),
                span(8, 12),
                span(2, 3),
                span(20, 21)
            ]),
            [span(1, 3), span(5, 12), span(20, 21)]
        );
    }
}
