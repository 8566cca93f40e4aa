//! What is summed up.

use super::answer::Sum;
use super::histogram::{Histogram, bin_of};
use crate::Record;
use crate::query::{Latency, Totals};

/// Sums of some records, weighted by what each stands for, except for `rows`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct Measures {
    pub(in crate::store) rows: i64,
    pub(in crate::store) events: f64,
    pub(in crate::store) failures: f64,
    pub(in crate::store) flagged: f64,
    /// Of those records that tell a duration, like all that follows; in microseconds.
    pub(in crate::store) duration_sum: f64,
    pub(in crate::store) duration_min: i64,
    pub(in crate::store) duration_max: i64,
    pub(in crate::store) durations: Histogram,
}

impl Default for Measures {
    fn default() -> Self {
        Self {
            rows: 0,
            events: 0.0,
            failures: 0.0,
            flagged: 0.0,
            duration_sum: 0.0,
            duration_min: i64::MAX,
            duration_max: i64::MIN,
            durations: Histogram::default(),
        }
    }
}

impl Measures {
    pub(in crate::store) fn add(&mut self, record: &Record) {
        let weight = record.sample_weight;
        self.rows += 1;
        self.events += weight;
        if !record.success {
            self.failures += weight;
        }
        if record.flagged {
            self.flagged += weight;
        }
        if let Some(duration) = record.duration_us {
            self.duration_sum += weight * duration as f64;
            self.duration_min = self.duration_min.min(duration);
            self.duration_max = self.duration_max.max(duration);
            self.durations.add(bin_of(duration), weight);
        }
    }
}

impl Sum for Measures {
    fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.events += other.events;
        self.failures += other.failures;
        self.flagged += other.flagged;
        self.duration_sum += other.duration_sum;
        self.duration_min = self.duration_min.min(other.duration_min);
        self.duration_max = self.duration_max.max(other.duration_max);
        self.durations.merge(&other.durations);
    }

    fn totals(&self) -> Totals {
        let timed = self.durations.total();
        let percentile = |part| {
            let duration = self.durations.percentile(part);
            // A single duration's bin is wider than the durations are apart.
            duration.clamp(self.duration_min, self.duration_max)
        };
        Totals {
            events: self.events,
            failures: self.failures,
            flagged: self.flagged,
            latency: (timed > 0.0).then(|| Latency {
                avg_us: self.duration_sum / timed,
                min_us: self.duration_min,
                max_us: self.duration_max,
                p50_us: percentile(0.50),
                p95_us: percentile(0.95),
                p99_us: percentile(0.99),
            }),
        }
    }
}
