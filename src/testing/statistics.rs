//! Statistics are those of the records.

use std::sync::Arc;
use std::time::Duration;

use super::trail::Trail;
use crate::query::{Dimension, SeriesQuery, StatsQuery, Totals};
use crate::store::Batch;
use crate::{AuditStore, EventId, Record, Timestamp};

/// Hours that the records are spread over.
const HOURS: u64 = 4;
/// Records of an hour.
const RECORDS: u64 = 60;

/// Checks sums over records of several hours, some of which were stored by a
/// retry that met others of its batch: all together, by a dimension, over
/// parts of hours, and over time.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn statistics_count_each_record_once(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let hour = Duration::from_secs(3_600);
    let now = Timestamp::now().as_micros();
    let end = Timestamp::from_micros(now - now % 3_600_000_000);
    let start = end.minus(hour * HOURS as u32);
    let records: Vec<_> = (0..HOURS * RECORDS)
        .map(|number| {
            made(
                &trail,
                start.plus(hour / RECORDS as u32 * number as u32),
                number,
            )
        })
        .collect();
    let (first, rest) = records.split_at(records.len() / 3);
    trail.append(first.to_vec()).await;
    for _ in 0..2 {
        let retry = Batch::new(records[first.len() / 2..].to_vec()).retry();
        let stored = trail.store.append(&retry).await;
        stored.expect("a retry could not be stored");
    }
    assert!(rest.len() > first.len());

    let whole = trail.filter();
    let part = whole
        .clone()
        .from(start.plus(hour / 2))
        .to(end.minus(hour * 3 / 4));
    let inside = |record: &&Record| part.matches(record);
    let some: Vec<&Record> = records.iter().filter(inside).collect();
    let all: Vec<&Record> = records.iter().collect();
    for (filter, expected) in [(&whole, &all), (&part, &some)] {
        let query = StatsQuery::new(filter.clone()).by(Dimension::Method);
        let found = trail.reader.stats(&query).await;
        let found = found.expect("statistics could not be read");
        assert_eq!(found.scanned_until, None, "a few records took too long");
        assert_sums(&found.totals, expected);
        assert_eq!(found.groups.len(), 3, "two methods and none");
        for group in found.groups {
            let same = |record: &&&Record| record.method == group.value;
            let expected: Vec<_> = expected.iter().filter(same).copied().collect();
            assert_sums(&group.totals, &expected);
        }
    }
    let query = SeriesQuery::new(whole.from(start).to(end)).bucket(hour * 2);
    let series = trail
        .reader
        .timeseries(&query.expect("two hours are a bucket"))
        .await;
    let series = series.expect("a series could not be read");
    for (place, point) in series.points.iter().enumerate() {
        let (from, to) = (point.start, point.start.plus(hour * 2));
        let within = |record: &&Record| (from..to).contains(&record.id.timestamp());
        let expected: Vec<&Record> = records.iter().filter(within).collect();
        assert!(!expected.is_empty(), "bucket {place} is not of the time");
        assert_sums(&point.totals, &expected);
    }
}

fn made(trail: &Trail, time: Timestamp, number: u64) -> Record {
    let mut fields = trail.fields_at(EventId::at(time));
    fields.method = match number % 3 {
        0 => None,
        1 => Some("GET".to_owned()),
        _ => Some("POST".to_owned()),
    };
    fields.success = !number.is_multiple_of(4);
    fields.flagged = number.is_multiple_of(7);
    fields.sample_weight = if number.is_multiple_of(5) { 10.0 } else { 1.0 };
    fields.duration_us = (!number.is_multiple_of(6)).then_some(number as i64 * 1_000);
    Record::seal(fields)
}

fn assert_sums(found: &Totals, records: &[&Record]) {
    let sum = |counts: fn(&Record) -> bool| -> f64 {
        let counted = records.iter().filter(|record| counts(record));
        counted.map(|record| record.sample_weight).sum()
    };
    assert_eq!(found.events, sum(|_| true), "events");
    assert_eq!(found.failures, sum(|record| !record.success), "failures");
    assert_eq!(found.flagged, sum(|record| record.flagged), "flagged");
    let mut durations: Vec<(i64, f64)> = records
        .iter()
        .filter_map(|record| Some((record.duration_us?, record.sample_weight)))
        .collect();
    durations.sort_unstable_by_key(|(duration, _)| *duration);
    let (Some((min, _)), Some((max, _))) = (durations.first(), durations.last()) else {
        assert_eq!(found.latency, None, "a latency of no durations");
        return;
    };
    let latency = found.latency.expect("durations without a latency");
    assert_eq!(
        (latency.min_us, latency.max_us),
        (*min, *max),
        "min and max"
    );
    let weight: f64 = durations.iter().map(|(_, weight)| weight).sum();
    for (part, found) in [
        (0.50, latency.p50_us),
        (0.95, latency.p95_us),
        (0.99, latency.p99_us),
    ] {
        let mut passed = 0.0;
        let reached = durations.iter().find(|(_, own)| {
            passed += own;
            passed >= weight * part
        });
        let expected = reached.map_or(*max, |(duration, _)| *duration) as f64;
        let is_near = (found as f64 - expected).abs() <= 0.05 * expected;
        assert!(is_near, "the percentile {part} is {found}, not {expected}");
    }
}
