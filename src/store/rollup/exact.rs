//! The sums of a store that looks at each record anyway.

use std::collections::HashMap;

use super::answer::{self, Gathered, Span, Sum, bucket_of};
use super::label::Label;
use crate::query::{Dimension, Latency, Series, SeriesQuery, Statistics, StatsQuery, Totals};
use crate::{Error, Record, Timestamp};

/// The statistics of these records, all of which pass the filter.
pub(in crate::store) fn exact_stats<'a>(
    query: &StatsQuery,
    records: impl Iterator<Item = &'a Record>,
) -> Statistics {
    answer::statistics(query, gather(records, query.dimension(), |_| 0))
}

/// The series of these records, all of which pass the filter, by rising id.
pub(in crate::store) fn exact_series<'a>(
    query: &SeriesQuery,
    records: impl Iterator<Item = &'a Record>,
) -> Result<Series, Error> {
    let mut records = records.peekable();
    let span = Span::of(query, Timestamp::now());
    let first = records
        .peek()
        .map_or(span.end, |record| record.id.timestamp());
    let bucket_us = query.bucket_us(span.start.unwrap_or(first), span.end)?;
    let bucket = |record: &Record| bucket_of(record.id.timestamp(), bucket_us);
    let gathered = gather(records, query.dimension(), bucket);
    Ok(answer::series(query, span, bucket_us, gathered))
}

fn gather<'a>(
    records: impl Iterator<Item = &'a Record>,
    by: Option<Dimension>,
    bucket: impl Fn(&Record) -> i64,
) -> Gathered<Exact> {
    let mut sums: HashMap<(i64, Label), Exact> = HashMap::new();
    for record in records {
        let value = by.and_then(|dimension| dimension.of(record));
        let label = value.map_or(Label::Missing, |value| Label::Value(value.into_owned()));
        sums.entry((bucket(record), label)).or_default().add(record);
    }
    Gathered {
        sums,
        scanned_until: None,
    }
}

/// Sums with every duration.
#[derive(Default)]
struct Exact {
    totals: Totals,
    durations: Vec<(i64, f64)>,
}

impl Exact {
    fn add(&mut self, record: &Record) {
        let weight = record.sample_weight;
        self.totals.events += weight;
        if !record.success {
            self.totals.failures += weight;
        }
        if record.flagged {
            self.totals.flagged += weight;
        }
        if let Some(duration) = record.duration_us {
            self.durations.push((duration, weight));
        }
    }
}

impl Sum for Exact {
    fn merge(&mut self, other: &Self) {
        self.totals.events += other.totals.events;
        self.totals.failures += other.totals.failures;
        self.totals.flagged += other.totals.flagged;
        self.durations.extend(&other.durations);
    }

    fn totals(&self) -> Totals {
        let mut durations = self.durations.clone();
        durations.sort_unstable_by_key(|(duration, _)| *duration);
        let weight: f64 = durations.iter().map(|(_, weight)| weight).sum();
        let sum: f64 = durations
            .iter()
            .map(|(duration, weight)| *duration as f64 * weight)
            .sum();
        let percentile = |part: f64| {
            let mut passed = 0.0;
            let reached = durations.iter().find(|(_, own)| {
                passed += own;
                passed >= weight * part
            });
            reached
                .or(durations.last())
                .map_or(0, |(duration, _)| *duration)
        };
        let latency = match (durations.first(), durations.last()) {
            (Some((min, _)), Some((max, _))) if weight > 0.0 => Some(Latency {
                avg_us: sum / weight,
                min_us: *min,
                max_us: *max,
                p50_us: percentile(0.50),
                p95_us: percentile(0.95),
                p99_us: percentile(0.99),
            }),
            _ => None,
        };
        Totals {
            latency,
            ..self.totals
        }
    }
}
