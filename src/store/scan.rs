//! Looking through a range of ids in windows of time, so that a query that no
//! index serves has something to show for the time it took.

use std::ops::Range;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::export;
use crate::query::{Accuracy, Count, Cursor, Filter, Page, PageRequest, Window};
use crate::{Error, EventId, Record, Timestamp};

/// How long a list looks for records unless told otherwise.
pub(super) const DEFAULT_BUDGET: Duration = Duration::from_secs(1);
/// What the first window spans: little enough to be looked through in any case.
const FIRST_SPAN: Duration = Duration::from_secs(60);
const MIN_SPAN: Duration = Duration::from_millis(1);
/// No window has to be asked a useful question in less time.
pub(super) const MIN_TIMEOUT: Duration = Duration::from_millis(20);

/// What can be looked through.
#[async_trait]
pub(super) trait Source: Sync {
    /// The records of one window that pass the filter, in its order. Fails
    /// with a timeout when that takes longer than it may.
    async fn fetch(
        &self,
        filter: &Filter,
        window: &Window,
        timeout: Duration,
    ) -> Result<Vec<Record>, Error>;

    /// The same with all their columns, and without those at the end that
    /// would make it more than [`PAGE_BYTES`](export::PAGE_BYTES). Fails likewise.
    async fn fetch_whole(
        &self,
        filter: &Filter,
        window: &Window,
        timeout: Duration,
    ) -> Result<Fetched, Error>;

    /// The number of those records, up to what the window would fetch. Fails likewise.
    async fn count(
        &self,
        filter: &Filter,
        window: &Window,
        timeout: Duration,
    ) -> Result<u64, Error>;
}

/// Records with all their columns.
#[derive(Default)]
pub(super) struct Fetched {
    pub(super) records: Vec<Record>,
    /// Whether there were more, which would have been too much at once.
    pub(super) is_cut: bool,
}

/// The bytes of a page that is being made.
#[derive(Default)]
pub(super) struct Room(usize);

impl Room {
    /// Whether another record of so many bytes fits. The first one always does.
    pub(super) fn takes(&mut self, bytes: usize) -> bool {
        let is_first = self.0 == 0;
        self.0 = self.0.saturating_add(bytes.max(1));
        is_first || self.0 <= export::PAGE_BYTES
    }
}

/// A page of the records that pass a filter, looked for as long as `budget` allows.
pub(super) async fn list(
    source: &impl Source,
    filter: &Filter,
    page: &PageRequest,
    budget: Duration,
) -> Result<Page<Record>, Error> {
    let Window {
        ids,
        newest_first,
        fetch: limit,
    } = page.window(filter);
    let mut scan = Scan::new(ids, newest_first, budget);
    let (mut records, mut is_under_way) = (Vec::new(), scan.rest().is_empty());
    while records.len() < limit
        && let Some((ids, timeout)) = scan.next(Timestamp::now())
    {
        let window = Window {
            ids,
            newest_first,
            fetch: limit - records.len(),
        };
        let started = Instant::now();
        match source.fetch(filter, &window, timeout).await {
            Ok(found) => {
                scan.done(started.elapsed());
                is_under_way = true;
                records.extend(found);
            }
            Err(error) if error.is_timeout() => scan.timed_out(started.elapsed()),
            Err(error) => return Err(error),
        }
    }
    if !is_under_way {
        // A page that leads nowhere would be asked for again and again.
        return Err(Error::timed_out(
            "the time was too short to look for any record",
        ));
    }
    Ok(Page::partial(page, records, scan.rest()))
}

/// The next records of an export, looked for as long as `budget` allows.
pub(super) async fn export(
    source: &impl Source,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: usize,
    budget: Duration,
) -> Result<Page<Record>, Error> {
    let mut scan = Scan::new(export::ids(filter, cursor)?, true, budget);
    let (mut found, mut is_under_way) = (Fetched::default(), scan.rest().is_empty());
    while !found.is_cut
        && found.records.len() < limit
        && let Some((ids, timeout)) = scan.next(Timestamp::now())
    {
        let window = Window {
            ids,
            newest_first: true,
            fetch: limit - found.records.len(),
        };
        let started = Instant::now();
        match source.fetch_whole(filter, &window, timeout).await {
            Ok(fetched) => {
                scan.done(started.elapsed());
                is_under_way = true;
                found.is_cut = fetched.is_cut;
                found.records.extend(fetched.records);
            }
            Err(error) if error.is_timeout() => scan.timed_out(started.elapsed()),
            Err(error) => return Err(error),
        }
    }
    if !is_under_way {
        return Err(Error::timed_out(
            "the time was too short to look for any record",
        ));
    }
    let is_full = found.is_cut || found.records.len() >= limit;
    Ok(export::page(found.records, is_full, scan.rest()))
}

/// How many records pass a filter, counted as long as `budget` allows and no further than is exact.
pub(super) async fn count(
    source: &impl Source,
    filter: &Filter,
    budget: Duration,
) -> Result<Count, Error> {
    let mut scan = Scan::new(filter.ids(), true, budget);
    let mut records = 0;
    while records <= Count::EXACT_LIMIT
        && let Some((ids, timeout)) = scan.next(Timestamp::now())
    {
        let window = Window {
            ids,
            newest_first: true,
            fetch: (Count::EXACT_LIMIT + 1 - records) as usize,
        };
        let started = Instant::now();
        match source.count(filter, &window, timeout).await {
            Ok(found) => {
                scan.done(started.elapsed());
                records += found;
            }
            Err(error) if error.is_timeout() => scan.timed_out(started.elapsed()),
            Err(error) => return Err(error),
        }
    }
    let accuracy = if records <= Count::EXACT_LIMIT && scan.rest().is_empty() {
        Accuracy::Exact
    } else {
        Accuracy::AtLeast
    };
    Ok(Count {
        records: records.min(Count::EXACT_LIMIT),
        accuracy,
    })
}

/// The windows of a range, one after the other, from the newest or from the
/// oldest. They grow while they take little of the time that there is.
pub(super) struct Scan {
    /// What no window has covered yet.
    rest: Range<EventId>,
    newest_first: bool,
    span: Duration,
    budget: Duration,
    left: Duration,
    /// The window that was given last.
    window: Range<EventId>,
}

impl Scan {
    /// Ids of the future all belong to the newest window.
    pub(super) fn new(ids: Range<EventId>, newest_first: bool, budget: Duration) -> Self {
        Self {
            window: ids.start..ids.start,
            rest: ids,
            newest_first,
            span: FIRST_SPAN,
            budget,
            left: budget,
        }
    }

    /// The next window, and how long its query may take; `None` at the end of
    /// the range or of the time.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<(Range<EventId>, Duration)> {
        if self.rest.is_empty() || self.left.is_zero() {
            return None;
        }
        let Range { start, end } = self.rest;
        self.window = if self.newest_first {
            let from = end.timestamp().min(now).minus(self.span);
            EventId::lower_bound(from).clamp(start, end.predecessor())..end
        } else {
            let to = start.timestamp().plus(self.span);
            let to = if to > now {
                end
            } else {
                EventId::lower_bound(to)
            };
            start..to.clamp(start.successor(), end)
        };
        let timeout = (self.left / 2).max(MIN_TIMEOUT);
        Some((self.window.clone(), timeout))
    }

    /// The last window is done, and took so long.
    pub(super) fn done(&mut self, took: Duration) {
        if self.newest_first {
            self.rest.end = self.window.start;
        } else {
            self.rest.start = self.window.end;
        }
        self.left = self.left.saturating_sub(took);
        self.span = if took < self.budget / 64 {
            self.span.saturating_mul(8)
        } else if took < self.budget / 16 {
            self.span.saturating_mul(2)
        } else if took < self.budget / 4 {
            self.span
        } else {
            (self.span / 2).max(MIN_SPAN)
        };
    }

    /// The last window took longer than it may: a part of it is next, if there is time.
    pub(super) fn timed_out(&mut self, took: Duration) {
        self.left = self.left.saturating_sub(took);
        self.span = (self.span / 16).max(MIN_SPAN);
    }

    /// What was not looked at; empty when everything was.
    pub(super) fn rest(&self) -> &Range<EventId> {
        &self.rest
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn day(day: i64) -> Timestamp {
        Timestamp::from_micros(0).plus_days(day)
    }

    /// The windows of a scan, each of which takes as long as `took` says.
    fn windows(
        ids: Range<EventId>,
        newest_first: bool,
        now: Timestamp,
        took: impl Fn(&Range<EventId>) -> Duration,
    ) -> (Vec<Range<EventId>>, Range<EventId>) {
        let mut scan = Scan::new(ids, newest_first, SECOND);
        let mut windows = Vec::new();
        while let Some((window, timeout)) = scan.next(now) {
            let took = took(&window);
            if took > timeout {
                scan.timed_out(timeout);
            } else {
                scan.done(took);
                windows.push(window);
            }
        }
        (windows, scan.rest().clone())
    }

    #[test]
    fn quick_windows_reach_the_start_of_time_within_a_few_steps() {
        let ids = Filter::new().ids();
        for newest_first in [true, false] {
            let (windows, rest) = windows(ids.clone(), newest_first, day(20_000), |_| {
                Duration::from_millis(1)
            });
            assert!(rest.is_empty());
            assert!(windows.len() <= 12, "{}", windows.len());
        }
    }

    #[test]
    fn what_takes_longer_than_there_is_time_ends_with_a_rest() {
        let ids = Filter::new().ids();
        let (windows, rest) = windows(ids.clone(), true, day(20_000), |_| SECOND / 5);
        assert_eq!(
            windows.len(),
            4,
            "the last one would take half of what is left"
        );
        assert_eq!(rest, ids.start..windows[3].start);
    }

    #[test]
    fn a_window_that_is_too_much_is_asked_for_in_parts() {
        // A hundred milliseconds for each of the seconds that it spans.
        let seconds = |window: &Range<EventId>| {
            let end = window.end.timestamp().min(day(20_000)).as_micros();
            (end - window.start.timestamp().as_micros()) as f64 / 1e6
        };
        let ids = EventId::lower_bound(day(19_000))..EventId::lower_bound(day(20_000));
        let (windows, rest) = windows(ids, true, day(20_000), |window| {
            Duration::from_secs_f64(0.1 * seconds(window))
        });
        assert!(!windows.is_empty() && !rest.is_empty());
        assert!(windows.iter().all(|window| seconds(window) <= 5.0));
    }

    proptest! {
        #[test]
        fn windows_cover_the_range_once_and_in_order(
            start in 0..30_000_i64,
            days in 0..20_000_i64,
            now in 0..30_000_i64,
            newest_first in any::<bool>(),
            micros in 0..100_000_u64,
        ) {
            let ids = EventId::lower_bound(day(start))..EventId::lower_bound(day(start + days));
            let (mut windows, rest) = windows(ids.clone(), newest_first, day(now), |_| {
                Duration::from_micros(micros)
            });
            if newest_first {
                windows.reverse();
                windows.insert(0, ids.start..rest.end);
            } else {
                windows.push(rest.start..ids.end);
            }
            prop_assert_eq!(windows[0].start, ids.start);
            prop_assert_eq!(windows[windows.len() - 1].end, ids.end);
            for pair in windows.windows(2) {
                prop_assert_eq!(pair[0].end, pair[1].start);
            }
        }
    }
}
