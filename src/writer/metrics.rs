//! What the writer tells whoever collects metrics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use tokio::time::Instant;

use super::auditor::Inner;
use super::budget::CaptureBudget;
use super::condition::Condition;
use super::health::{Health, HealthProblem, HealthStatus};
use super::losses::Loss;
use super::queue::Queue;
use super::settings::Settings;
use super::sinks::{SinkStats, SinkTallies};
use super::stats::{Counters, Stats};

/// The numbers of a trail, told now and then, and at its end however that comes.
pub(super) struct Metrics {
    queue: Arc<Queue>,
    counters: Arc<Counters>,
    condition: Arc<Condition>,
    capture_budget: Arc<CaptureBudget>,
    sinks: SinkTallies,
    max_queue_bytes: u64,
    max_journal_bytes: u64,
    told_at: Option<Instant>,
    /// Whether the writer was idle when it told them last.
    told_idle: bool,
}

/// How often they are told at most.
const EVERY: Duration = Duration::from_secs(1);
/// How often an idle writer tells them: some change without it, such as the losses of the last minute.
const EVERY_IDLE: Duration = Duration::from_secs(15);

impl Metrics {
    pub(super) fn new(inner: &Inner, settings: &Settings) -> Self {
        Self {
            queue: Arc::clone(&inner.queue),
            counters: Arc::clone(&inner.counters),
            condition: Arc::clone(&inner.condition),
            capture_budget: Arc::clone(&inner.capture_budget),
            sinks: inner.sinks.clone(),
            max_queue_bytes: settings.max_queue_bytes as u64,
            max_journal_bytes: settings.journal_max_bytes,
            told_at: None,
            told_idle: false,
        }
    }

    /// Tells them if it is time.
    pub(super) fn tell(&mut self, is_idle: bool) {
        let now = Instant::now();
        self.told_idle &= is_idle;
        if self.tell_at(is_idle).is_some_and(|time| time > now) {
            return;
        }
        self.told_at = Some(now);
        self.told_idle = is_idle;
        guarded(|| self.tell_now(false));
    }

    /// When it is time to tell them again.
    pub(super) fn tell_at(&self, is_idle: bool) -> Option<Instant> {
        let every = if is_idle && self.told_idle {
            EVERY_IDLE
        } else {
            EVERY
        };
        self.told_at.map(|time| time + every)
    }

    fn tell_now(&self, has_ended: bool) {
        let stats = self.counters.snapshot(&self.queue);
        let stats = stats.with(&self.condition, &self.capture_budget);
        let health = Health::of(&self.condition, &self.counters, &self.queue, has_ended);
        // Each time, for a recorder that was not there before.
        describe();
        tell_counters(&stats);
        self.tell_gauges(&stats);
        tell_health(&health);
        self.sinks.snapshot().iter().for_each(tell_sink);
    }

    fn tell_gauges(&self, stats: &Stats) {
        let gauges = [
            ("audit_pending", stats.pending),
            ("audit_quarantined", stats.quarantined),
            ("audit_queue_depth", stats.queued),
            ("audit_queue_bytes", stats.queued_bytes),
            ("audit_queue_max_bytes", self.max_queue_bytes),
            ("audit_journal_records", stats.journal_records),
            ("audit_journal_bytes", stats.journal_bytes),
            ("audit_journal_max_bytes", self.max_journal_bytes),
            ("audit_capture_bytes", stats.capture_bytes),
        ];
        for (name, value) in gauges {
            gauge!(name).set(value as f64);
        }
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        guarded(|| self.tell_now(true));
    }
}

/// Tells of a batch that the store has taken.
pub(super) fn stored(records: usize, time: Duration) {
    guarded(|| {
        histogram!("audit_batch_seconds").record(time.as_secs_f64());
        histogram!("audit_batch_records").record(records as f64);
    });
}

/// Whatever a recorder does, it is not the writer's end.
fn guarded(tell: impl FnOnce()) {
    let told = catch_unwind(AssertUnwindSafe(tell));
    if told.is_err() {
        tracing::debug!("the recorder of metrics panicked");
    }
}

fn tell_counters(stats: &Stats) {
    let results = [
        ("offered", stats.offered),
        ("stored", stats.stored),
        ("dropped", stats.dropped),
    ];
    for (result, events) in results {
        counter!("audit_events_total", "result" => result).absolute(events);
    }
    for loss in Loss::ALL {
        let events = match loss {
            Loss::QueueFull => stats.dropped_queue_full,
            Loss::RequestRefused => stats.dropped_request_refused,
            Loss::Closed => stats.dropped_closed,
            Loss::Rejected => stats.dropped_rejected,
            Loss::Unreadable => stats.dropped_unreadable,
            Loss::ShutdownTimeout => stats.dropped_shutdown_timeout,
            Loss::Discarded => stats.dropped_discarded,
            Loss::JournalDamaged => stats.dropped_journal_damaged,
        };
        counter!("audit_dropped_total", "reason" => loss.as_str()).absolute(events);
    }
    counter!("audit_store_failures_total").absolute(stats.failed_attempts);
    counter!("audit_captures_refused_total").absolute(stats.captures_refused);
}

fn tell_health(health: &Health) {
    let status = match health.status {
        HealthStatus::Ok => 0,
        HealthStatus::Degraded => 1,
        HealthStatus::Failing => 2,
    };
    gauge!("audit_health").set(status);
    for problem in HealthProblem::ALL {
        let is_present = health.problems.contains(&problem);
        gauge!("audit_health_problem", "problem" => problem.as_str()).set(u8::from(is_present));
    }
}

fn tell_sink(sink: &SinkStats) {
    let results = [
        ("sent", sink.sent),
        ("dropped", sink.dropped),
        ("panicked", sink.panicked),
    ];
    for (result, copies) in results {
        let name = sink.name.clone();
        counter!("audit_sink_copies_total", "sink" => name, "result" => result).absolute(copies);
    }
}

fn describe() {
    use Unit::{Bytes, Count, Seconds};
    let counters = [
        ("audit_events_total", "Events by what became of them."),
        ("audit_dropped_total", "Lost events by reason."),
        (
            "audit_store_failures_total",
            "Failed attempts to store a batch or to set a record aside.",
        ),
        (
            "audit_sink_copies_total",
            "Copies of records for sinks by what became of them.",
        ),
        (
            "audit_captures_refused_total",
            "Bodies that were cut or left out because the capture budget was spent.",
        ),
    ];
    for (name, description) in counters {
        describe_counter!(name, Count, description);
    }
    let gauges = [
        (
            "audit_pending",
            Count,
            "Events on their way, in memory or in the journal.",
        ),
        (
            "audit_quarantined",
            Count,
            "Records that this process has set aside.",
        ),
        ("audit_queue_depth", Count, "Events in the queue."),
        ("audit_queue_bytes", Bytes, "Bytes in the queue."),
        (
            "audit_queue_max_bytes",
            Bytes,
            "Bytes that the queue may hold.",
        ),
        (
            "audit_journal_records",
            Count,
            "Records in the journal that are not settled.",
        ),
        (
            "audit_journal_bytes",
            Bytes,
            "Bytes of the journal on disk.",
        ),
        (
            "audit_journal_max_bytes",
            Bytes,
            "Bytes that the journal may take on disk.",
        ),
        (
            "audit_capture_bytes",
            Bytes,
            "Bytes of bodies of requests in flight.",
        ),
        ("audit_health", Count, "0 ok, 1 degraded, 2 failing."),
        (
            "audit_health_problem",
            Count,
            "1 while the problem is present, otherwise 0.",
        ),
    ];
    for (name, unit, description) in gauges {
        describe_gauge!(name, unit, description);
    }
    describe_histogram!(
        "audit_batch_seconds",
        Seconds,
        "Time that the store took for a batch, of attempts that succeeded."
    );
    describe_histogram!("audit_batch_records", Count, "Records in a stored batch.");
}
