//! What a question reads from the rollups, and what from the records.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::answer::{self, Gathered, Span, Sum, bucket_of};
use super::hour::Hour;
use super::label::Label;
use super::measures::Measures;
use super::plan::{Plan, Question};
use super::rows::Grouping;
use crate::query::{Dimension, Filter, Series, SeriesQuery, Statistics, StatsQuery};
use crate::store::scan::{MIN_TIMEOUT, Scan};
use crate::{Error, EventId, Timestamp};

/// The most sums that an answer is made of. What goes beyond is put together.
const MAX_SUMS: usize = 200_000;
/// The hours whose rollups are read first.
const FIRST_HOURS: i32 = 48;
const MAX_HOURS: i32 = 24 * 366;
/// Rollups that are read at once, about.
const ROLLUPS_AT_ONCE: usize = 20_000;

/// A database that keeps rollups beside its records.
#[async_trait]
pub(in crate::store) trait Rollups: Sync {
    /// The first and the last hour that have rollups.
    async fn hours(&self) -> Result<Option<(Hour, Hour)>, Error>;

    /// The rollups of some hours. Fails with a timeout when that takes longer than it may.
    async fn rollups(
        &self,
        dimension: Option<Dimension>,
        hours: &Range<Hour>,
        timeout: Duration,
    ) -> Result<Vec<Summed>, Error>;

    /// The sums of those records of some ids that pass a filter. Fails likewise.
    async fn sums(
        &self,
        filter: &Filter,
        ids: &Range<EventId>,
        grouping: Grouping,
        timeout: Duration,
    ) -> Result<Vec<Summed>, Error>;
}

/// Some sums: of a rollup, or of some of the records.
pub(in crate::store) struct Summed {
    /// When their hour or their bucket begins, if it matters.
    pub(in crate::store) start: Timestamp,
    pub(in crate::store) label: Label,
    pub(in crate::store) sum: Measures,
}

/// Answers a question about sums, for as long as `budget` allows.
pub(in crate::store) async fn stats(
    source: &impl Rollups,
    query: &StatsQuery,
    budget: Duration,
) -> Result<Statistics, Error> {
    let question = Question {
        filter: query.filter(),
        by: query.dimension(),
        bucket_us: None,
    };
    let gathered = gather(source, &question, budget).await?;
    Ok(answer::statistics(query, gathered))
}

/// Answers a question about sums over time, for as long as `budget` allows.
pub(in crate::store) async fn series(
    source: &impl Rollups,
    query: &SeriesQuery,
    budget: Duration,
) -> Result<Series, Error> {
    let span = Span::of(query, Timestamp::now());
    let start = match span.start {
        Some(start) => start,
        None => {
            let hours = source.hours().await?;
            hours.map_or(span.end, |(first, _)| first.start())
        }
    };
    let bucket_us = query.bucket_us(start, span.end)?;
    let question = Question {
        filter: query.filter(),
        by: query.dimension(),
        bucket_us: Some(bucket_us),
    };
    let gathered = gather(source, &question, budget).await?;
    Ok(answer::series(query, span, bucket_us, gathered))
}

/// Goes from the newest to the oldest, so that what it has when the time is over has no hole.
async fn gather(
    source: &impl Rollups,
    question: &Question<'_>,
    budget: Duration,
) -> Result<Gathered<Measures>, Error> {
    let ids = question.filter.ids();
    let mut gathering = Gathering {
        source,
        question,
        deadline: Instant::now() + budget,
        sums: HashMap::new(),
    };
    let rest = if ids.is_empty() {
        ids.start
    } else {
        gathering.run(&ids).await?
    };
    if rest == ids.end && !ids.is_empty() {
        return Err(Error::timed_out(
            "the time was too short to look at any record",
        ));
    }
    Ok(Gathered {
        sums: gathering.sums,
        scanned_until: (rest > ids.start).then(|| rest.timestamp()),
    })
}

struct Gathering<'a, S> {
    source: &'a S,
    question: &'a Question<'a>,
    deadline: Instant,
    sums: HashMap<(i64, Label), Measures>,
}

impl<S: Rollups> Gathering<'_, S> {
    /// Each step gives the id down to which all is summed up: the start of its range, if the time sufficed.
    async fn run(&mut self, ids: &Range<EventId>) -> Result<EventId, Error> {
        let Some(plan) = self.question.plan() else {
            return self.add_records(ids.clone()).await;
        };
        let Some((first, last)) = self.source.hours().await? else {
            return self.add_records(ids.clone()).await;
        };
        let whole = Hour::within(ids);
        let hours = whole.start.max(first)..whole.end.min(last.next());
        if hours.is_empty() {
            return self.add_records(ids.clone()).await;
        }
        // Where there are no rollups there are no records: these ends are empty.
        let (has_newer, has_older) = (whole.end <= last, whole.start > first);
        if has_newer {
            let newer = whole.end.first_id()..ids.end;
            let rest = self.add_records(newer.clone()).await?;
            if rest > newer.start {
                return Ok(rest);
            }
        }
        let rest = self.add_rollups(plan, hours.clone()).await?;
        if rest > hours.start.first_id() {
            return Ok(rest);
        }
        if has_older {
            return self.add_records(ids.start..whole.start.first_id()).await;
        }
        Ok(ids.start)
    }

    async fn add_records(&mut self, ids: Range<EventId>) -> Result<EventId, Error> {
        if ids.is_empty() {
            return Ok(ids.start);
        }
        let grouping = Grouping {
            by: self.question.by,
            bucket_us: self.question.bucket_us,
        };
        let mut scan = Scan::new(ids.clone(), true, self.time_left());
        while let Some((ids, timeout)) = scan.next(Timestamp::now()) {
            let started = Instant::now();
            let sums = self
                .source
                .sums(self.question.filter, &ids, grouping, timeout);
            match sums.await {
                Ok(found) => {
                    scan.done(started.elapsed());
                    for sum in found {
                        self.add(sum);
                    }
                }
                Err(error) if error.is_timeout() => scan.timed_out(started.elapsed()),
                Err(error) => return Err(error),
            }
        }
        let rest = scan.rest();
        Ok(if rest.is_empty() { ids.start } else { rest.end })
    }

    async fn add_rollups(&mut self, plan: Plan, hours: Range<Hour>) -> Result<EventId, Error> {
        let (mut end, mut length) = (hours.end, FIRST_HOURS);
        while end > hours.start {
            let left = self.time_left();
            if left.is_zero() {
                return Ok(end.first_id());
            }
            let start = Hour(end.0.saturating_sub(length)).max(hours.start);
            let part = start..end;
            let rollups = self.source.rollups(plan.0, &part, left.max(MIN_TIMEOUT));
            let found = match rollups.await {
                Ok(found) => found,
                Err(error) if error.is_timeout() => {
                    length = (length / 8).max(1);
                    continue;
                }
                Err(error) => return Err(error),
            };
            length = match found.len() {
                rollups if rollups < ROLLUPS_AT_ONCE / 8 => (length * 8).min(MAX_HOURS),
                rollups if rollups > ROLLUPS_AT_ONCE => (length / 2).max(1),
                _ => length,
            };
            let rest = self.take_hours(plan, start, found).await?;
            if rest > start.first_id() {
                return Ok(rest);
            }
            end = start;
        }
        Ok(hours.start.first_id())
    }

    /// Sums up the rollups of the hours from `start` on.
    async fn take_hours(
        &mut self,
        plan: Plan,
        start: Hour,
        found: Vec<Summed>,
    ) -> Result<EventId, Error> {
        let mut by_hour: BTreeMap<Hour, Vec<Summed>> = BTreeMap::new();
        for rollup in found {
            let hour = Hour::of_time(rollup.start);
            by_hour.entry(hour).or_default().push(rollup);
        }
        for (hour, rollups) in by_hour.into_iter().rev() {
            let passes = |rollup: &Summed| self.question.passes(plan, &rollup.label);
            let verdicts: Option<Vec<bool>> = rollups.iter().map(passes).collect();
            let Some(verdicts) = verdicts else {
                let ids = hour.ids();
                let rest = self.add_records(ids.clone()).await?;
                if rest > ids.start {
                    return Ok(rest);
                }
                continue;
            };
            for (rollup, passes) in rollups.into_iter().zip(verdicts) {
                if passes {
                    self.add_rollup(plan, rollup);
                }
            }
        }
        Ok(start.first_id())
    }

    fn add_rollup(&mut self, plan: Plan, mut rollup: Summed) {
        if self.question.by.is_none() || self.question.by != plan.0 {
            rollup.label = Label::Missing;
        }
        let bucket = self
            .question
            .bucket_us
            .map(|length| bucket_of(rollup.start, length));
        rollup.start = Timestamp::from_micros(bucket.unwrap_or_default());
        self.add(rollup);
    }

    fn add(&mut self, Summed { start, label, sum }: Summed) {
        let mut key = (start.as_micros(), label);
        if self.sums.len() >= MAX_SUMS && !self.sums.contains_key(&key) {
            key.1 = Label::Other;
        }
        self.sums.entry(key).or_default().merge(&sum);
    }

    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}
