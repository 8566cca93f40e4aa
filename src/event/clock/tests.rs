//! A clock that somebody sets, in processes of their own. Each child is this
//! test binary, told to run one of the ignored tests below.

use std::convert::Infallible;
use std::process::Command;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::{Auditor, Event, EventId, MemoryStore, Record};

/// What is added to the system's clock.
pub(super) static DAYS_OFF: AtomicI64 = AtomicI64::new(0);

const CHILD: &str = "CLOCK_TEST_CHILD";

/// Sets the clock of this process to be off by so many days.
fn set_off_by(days: i64) {
    assert!(is_child(), "only in a process of its own");
    DAYS_OFF.store(days, Ordering::Relaxed);
    LOOK_AT.store(i64::MIN, Ordering::Relaxed);
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

fn run(test: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact"])
        .arg(format!("event::clock::tests::{test}"))
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

fn record(auditor: &Auditor, count: usize) -> Vec<EventId> {
    let record = |_| auditor.record(Event::activity("test"));
    (0..count).map(record).collect()
}

/// Everything in the store, once all that was offered is.
async fn settled(auditor: &Auditor, store: &MemoryStore) -> Vec<Record> {
    auditor.flush().await.unwrap();
    let (stats, records) = (auditor.stats(), store.records());
    assert_eq!((stats.dropped, stats.quarantined, stats.pending), (0, 0, 0));
    assert_eq!(
        (stats.offered, stats.stored),
        (stats.stored, records.len() as u64)
    );
    assert!(records.is_sorted_by(|a, b| a.id < b.id), "ids are distinct");
    records
}

fn ids(records: &[Record]) -> Vec<EventId> {
    records.iter().map(|record| record.id).collect()
}

fn days_off(record: &Record) -> i64 {
    let micros = record.occurred_at.as_micros() - Timestamp::now().as_micros();
    (micros as f64 / 86_400e6).round() as i64
}

#[test]
fn the_time_is_the_system_s_give_or_take_the_cost_of_asking() {
    for _ in 0..1_000 {
        let (before, time) = (Timestamp::now(), time_of(Instant::now()));
        let lag = time.as_micros() - before.as_micros();
        // As long as nobody sets the clock; a minute, for machines that pause.
        assert!(lag.abs() < 60_000_000, "{lag}");
    }
}

#[test]
fn a_clock_that_is_set_within_a_day_keeps_ids_in_order_and_loses_nothing() {
    run("child_whose_clock_is_set_within_a_day");
}

#[tokio::test]
#[ignore = "a child of the test above"]
async fn child_whose_clock_is_set_within_a_day() {
    if !is_child() {
        return;
    }
    let store = MemoryStore::new();
    let auditor = Auditor::builder()
        .store(store.clone())
        .start()
        .await
        .unwrap();
    let mut offered = Vec::new();
    for days in [-1, 0, -1, 0, 1, 0] {
        set_off_by(days);
        offered.extend(record(&auditor, 50));
    }
    assert!(offered.is_sorted_by(|a, b| a < b));
    let records = settled(&auditor, &store).await;
    assert_eq!(ids(&records), offered);
    assert!(records.iter().all(|record| record.capture_notes.is_empty()));
}

#[test]
fn after_a_time_in_the_far_future_events_have_the_right_time_again() {
    run("child_that_has_been_in_the_far_future");
}

#[tokio::test]
#[ignore = "a child of the test above"]
async fn child_that_has_been_in_the_far_future() {
    if !is_child() {
        return;
    }
    let store = MemoryStore::new();
    let auditor = Auditor::builder()
        .store(store.clone())
        .start()
        .await
        .unwrap();
    set_off_by(20_000);
    let future = record(&auditor, 5);
    assert_eq!(ids(&settled(&auditor, &store).await), future);
    set_off_by(0);
    let today = record(&auditor, 5);
    assert!(today.is_sorted_by(|a, b| a < b));
    let records = settled(&auditor, &store).await;
    assert_eq!(ids(&records), [today, future].concat());
    let off: Vec<_> = records.iter().map(days_off).collect();
    assert_eq!(off, [[0; 5], [20_000; 5]].concat());
}

#[test]
fn what_waits_with_an_impossible_time_gets_that_at_which_it_is_written() {
    run("child_whose_clock_is_put_right");
}

#[tokio::test]
#[ignore = "a child of the test above"]
async fn child_whose_clock_is_put_right() {
    if !is_child() {
        return;
    }
    let store = MemoryStore::new();
    let (auditor, writer) = Auditor::builder().store(store.clone()).build().unwrap();
    let since_1970 = Timestamp::now().as_micros() / 86_400_000_000;
    let mut odd = Vec::new();
    for days in [-since_1970, 20_000, 2, -since_1970 - 5] {
        set_off_by(days);
        odd.extend(record(&auditor, 5));
    }
    set_off_by(0);
    tokio::spawn(writer.run());
    let records = settled(&auditor, &store).await;
    assert!(records.iter().all(|record| days_off(record) == 0));
    let mut known_as: Vec<EventId> = Vec::new();
    for record in &records {
        assert_eq!(record.capture_notes, ["time_restamped"]);
        known_as.push(record.request_id.as_deref().unwrap().parse().unwrap());
    }
    known_as.sort();
    odd.sort();
    assert_eq!(known_as, odd);
    // The writer's own clock may be the one that nobody has set.
    set_off_by(-since_1970);
    let unset = record(&auditor, 5);
    let records = settled(&auditor, &store).await;
    assert_eq!(ids(&records[..5]), unset);
    assert_eq!(records[0].capture_notes, ["clock_not_set"]);
}

#[test]
fn a_request_takes_as_long_as_it_takes_whatever_the_clock_does() {
    run("child_whose_clock_is_set_in_a_request");
}

#[tokio::test]
#[ignore = "a child of the test above"]
async fn child_whose_clock_is_set_in_a_request() {
    if !is_child() {
        return;
    }
    let store = MemoryStore::new();
    let auditor = Auditor::builder()
        .store(store.clone())
        .start()
        .await
        .unwrap();
    for days in [-3, 0, 20_000, 0] {
        let service = auditor.layer().layer(service_fn(move |_| {
            set_off_by(days);
            std::future::ready(Ok::<_, Infallible>(http::Response::new(String::new())))
        }));
        let request = http::Request::new(String::new());
        drop(service.oneshot(request).await.unwrap());
        auditor.flush().await.unwrap();
    }
    let records = settled(&auditor, &store).await;
    assert_eq!(records.len(), 4);
    for record in records {
        let longest = Duration::from_secs(60).as_micros() as i64;
        assert!(
            (0..longest).contains(&record.duration_us.unwrap()),
            "{record:?}"
        );
    }
}
