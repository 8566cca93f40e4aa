//! Statistics and series out of sums.

use std::collections::{BTreeMap, HashMap};

use super::label::Label;
use crate::Timestamp;
use crate::query::{
    Group, Point, Series, SeriesGroup, SeriesQuery, Statistics, StatsOrder, StatsQuery, Totals,
};

/// Sums of some records, as they are collected.
pub(in crate::store) trait Sum: Default {
    fn merge(&mut self, other: &Self);
    fn totals(&self) -> Totals;
}

/// The sums that answer a question.
pub(super) struct Gathered<S> {
    /// By the start of their bucket, in microseconds since 1970, and by their value.
    pub(super) sums: HashMap<(i64, Label), S>,
    /// How far they go back, where that is not far enough.
    pub(super) scanned_until: Option<Timestamp>,
}

/// The time that a series is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// `None` where the filter leaves it open.
    pub(super) start: Option<Timestamp>,
    /// Never later than now.
    pub(super) end: Timestamp,
}

impl Span {
    pub(super) fn of(query: &SeriesQuery, now: Timestamp) -> Self {
        let ids = query.filter().ids();
        let start = ids.start.timestamp();
        Self {
            start: (start.as_micros() > 0).then_some(start),
            end: ids.end.timestamp().min(now),
        }
    }
}

pub(super) fn statistics<S: Sum>(query: &StatsQuery, gathered: Gathered<S>) -> Statistics {
    let total = sum_of(gathered.sums.values());
    let (mut groups, mut has_more_groups) = (Vec::new(), false);
    if query.dimension().is_some() {
        for ((_, label), sum) in gathered.sums {
            match value_of(label) {
                Some(value) => groups.push(Group {
                    value,
                    totals: sum.totals(),
                }),
                None => has_more_groups = true,
            }
        }
    }
    has_more_groups |= groups.len() > query.max_groups();
    groups.sort_unstable_by(|a, b| query.ranking().compare(a, b));
    groups.truncate(query.max_groups());
    Statistics {
        totals: total.totals(),
        groups,
        has_more_groups,
        scanned_until: gathered.scanned_until,
    }
}

pub(super) fn series<S: Sum>(
    query: &SeriesQuery,
    span: Span,
    bucket_us: i64,
    gathered: Gathered<S>,
) -> Series {
    let mut all: BTreeMap<i64, S> = BTreeMap::new();
    let mut values: HashMap<Label, BTreeMap<i64, S>> = HashMap::new();
    for ((start, label), sum) in gathered.sums {
        all.entry(start).or_default().merge(&sum);
        if query.dimension().is_some() {
            values.entry(label).or_default().insert(start, sum);
        }
    }
    let starts = starts(&all, span, bucket_us);
    let points = |sums: &BTreeMap<i64, S>| {
        let point = |start: &i64| Point {
            start: Timestamp::from_micros(*start),
            totals: sums.get(start).map(S::totals).unwrap_or_default(),
        };
        starts.iter().map(point).collect::<Vec<_>>()
    };
    let mut has_more_groups = values.remove(&Label::Other).is_some();
    let mut ranked: Vec<(Group, BTreeMap<i64, S>)> = values
        .into_iter()
        .filter_map(|(label, sums)| {
            let group = Group {
                value: value_of(label)?,
                totals: sum_of(sums.values()).totals(),
            };
            Some((group, sums))
        })
        .collect();
    ranked.sort_unstable_by(|(a, _), (b, _)| StatsOrder::Events.compare(a, b));
    has_more_groups |= ranked.len() > query.max_groups();
    ranked.truncate(query.max_groups());
    let group = |(group, sums): (Group, BTreeMap<i64, S>)| SeriesGroup {
        value: group.value,
        points: points(&sums),
    };
    Series {
        bucket_seconds: (bucket_us / 1_000_000).unsigned_abs(),
        points: points(&all),
        groups: ranked.into_iter().map(group).collect(),
        has_more_groups,
        scanned_until: gathered.scanned_until,
    }
}

/// The start of the bucket that a time falls into.
pub(in crate::store) fn bucket_of(time: Timestamp, bucket_us: i64) -> i64 {
    let micros = time.as_micros();
    micros - micros.rem_euclid(bucket_us)
}

/// The buckets to tell: without a gap, unless they would be too many.
fn starts<S>(sums: &BTreeMap<i64, S>, span: Span, bucket_us: i64) -> Vec<i64> {
    let found = sums.keys().copied();
    let last = bucket_of(Timestamp::from_micros(span.end.as_micros() - 1), bucket_us);
    let first = match span.start {
        Some(start) if start < span.end => bucket_of(start, bucket_us),
        Some(_) => return found.collect(),
        None => match sums.keys().next() {
            Some(first) => *first,
            None => return Vec::new(),
        },
    };
    let first = sums.keys().next().map_or(first, |found| first.min(*found));
    let last = sums
        .keys()
        .next_back()
        .map_or(last, |found| last.max(*found));
    // With the bucket that the first one's missing part makes.
    if (last - first) / bucket_us > SeriesQuery::MAX_BUCKETS as i64 {
        return found.collect();
    }
    (0..=(last - first) / bucket_us)
        .map(|place| first + place * bucket_us)
        .collect()
}

fn sum_of<'a, S: Sum + 'a>(sums: impl Iterator<Item = &'a S>) -> S {
    let mut total = S::default();
    for sum in sums {
        total.merge(sum);
    }
    total
}

/// The value to tell; `None` for what has no single one.
fn value_of(label: Label) -> Option<Option<String>> {
    match label {
        Label::Value(value) => Some(Some(value)),
        Label::Missing => Some(None),
        Label::Other => None,
    }
}
