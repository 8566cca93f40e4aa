//! Copies beside the store: each sink gets all of them, or counts what it lost, and the store never waits.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower_audit::{
    Auditor, AuditorBuilder, Durability, Error, Event, EventId, HealthStatus, Kind, MemoryStore,
    Record, Sink, SinkStats, Stats, TracingSink,
};

use crate::support::{Gate, GatedStore, assert_accounted, run_here};

const LONG: Duration = Duration::from_secs(60);

fn over(store: &MemoryStore) -> AuditorBuilder {
    Auditor::builder().store(store.clone())
}

fn record(auditor: &Auditor, count: usize) -> Vec<EventId> {
    (0..count)
        .map(|_| auditor.record(Event::activity("test")))
        .collect()
}

/// A sink that keeps ids, and what it has kept.
fn keeping() -> (impl Sink, Arc<Mutex<Vec<EventId>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let ids = Arc::clone(&kept);
    let sink = move |record: &Record| ids.lock().unwrap().push(record.id);
    (sink, kept)
}

/// A sink that takes one record each time it is told to, and all once the
/// teller is gone; what it says is that it has begun with one.
fn gated() -> (impl Sink, mpsc::Sender<()>, mpsc::Receiver<EventId>) {
    let (open, gate) = mpsc::channel();
    let (say, begun) = mpsc::channel();
    let sink = move |record: &Record| {
        let _ = say.send(record.id);
        let _ = gate.recv();
    };
    (sink, open, begun)
}

/// The numbers of the one sink.
fn numbers(auditor: &Auditor) -> (u64, u64, u64, u64) {
    let [sink] = <[SinkStats; 1]>::try_from(auditor.sinks()).unwrap();
    (sink.sent, sink.dropped, sink.panicked, sink.buffered)
}

#[track_caller]
fn assert_stored(stats: Stats, store: &MemoryStore, ids: &[EventId]) {
    assert_accounted(stats, &store.records());
    let stored: Vec<_> = store.records().iter().map(|record| record.id).collect();
    assert_eq!(stored, ids);
}

#[tokio::test]
async fn every_sink_gets_every_record_once_and_in_order() {
    let (store, (one, first), (other, second)) = (MemoryStore::new(), keeping(), keeping());
    let (sender, mut third) = tokio::sync::mpsc::channel(1_000);
    let builder = over(&store).sink("one", one).sink("other", other);
    let auditor = builder.sink("channel", sender).start().await.unwrap();
    let ids = record(&auditor, 1_000);
    let stats = auditor.shutdown(LONG).await.unwrap();
    assert_stored(stats, &store, &ids);
    assert_eq!(*first.lock().unwrap(), ids);
    assert_eq!(*second.lock().unwrap(), ids);
    for expected in store.records() {
        assert_eq!(third.recv().await.unwrap(), expected);
    }
    assert!(third.recv().await.is_none());
    let sinks = auditor.sinks();
    let names: Vec<_> = sinks.iter().map(|sink| sink.name.as_str()).collect();
    assert_eq!(names, ["one", "other", "channel"]);
    assert!(sinks.iter().all(|sink| sink.sent == 1_000), "{sinks:?}");
}

#[tokio::test]
async fn a_blocked_sink_loses_what_its_buffer_cannot_hold_and_nobody_else_does() {
    let store = MemoryStore::new();
    let (stuck, open, begun) = gated();
    let builder = over(&store).sink("stuck", stuck).sink_buffer(10);
    let auditor = builder.start().await.unwrap();
    let mut ids = record(&auditor, 100);
    auditor.flush().await.unwrap();
    assert_stored(auditor.stats(), &store, &ids);
    assert_eq!(numbers(&auditor), (0, 90, 0, 10));
    for id in &ids[..10] {
        assert_eq!(begun.recv().unwrap(), *id);
        open.send(()).unwrap();
    }
    // What comes once there is room again finds it.
    drop(open);
    while numbers(&auditor).3 > 0 {
        tokio::task::yield_now().await;
    }
    ids.extend(record(&auditor, 5));
    let stats = auditor.shutdown(LONG).await.unwrap();
    assert_stored(stats, &store, &ids);
    assert_eq!(numbers(&auditor), (15, 90, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_sink_gets_all_that_its_buffer_holds_after_the_store_has_it() {
    let store = MemoryStore::new();
    let (slow, open, begun) = gated();
    let auditor = over(&store).sink("slow", slow).start().await.unwrap();
    let ids = record(&auditor, 50);
    auditor.flush().await.unwrap();
    assert_stored(auditor.stats(), &store, &ids);
    assert_eq!(numbers(&auditor), (0, 0, 0, 50));
    let shutdown = tokio::spawn({
        let auditor = auditor.clone();
        async move { auditor.shutdown(LONG).await }
    });
    while auditor.health().status == HealthStatus::Ok {
        tokio::task::yield_now().await;
    }
    assert!(!shutdown.is_finished(), "it waits for the sink");
    for id in &ids {
        assert_eq!(begun.recv().unwrap(), *id);
        open.send(()).unwrap();
    }
    shutdown.await.unwrap().unwrap();
    assert_eq!(numbers(&auditor), (50, 0, 0, 0));
}

#[tokio::test]
async fn a_panic_costs_a_sink_that_copy_only() {
    let (store, (fine, kept)) = (MemoryStore::new(), keeping());
    let mut count = 0;
    let panicking = move |_: &Record| {
        count += 1;
        assert!(count % 3 != 0, "every third one");
    };
    let builder = over(&store).sink("panicking", panicking);
    let auditor = builder.sink("fine", fine).start().await.unwrap();
    let ids = record(&auditor, 10);
    let stats = auditor.shutdown(LONG).await.unwrap();
    assert_stored(stats, &store, &ids);
    assert_eq!(*kept.lock().unwrap(), ids);
    let sink = &auditor.sinks()[0];
    assert_eq!((sink.sent, sink.dropped, sink.panicked), (7, 0, 3));
}

#[tokio::test]
async fn what_a_sink_refuses_counts_as_dropped() {
    struct Refusing;
    impl Sink for Refusing {
        fn send(&mut self, _: &Record) -> Result<(), Error> {
            Err(Error::unavailable("not today"))
        }
    }
    let store = MemoryStore::new();
    let auditor = over(&store).sink("it", Refusing).start().await.unwrap();
    let ids = record(&auditor, 10);
    let stats = auditor.shutdown(LONG).await.unwrap();
    assert_stored(stats, &store, &ids);
    assert_eq!(numbers(&auditor), (0, 10, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_hangs_does_not_keep_the_shutdown_from_returning() {
    let store = MemoryStore::new();
    let (stuck, open, _begun) = gated();
    let auditor = run_here(over(&store).sink("stuck", stuck));
    let ids = record(&auditor, 10);
    let stats = auditor.shutdown(Duration::from_secs(5)).await.unwrap();
    assert_stored(stats, &store, &ids);
    assert_eq!(numbers(&auditor), (0, 0, 0, 10));
    drop(open);
}

#[tokio::test(start_paused = true)]
async fn a_channel_gets_what_it_has_room_for() {
    let store = MemoryStore::new();
    let (sender, mut receiver) = tokio::sync::mpsc::channel(4);
    let auditor = run_here(over(&store).sink("channel", sender));
    let ids = record(&auditor, 10);
    auditor.flush().await.unwrap();
    assert_stored(auditor.stats(), &store, &ids);
    assert_eq!(numbers(&auditor), (4, 6, 0, 0));
    assert_eq!(receiver.recv().await.unwrap().id, ids[0]);
    drop(receiver);
    record(&auditor, 10);
    auditor.flush().await.unwrap();
    assert_eq!(numbers(&auditor), (4, 16, 0, 0));
    assert_eq!(store.len(), 20);
}

#[tokio::test(start_paused = true)]
async fn sinks_get_records_while_the_store_is_away_and_gap_events_too() {
    let store = GatedStore::new([Gate::Slow(Duration::from_secs(20))]);
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1_000);
    let builder = Auditor::builder().store(store.clone()).max_queue_size(64);
    let auditor = run_here(builder.max_batch_size(10).sink("channel", sender));
    record(&auditor, 10);
    for _ in 0..10 {
        receiver.recv().await.unwrap();
    }
    assert_eq!(auditor.stats().stored, 0);
    record(&auditor, 500);
    auditor.flush().await.unwrap();
    auditor.flush().await.unwrap();
    let mut stored = store.memory.records();
    stored.retain(|record| record.kind == Kind::Gap);
    assert_eq!(stored.len(), 1);
    let mut copies = Vec::new();
    while let Ok(copy) = receiver.try_recv() {
        copies.push(copy);
    }
    assert!(copies.contains(&stored[0]));
    assert_eq!(copies.len() as u64 + 10, auditor.stats().stored);
}

#[tokio::test(start_paused = true)]
async fn records_that_wait_for_room_on_disk_and_in_memory_are_copied_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = GatedStore::new([Gate::Slow(Duration::from_secs(60))]);
    let (sender, mut receiver) = tokio::sync::mpsc::channel(10_000);
    // A disk that always counts as full: what was read for it is held until memory has room.
    let builder = Auditor::builder().store(store.clone()).max_batch_size(10);
    let builder = builder.max_queue_size(100).journal(directory.path());
    let auditor = run_here(builder.journal_min_free_bytes(u64::MAX).sink("it", sender));
    for _ in 0..50 {
        record(&auditor, 2);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    auditor.shutdown(LONG * 2).await.unwrap();
    let mut copies = Vec::new();
    while let Some(copy) = receiver.recv().await {
        copies.push(copy.id);
    }
    let stored: Vec<_> = store.memory.records().iter().map(|it| it.id).collect();
    copies.sort();
    assert_eq!(copies, stored);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_process_has_left_is_not_copied_again() {
    let directory = tempfile::tempdir().unwrap();
    let trail = |store: &GatedStore, sender| {
        let builder = Auditor::builder().store(store.clone());
        let builder = builder.journal(directory.path());
        run_here(builder.durability(Durability::Journal).sink("it", sender))
    };
    let (sender, mut receiver) = tokio::sync::mpsc::channel(100);
    let away = trail(&GatedStore::new([Gate::Never]), sender);
    let left = record(&away, 10);
    away.shutdown(Duration::from_secs(1)).await.unwrap();
    for id in &left {
        assert_eq!(receiver.recv().await.unwrap().id, *id);
    }

    let (sender, mut receiver) = tokio::sync::mpsc::channel(100);
    let store = GatedStore::default();
    let auditor = trail(&store, sender);
    let own = record(&auditor, 1);
    while store.memory.len() < 11 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    auditor.shutdown(LONG).await.unwrap();
    assert_eq!(receiver.recv().await.unwrap().id, own[0]);
    assert!(receiver.recv().await.is_none());
}

#[test]
fn a_name_is_given_once_and_a_buffer_has_room() {
    let refused = |builder: AuditorBuilder| match builder.store(MemoryStore::new()).build() {
        Ok(_) => panic!("it is refused"),
        Err(error) => error.to_string(),
    };
    let twice = Auditor::builder()
        .sink("it", TracingSink)
        .sink("it", TracingSink);
    assert_eq!(refused(twice), "two sinks have the name it");
    let none = Auditor::builder().sink_buffer(0);
    assert_eq!(refused(none), "sink_buffer must be at least 1");
}

#[test]
fn an_event_of_tracing_has_the_main_fields_and_no_bodies() {
    let (auditor, _writer) = over(&MemoryStore::new()).build().unwrap();
    let request = http::Request::post("/orders?page=kestrel")
        .header("content-type", "application/json")
        .header("user-agent", "kestrel")
        .body(r#"{"bird":"kestrel"}"#);
    let record = auditor.preview(request.unwrap(), http::Response::new("kestrel"));
    assert!(record.request_body.as_ref().unwrap().contains("kestrel"));
    let (write, lines) = mpsc::channel();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(move || Lines(write.clone()))
        .finish();
    tracing::subscriber::with_default(subscriber, || TracingSink.send(&record).unwrap());
    let line = String::from_utf8(lines.iter().flatten().collect()).unwrap();
    assert!(!line.contains("kestrel"), "{line}");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["target"], "tower_audit::sink");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["id"], record.id.to_string());
    assert_eq!(
        (&line["method"], &line["path"]),
        (&"POST".into(), &"/orders".into())
    );
    assert_eq!(
        (&line["status"], &line["success"]),
        (&200.into(), &true.into())
    );
    assert_eq!(line["outcome"], "completed");
    assert!(line.get("tenant_id").is_none(), "{line}");
}

/// Where a subscriber writes.
struct Lines(mpsc::Sender<Vec<u8>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn sinks_and_their_numbers_go_wherever_they_are_needed() {
    fn is_shared<T: Send + Sync + Clone>() {}
    is_shared::<SinkStats>();
    is_shared::<TracingSink>();
}
