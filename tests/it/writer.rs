//! From offered events to stored records, and what happens on the way.

use std::time::Duration;

use tower_audit::{Auditor, Event, Kind, MemoryStore, Record};

use crate::support::{Attempt, Gate, GatedStore, assert_accounted, run_here, started};

fn event() -> Event {
    Event::activity("test")
}

fn gaps(records: &[Record]) -> Vec<&Record> {
    records
        .iter()
        .filter(|record| record.kind == Kind::Gap)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_offered_is_stored_once() {
    let store = MemoryStore::new();
    let auditor = run_here(Auditor::builder().store(store.clone()));
    let ids: Vec<_> = (0..100).map(|_| auditor.record(event())).collect();
    auditor.flush().await.unwrap();
    let stored: Vec<_> = store.records().iter().map(|record| record.id).collect();
    assert_eq!(stored, ids);
    assert_accounted(auditor.stats(), &store.records());
}

#[tokio::test(start_paused = true)]
async fn a_lonely_event_is_stored_after_the_batch_delay_without_a_flush() {
    let store = MemoryStore::new();
    let delay = Duration::from_millis(500);
    let auditor = run_here(
        Auditor::builder()
            .store(store.clone())
            .max_batch_delay(delay),
    );
    auditor.record(event());
    tokio::time::sleep(delay - Duration::from_millis(20)).await;
    assert!(store.is_empty());
    tokio::time::sleep(Duration::from_millis(40)).await;
    assert_eq!(store.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_batch_is_larger_than_allowed() {
    let store = GatedStore::default();
    let auditor = run_here(Auditor::builder().store(store.clone()).max_batch_size(70));
    for _ in 0..1_000 {
        auditor.record(event());
    }
    auditor.flush().await.unwrap();
    let sizes: Vec<_> = store
        .attempts()
        .iter()
        .map(|attempt| attempt.records)
        .collect();
    assert!(sizes.iter().all(|size| *size <= 70), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 1_000);
    assert_accounted(auditor.stats(), &store.memory.records());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_asked_until_it_takes_the_batch() {
    let store = GatedStore::new([Gate::Fail, Gate::Panic, Gate::Never, Gate::Fail]);
    let auditor = run_here(Auditor::builder().store(store.clone()));
    auditor.record(event());
    auditor.flush().await.unwrap();
    let retries: Vec<_> = store
        .attempts()
        .iter()
        .map(|attempt| attempt.is_retry)
        .collect();
    assert_eq!(retries, [false, true, true, true, true]);
    assert_eq!(auditor.stats().failed_attempts, 4);
    assert_accounted(auditor.stats(), &store.memory.records());
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_was_stored_in_spite_of_an_error_is_not_stored_twice() {
    let store = GatedStore::new([Gate::StoreAndFail]);
    let auditor = run_here(Auditor::builder().store(store.clone()));
    for _ in 0..10 {
        auditor.record(event());
    }
    auditor.flush().await.unwrap();
    assert_eq!(store.memory.len(), 10);
    assert_accounted(auditor.stats(), &store.memory.records());
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_what_the_queue_cannot_hold_and_a_gap_event_tells_how_much() {
    let store = GatedStore::new([Gate::Slow(Duration::from_secs(20))]);
    let auditor = run_here(
        Auditor::builder()
            .store(store.clone())
            .max_queue_size(64)
            .max_batch_size(10),
    );
    for _ in 0..1_000 {
        auditor.record(event());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let during = auditor.stats();
    assert!(during.dropped_queue_full > 800, "{during:?}");
    assert_eq!(during.stored, 0);
    auditor.flush().await.unwrap();
    auditor.flush().await.unwrap();
    let (stats, records) = (auditor.stats(), store.memory.records());
    assert_accounted(stats, &records);
    assert_eq!(stats.pending, 0);
    let gaps = gaps(&records);
    assert_eq!(gaps.len(), 1);
    let details = gaps[0].details.as_ref().unwrap().as_str();
    assert!(details.contains("\"reason\":\"queue_full\""), "{details}");
    assert!(
        details.contains(&format!("\"count\":{}", stats.dropped_queue_full)),
        "{details}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_record_costs_itself_alone() {
    for store in [GatedStore::default(), GatedStore::default().naming_poison()] {
        let auditor = run_here(Auditor::builder().store(store.clone()));
        for number in 0..100 {
            let event = event();
            auditor.record(if number == 38 {
                event.tag("poison")
            } else {
                event
            });
        }
        auditor.flush().await.unwrap();
        auditor.shutdown(Duration::from_secs(1)).await.unwrap();
        let (stats, records) = (auditor.stats(), store.memory.records());
        assert_accounted(stats, &records);
        assert_eq!(stats.dropped_rejected, 1);
        assert_eq!(records.len(), 99 + 1, "the others, and a gap event");
        assert_eq!(gaps(&records).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_everything_ends_in_counts_not_in_a_loop() {
    let store = GatedStore::default();
    let auditor = run_here(Auditor::builder().store(store.clone()));
    for _ in 0..10 {
        auditor.record(event().tag("poison"));
    }
    let stats = auditor.shutdown(Duration::from_secs(60)).await.unwrap();
    assert_eq!(stats.dropped_rejected, 10);
    assert_accounted(stats, &store.memory.records());
}

#[tokio::test(start_paused = true)]
async fn a_flush_waits_for_the_store_and_an_idle_one_for_nothing() {
    let outage = Duration::from_secs(10);
    let store = GatedStore::new([Gate::Slow(outage)]);
    let auditor = run_here(Auditor::builder().store(store.clone()));
    auditor.flush().await.unwrap();
    auditor.record(event());
    let start = tokio::time::Instant::now();
    auditor.flush().await.unwrap();
    assert!(start.elapsed() >= outage);
    assert_eq!(store.memory.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_nobody_waits_for_any_more_harms_nothing() {
    let store = GatedStore::new([Gate::Fail, Gate::Fail]);
    let auditor = run_here(Auditor::builder().store(store.clone()));
    auditor.record(event());
    assert!(
        tokio::time::timeout(Duration::from_millis(50), auditor.flush())
            .await
            .is_err()
    );
    auditor.flush().await.unwrap();
    assert_accounted(auditor.stats(), &store.memory.records());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_stores_what_is_pending_and_refuses_the_rest() {
    let store = GatedStore::new([Gate::Slow(Duration::from_secs(1))]);
    let auditor = run_here(Auditor::builder().store(store.clone()).max_batch_size(10));
    for _ in 0..55 {
        auditor.record(event());
    }
    let stats = auditor.shutdown(Duration::from_secs(10)).await.unwrap();
    assert_eq!((stats.stored, stats.pending), (55, 0));
    auditor.record(event());
    auditor.record(event());
    let stats = auditor.shutdown(Duration::from_secs(10)).await.unwrap();
    assert_eq!((stats.offered, stats.dropped_closed), (57, 2));
    auditor.flush().await.unwrap();
    assert_accounted(stats, &store.memory.records());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_never_takes_longer_than_its_timeout() {
    let store = GatedStore::new(vec![Gate::Fail; 1_000]);
    let auditor = run_here(Auditor::builder().store(store.clone()));
    for _ in 0..7 {
        auditor.record(event());
    }
    let start = tokio::time::Instant::now();
    let error = auditor.shutdown(Duration::from_secs(3)).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(
        error.to_string(),
        "7 audit events could not be stored before the shutdown's timeout"
    );
    assert!(start.elapsed() < Duration::from_secs(4));
    let stats = auditor.stats();
    assert_eq!((stats.dropped_shutdown_timeout, stats.pending), (7, 0));
    assert_accounted(stats, &store.memory.records());
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_writer_that_does_not_run() {
    let (auditor, writer) = Auditor::builder()
        .store(MemoryStore::new())
        .build()
        .unwrap();
    auditor.record(event());
    let error = auditor
        .shutdown(Duration::from_millis(1))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the audit writer does not react");
    drop(writer);
    assert!(auditor.flush().await.unwrap_err().is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_hanging_attempt_is_given_up_after_the_append_timeout() {
    let store = GatedStore::new([Gate::Never]);
    let timeout = Duration::from_secs(5);
    let auditor = run_here(
        Auditor::builder()
            .store(store.clone())
            .append_timeout(timeout),
    );
    auditor.record(event());
    let start = tokio::time::Instant::now();
    auditor.flush().await.unwrap();
    assert!(start.elapsed() >= timeout && start.elapsed() < timeout * 2);
    let again = Attempt {
        records: 1,
        is_retry: true,
    };
    assert_eq!(store.attempts()[1..], [again]);
}

#[tokio::test(start_paused = true)]
async fn when_the_last_handle_is_gone_the_writer_stores_what_is_pending_and_ends() {
    let store = MemoryStore::new();
    let (auditor, writer) = Auditor::builder().store(store.clone()).build().unwrap();
    for _ in 0..20 {
        auditor.record(event());
    }
    drop(auditor);
    writer.run().await;
    assert_eq!(store.len(), 20);
}

#[test]
fn the_writer_outlives_the_application_s_runtime() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let store = MemoryStore::new();
    let application = runtime();
    let auditor = application
        .block_on(Auditor::builder().store(store.clone()).start())
        .unwrap();
    auditor.record(event());
    drop(application);
    auditor.record(event());
    let stats = runtime()
        .block_on(auditor.shutdown(Duration::from_secs(60)))
        .unwrap();
    assert_eq!(stats.stored, 2);
    assert_accounted(stats, &store.records());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_lose_and_duplicate_nothing() {
    let (auditor, store) = started().await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let auditor = auditor.clone();
            tokio::spawn(async move {
                for _ in 0..2_000 {
                    auditor.record(event());
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let stats = auditor.shutdown(Duration::from_secs(60)).await.unwrap();
    assert_eq!((stats.stored, stats.dropped), (16_000, 0));
    assert_accounted(stats, &store.records());
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let builder = || Auditor::builder().store(MemoryStore::new());
    let sentence = |builder: tower_audit::AuditorBuilder| builder.build().unwrap_err().to_string();
    assert_eq!(
        sentence(Auditor::builder()),
        "an audit trail needs a store: call AuditorBuilder::store"
    );
    assert!(sentence(builder().max_queue_size(0)).contains("max_queue_size"));
    assert!(sentence(builder().max_batch_size(0)).contains("max_batch_size"));
    assert!(sentence(builder().max_batch_bytes(0)).contains("max_batch_bytes"));
    assert!(sentence(builder().max_queue_bytes(1024)).contains("max_queue_bytes"));
    assert!(sentence(builder().max_batch_delay(Duration::MAX)).contains("max_batch_delay"));
    assert!(sentence(builder().append_timeout(Duration::ZERO)).contains("append_timeout"));
}

#[test]
fn handles_can_be_shared() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Auditor>();
    shared::<tower_audit::AuditLayer>();
    shared::<tower_audit::AuditContext>();
    shared::<tower_audit::Sanitizer>();
    shared::<tower_audit::Stats>();
    shared::<Record>();
    shared::<MemoryStore>();
}

#[tokio::test(start_paused = true)]
async fn events_that_come_after_the_writer_has_ended_before_its_time_count_as_lost() {
    let (auditor, writer) = Auditor::builder()
        .store(MemoryStore::new())
        .build()
        .unwrap();
    let writer = tokio::spawn(writer.run());
    tokio::time::sleep(Duration::from_secs(1)).await;
    writer.abort();
    assert!(writer.await.unwrap_err().is_cancelled());
    auditor.record(Event::activity("late"));
    let stats = auditor.stats();
    assert_eq!((stats.offered, stats.dropped_closed), (1, 1));
    assert_eq!(stats.pending, 0);
}
