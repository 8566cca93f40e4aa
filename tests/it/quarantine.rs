//! What the store refuses waits until somebody decides.

use std::time::Duration;

use tower_audit::{
    Auditor, Event, EventId, HealthProblem, Kind, MemoryStore, PageRequest, Quarantine,
    Quarantined, Record, Requeued, SqliteStore,
};

use crate::support::{Gate, GatedStore, assert_accounted, run_here};

const SECOND: Duration = Duration::from_secs(1);

fn good() -> Event {
    Event::activity("good")
}

fn poison() -> Event {
    Event::activity("bad").tag("poison")
}

fn record(auditor: &Auditor, count: usize, event: fn() -> Event) {
    for _ in 0..count {
        auditor.record(event());
    }
}

async fn listed(quarantine: &Quarantine) -> Vec<Quarantined> {
    let page = quarantine.list(&PageRequest::default()).await.unwrap();
    page.items
}

fn gaps(records: &[Record]) -> Vec<String> {
    let gaps = records.iter().filter(|record| record.kind == Kind::Gap);
    gaps.map(|gap| gap.details.as_ref().unwrap().to_string())
        .collect()
}

/// A trail with a hundred good events and a poisoned one among them.
async fn poisoned(store: &GatedStore) -> (Auditor, EventId) {
    let auditor = run_here(Auditor::builder().store(store.clone()));
    record(&auditor, 50, good);
    let id = auditor.record(poison());
    record(&auditor, 50, good);
    (auditor, id)
}

#[tokio::test(start_paused = true)]
async fn a_refused_record_waits_with_its_reason_and_the_others_are_stored() {
    for store in [GatedStore::default(), GatedStore::default().naming_poison()] {
        let store = store.quarantining([]);
        let (auditor, id) = poisoned(&store).await;
        auditor.flush().await.unwrap();
        let stats = auditor.stats();
        assert_eq!(
            (stats.stored, stats.quarantined, stats.dropped),
            (100, 1, 0)
        );
        assert_accounted(stats, &store.memory.records());
        assert!(store.memory.records().iter().all(|record| record.id != id));
        let quarantine = auditor.quarantine().unwrap();
        assert_eq!(quarantine.count().await.unwrap(), 1);
        let [held] = &listed(&quarantine).await[..] else {
            panic!("one record is held");
        };
        assert_eq!(held.record.id, id);
        assert_eq!((&*held.reason, &*held.message), ("p0150", "poison"));
        assert!(held.attempts >= 1);
    }
}

#[tokio::test(start_paused = true)]
async fn requeued_records_are_tried_again_and_those_that_are_refused_wait_on() {
    let store = GatedStore::default().quarantining([]);
    let (auditor, first) = poisoned(&store).await;
    let second = auditor.record(poison());
    auditor.flush().await.unwrap();
    let quarantine = auditor.quarantine().unwrap();
    let attempts = listed(&quarantine).await[0].attempts;
    let unknown = EventId::now();
    let outcome = quarantine.requeue(&[first, second, unknown]).await.unwrap();
    assert_eq!(outcome.stored, []);
    assert_eq!(outcome.refused, [first, second]);
    assert_eq!(listed(&quarantine).await[0].attempts, attempts + 1);
    assert_accounted(auditor.stats(), &store.memory.records());

    store.take_poison();
    let outcome = quarantine.requeue(&[first, second, unknown]).await.unwrap();
    assert_eq!((outcome.stored.len(), outcome.refused.len()), (2, 0));
    let stats = auditor.stats();
    assert_eq!((stats.stored, stats.quarantined), (102, 0));
    assert_accounted(stats, &store.memory.records());
    let again = quarantine.requeue(&[first]).await.unwrap();
    assert_eq!(again, Requeued::default());
}

#[tokio::test(start_paused = true)]
async fn an_outage_while_a_record_is_set_aside_keeps_it_pending() {
    let gates = [Gate::Fail, Gate::Panic, Gate::Never, Gate::StoreAndFail];
    let store = GatedStore::default().quarantining(gates);
    let (auditor, _) = poisoned(&store).await;
    // The third of the gates is given up after half a minute.
    tokio::time::sleep(10 * SECOND).await;
    let during = auditor.stats();
    assert_eq!((during.stored, during.pending), (100, 1), "{during:?}");
    assert_eq!((during.quarantined, during.dropped), (0, 0), "{during:?}");
    let problems = auditor.health().problems;
    assert_eq!(problems, [HealthProblem::StoreUnavailable]);
    auditor.flush().await.unwrap();
    let stats = auditor.stats();
    assert_eq!((stats.quarantined, stats.dropped), (1, 0));
    assert_accounted(stats, &store.memory.records());
    let problems = auditor.health().problems;
    assert_eq!(problems, [HealthProblem::Quarantine]);
    let quarantine = auditor.quarantine().unwrap();
    assert_eq!(quarantine.count().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_during_such_an_outage_counts_the_record_as_lost() {
    let store = GatedStore::default().quarantining(vec![Gate::Fail; 100]);
    let (auditor, _) = poisoned(&store).await;
    assert!(auditor.shutdown(3 * SECOND).await.unwrap_err().is_timeout());
    let stats = auditor.stats();
    assert_eq!((stats.stored, stats.dropped_shutdown_timeout), (100, 1));
    assert_accounted(stats, &store.memory.records());
}

#[tokio::test(start_paused = true)]
async fn a_quarantine_that_cannot_be_used_does_not_hold_up_the_trail() {
    let store = GatedStore::default().quarantining([Gate::Forbid]);
    let (auditor, _) = poisoned(&store).await;
    let stats = auditor.shutdown(60 * SECOND).await.unwrap();
    assert_eq!((stats.quarantined, stats.dropped_rejected), (0, 1));
    assert_eq!(gaps(&store.memory.records()).len(), 1);
    assert_accounted(stats, &store.memory.records());
}

#[tokio::test(start_paused = true)]
async fn what_a_full_quarantine_has_no_room_for_is_dropped_and_told() {
    for memory in [
        MemoryStore::new().max_quarantine_size(2),
        MemoryStore::new().max_quarantine_bytes(4_000),
    ] {
        let store = GatedStore::over(memory).quarantining([]);
        let auditor = run_here(Auditor::builder().store(store.clone()));
        record(&auditor, 5, poison);
        let stats = auditor.shutdown(60 * SECOND).await.unwrap();
        assert_eq!((stats.quarantined, stats.dropped_rejected), (2, 3));
        let gaps = gaps(&store.memory.records());
        assert_eq!(gaps.len(), 1);
        assert!(gaps[0].contains("\"count\":3"), "{}", gaps[0]);
        assert_accounted(stats, &store.memory.records());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_gap_event_ends_in_quarantine_or_in_a_count_and_never_in_a_loop() {
    for (size, quarantined) in [(0, 0), (1, 1), (2, 2), (3, 2)] {
        let memory = MemoryStore::new().max_quarantine_size(size);
        let store = GatedStore::over(memory).refusing_gaps().quarantining([]);
        let auditor = run_here(Auditor::builder().store(store.clone()));
        record(&auditor, 2, poison);
        let stats = auditor.shutdown(60 * SECOND).await.unwrap();
        let gaps = u64::from(size < 2);
        assert_eq!(stats.offered, 2 + gaps, "{stats:?}");
        assert_eq!(stats.quarantined, quarantined, "{stats:?}");
        assert_eq!(stats.dropped_rejected, 2 + gaps - quarantined, "{stats:?}");
        assert_accounted(stats, &store.memory.records());
    }
}

#[tokio::test(start_paused = true)]
async fn a_discarded_record_is_gone_and_a_gap_event_tells() {
    let store = GatedStore::default().quarantining([]);
    let (auditor, id) = poisoned(&store).await;
    auditor.flush().await.unwrap();
    let quarantine = auditor.quarantine().unwrap();
    let discarded = quarantine.discard(&[id, EventId::now()]).await.unwrap();
    assert_eq!(discarded, 1);
    assert_eq!(quarantine.discard(&[id]).await.unwrap(), 0);
    auditor.flush().await.unwrap();
    let stats = auditor.stats();
    assert_eq!((stats.quarantined, stats.dropped_discarded), (0, 1));
    let gaps = gaps(&store.memory.records());
    assert_eq!(gaps.len(), 1);
    assert!(gaps[0].contains("\"reason\":\"discarded\""), "{}", gaps[0]);
    assert_accounted(stats, &store.memory.records());
}

#[tokio::test(start_paused = true)]
async fn a_store_without_a_quarantine_says_so() {
    let auditor = run_here(Auditor::builder().store(GatedStore::default()));
    assert!(auditor.quarantine().is_none());
}

#[tokio::test]
async fn sqlite_keeps_what_a_trigger_refuses_until_it_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("audit.db");
    let store = SqliteStore::open(&file).await.unwrap();
    let plain = rusqlite::Connection::open(&file).unwrap();
    let trigger = "CREATE TRIGGER no_poison BEFORE INSERT ON audit_events WHEN new.action = 'bad'
                   BEGIN SELECT RAISE(ABORT, 'canary'); END";
    plain.execute_batch(trigger).unwrap();
    let start = async || Auditor::builder().store(store.clone()).start().await;
    let auditor = start().await.unwrap();
    let (first, second) = (auditor.record(poison()), auditor.record(poison()));
    auditor.record(good());
    let stats = auditor.shutdown(60 * SECOND).await.unwrap();
    assert_eq!((stats.stored, stats.quarantined, stats.dropped), (1, 2, 0));

    // Another process, so to speak: its numbers are about its own events.
    let auditor = start().await.unwrap();
    let quarantine = auditor.quarantine().unwrap();
    let held = listed(&quarantine).await;
    assert_eq!(held.len(), 2);
    assert_eq!(held[0].reason, "constraint");
    assert!(!held[0].message.contains("canary"), "{}", held[0].message);
    let outcome = quarantine.requeue(&[first]).await.unwrap();
    assert_eq!(
        (outcome.stored.len(), &outcome.refused[..]),
        (0, &[first][..])
    );
    plain.execute_batch("DROP TRIGGER no_poison").unwrap();
    let outcome = quarantine.requeue(&[first, second]).await.unwrap();
    assert_eq!(outcome.stored, [first, second]);
    assert_eq!(quarantine.count().await.unwrap(), 0);
    let reader = auditor.reader().unwrap();
    assert_eq!(
        reader.get(first).await.unwrap().as_ref(),
        Some(&held[1].record)
    );
    let stats = auditor.shutdown(60 * SECOND).await.unwrap();
    assert_eq!((stats.offered, stats.stored, stats.quarantined), (0, 0, 0));
}

#[tokio::test]
async fn an_sqlite_quarantine_has_bounds() {
    let store = SqliteStore::in_memory().await.unwrap();
    let bounded = [
        store.clone().max_quarantine_size(0),
        store.clone().max_quarantine_bytes(100),
    ];
    let record = tower_audit::Sanitizer::default().record(good());
    let refusal = tower_audit::Error::rejected(None, "refused");
    let refused = Quarantined::new(record, &refusal, 1);
    for store in bounded {
        use tower_audit::store::{Admission, AuditStore};
        let admission = store.quarantine().unwrap().put(&refused).await.unwrap();
        assert_eq!(admission, Admission::Full);
    }
}

#[test]
fn the_handle_can_be_shared() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Quarantine>();
    shared::<Quarantined>();
    shared::<Requeued>();
}
