//! What a recorder is told of a trail.

mod recorder;

use std::collections::BTreeSet;
use std::time::Duration;

use tower_audit::{Auditor, AuditorBuilder, Event, MemoryStore, Stats};

use self::recorder::{Panicking, Recorder};
use crate::support::{Gate, GatedStore, assert_accounted, run_here};

/// Runs the test with its writer on this thread, and time that passes at once.
fn on_paused_time(recorder: &impl metrics::Recorder, test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    metrics::with_local_recorder(recorder, || runtime.block_on(test));
}

fn over(store: &GatedStore) -> AuditorBuilder {
    Auditor::builder().store(store.clone())
}

fn record(auditor: &Auditor, count: usize) {
    for _ in 0..count {
        auditor.record(Event::activity("test"));
    }
}

/// Waits until everything is settled and told.
async fn told(auditor: &Auditor) {
    auditor.flush().await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
}

#[track_caller]
fn assert_agrees(recorder: &Recorder, stats: Stats) {
    for (name, value) in [
        ("audit_events_total{result=offered}", stats.offered),
        ("audit_events_total{result=stored}", stats.stored),
        ("audit_events_total{result=dropped}", stats.dropped),
        (
            "audit_dropped_total{reason=queue_full}",
            stats.dropped_queue_full,
        ),
        (
            "audit_dropped_total{reason=rejected}",
            stats.dropped_rejected,
        ),
        ("audit_dropped_total{reason=closed}", stats.dropped_closed),
        (
            "audit_dropped_total{reason=discarded}",
            stats.dropped_discarded,
        ),
        (
            "audit_dropped_total{reason=unreadable}",
            stats.dropped_unreadable,
        ),
        (
            "audit_dropped_total{reason=request_refused}",
            stats.dropped_request_refused,
        ),
        (
            "audit_dropped_total{reason=shutdown_timeout}",
            stats.dropped_shutdown_timeout,
        ),
        (
            "audit_dropped_total{reason=journal_damaged}",
            stats.dropped_journal_damaged,
        ),
        ("audit_store_failures_total", stats.failed_attempts),
        ("audit_captures_refused_total", stats.captures_refused),
        ("audit_pending", stats.pending),
        ("audit_quarantined", stats.quarantined),
        ("audit_queue_depth", stats.queued),
        ("audit_queue_bytes", stats.queued_bytes),
        ("audit_journal_records", stats.journal_records),
        ("audit_journal_bytes", stats.journal_bytes),
        ("audit_capture_bytes", stats.capture_bytes),
    ] {
        assert_eq!(recorder.value(name), value as f64, "{name}");
    }
}

#[test]
fn what_is_told_is_what_the_statistics_say() {
    let recorder = Recorder::default();
    on_paused_time(&recorder, async {
        let store = GatedStore::new([Gate::Fail])
            .naming_poison()
            .quarantining([]);
        let auditor = run_here(over(&store).max_queue_size(50));
        record(&auditor, 30);
        auditor.record(Event::activity("test").tag("poison"));
        record(&auditor, 60);
        told(&auditor).await;
        let stats = auditor.stats();
        assert_eq!(stats.quarantined, 1);
        assert!(stats.dropped_queue_full > 0 && stats.failed_attempts > 0);
        assert_accounted(stats, &store.memory.records());
        assert_agrees(&recorder, stats);
        assert_eq!(recorder.value("audit_health"), 2.0, "events were lost");
        assert_eq!(
            recorder.value("audit_health_problem{problem=losing_events}"),
            1.0
        );
        assert_eq!(
            recorder.value("audit_health_problem{problem=quarantine}"),
            1.0
        );
    });
}

#[test]
fn the_end_is_told_before_the_shutdown_returns() {
    let recorder = Recorder::default();
    on_paused_time(&recorder, async {
        let store = GatedStore::new([Gate::Slow(Duration::from_secs(60))]);
        let auditor = run_here(over(&store).append_timeout(Duration::from_secs(90)));
        record(&auditor, 10);
        auditor.shutdown(Duration::from_secs(5)).await.unwrap_err();
        let stats = auditor.stats();
        assert_eq!(stats.dropped_shutdown_timeout, 10);
        assert_agrees(&recorder, stats);
        assert_eq!(recorder.value("audit_health_problem{problem=ended}"), 1.0);
    });
}

#[test]
fn an_outage_shows_while_it_lasts() {
    let recorder = Recorder::default();
    on_paused_time(&recorder, async {
        let store = GatedStore::new(vec![Gate::Fail; 5]);
        let auditor = run_here(over(&store));
        let problem = "audit_health_problem{problem=store_unavailable}";
        record(&auditor, 10);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert!(auditor.stats().pending > 0);
        assert_eq!(
            (recorder.value("audit_health"), recorder.value(problem)),
            (1.0, 1.0)
        );
        told(&auditor).await;
        assert_eq!(
            (recorder.value("audit_health"), recorder.value(problem)),
            (0.0, 0.0)
        );
        assert_eq!(recorder.value("audit_store_failures_total"), 5.0);
    });
}

#[test]
fn a_busy_writer_tells_once_a_second_and_an_idle_one_four_times_a_minute() {
    let recorder = Recorder::default();
    on_paused_time(&recorder, async {
        let auditor = run_here(over(&GatedStore::default()));
        for _ in 0..1_000 {
            record(&auditor, 1);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let busy = recorder.tellings();
        assert!((9..=11).contains(&busy), "{busy} in ten seconds");
        told(&auditor).await;
        assert_eq!(recorder.value("audit_events_total{result=stored}"), 1_000.0);
        assert_eq!(recorder.value("audit_queue_depth"), 0.0);
        let before = recorder.tellings();
        tokio::time::sleep(Duration::from_secs(600)).await;
        let idle = recorder.tellings() - before;
        assert!((39..=41).contains(&idle), "{idle} in ten minutes");
    });
}

#[test]
fn a_loss_is_forgotten_after_a_minute_though_nothing_else_happens() {
    let recorder = Recorder::default();
    on_paused_time(&recorder, async {
        let auditor = run_here(over(&GatedStore::default()).max_queue_size(10));
        record(&auditor, 100);
        told(&auditor).await;
        assert_eq!(recorder.value("audit_health"), 2.0);
        tokio::time::sleep(Duration::from_secs(76)).await;
        assert_eq!(recorder.value("audit_health"), 0.0);
    });
}

#[test]
fn each_stored_batch_is_a_sample_and_a_failed_attempt_is_none() {
    let recorder = Recorder::default();
    on_paused_time(&recorder, async {
        let slow = Gate::Slow(Duration::from_secs(3));
        let store = GatedStore::new([Gate::Fail, slow, Gate::Never]);
        let auditor = run_here(over(&store).max_batch_size(40));
        record(&auditor, 100);
        auditor.flush().await.unwrap();
        let records = recorder.samples("audit_batch_records");
        assert_eq!(records.iter().sum::<f64>(), 100.0);
        let seconds = recorder.samples("audit_batch_seconds");
        assert_eq!(
            (seconds.len(), records.len()),
            (store.attempts().len() - 2, seconds.len())
        );
        assert!((3.0..3.1).contains(&seconds[0]), "{seconds:?}");
        assert!(seconds[1..].iter().all(|time| *time < 0.1), "{seconds:?}");
    });
}

#[test]
fn a_recorder_that_panics_is_not_the_writers_end() {
    on_paused_time(&Panicking, async {
        let store = MemoryStore::new();
        let auditor = run_here(Auditor::builder().store(store.clone()));
        record(&auditor, 10);
        told(&auditor).await;
        let stats = auditor.shutdown(Duration::from_secs(1)).await.unwrap();
        assert_accounted(stats, &store.records());
    });
}

#[test]
fn the_page_lists_every_metric_with_its_unit_and_no_other() {
    let recorder = Recorder::default();
    on_paused_time(&recorder, async {
        let (sender, _receiver) = tokio::sync::mpsc::channel(1);
        let auditor = run_here(over(&GatedStore::default()).sink("it", sender));
        record(&auditor, 3);
        told(&auditor).await;
        let copies = |result| {
            recorder.value(&format!(
                "audit_sink_copies_total{{sink=it}}{{result={result}}}"
            ))
        };
        assert_eq!(
            (copies("sent"), copies("dropped"), copies("panicked")),
            (1.0, 2.0, 0.0)
        );
    });
    let page = include_str!("../../../src/docs/metrics.md");
    let tables = page.split("# Alerts").next().unwrap();
    let listed: BTreeSet<_> = tables
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, recorder.described());
    for (metric, label) in recorder.labels() {
        let label = if label == "it" {
            "sink".to_owned()
        } else {
            label
        };
        assert!(
            tables.contains(&metric) && tables.contains(&label),
            "{metric} {label}"
        );
    }
}
