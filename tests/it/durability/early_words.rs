//! What becomes of the early words of strict requests.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tower::ServiceExt;
use tower_audit::{AuditorBuilder, Event, HealthProblem, Level, Policy, Rule, Sanitizer, Strategy};

use super::strict::{App, down, recovered, strict};
use super::{Process, directory};
use crate::support::{GatedStore, assert_accounted};

/// A journal that is full before memory is.
fn cramped(builder: AuditorBuilder) -> AuditorBuilder {
    builder
        .journal_max_bytes(16 << 20)
        .max_batch_size(100_000)
        .max_batch_bytes(1 << 30)
        .max_batch_delay(Duration::from_secs(3_600))
}

/// Fills the journal to the last small record.
async fn fill(process: &Process) {
    let auditor = &process.auditor;
    let mut before = None;
    while before != Some(auditor.stats().journal_bytes) {
        before = Some(auditor.stats().journal_bytes);
        for size in [20, 4_000] {
            for _ in 0..90 {
                auditor.record(Event::activity("test").description(&"x".repeat(size)));
            }
            // The journal is left alone for a second after each failure.
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
    let health = auditor.health();
    let is_full = health.problems.contains(&HealthProblem::JournalFull);
    assert!(is_full, "{health} {:?}", auditor.stats());
}

/// Fills the queue before the writer gets its turn.
fn crowd(process: &Process) {
    process.record(200);
    assert!(process.auditor.stats().dropped_queue_full > 0);
}

/// On a thread that has not been here before, and therefore has a shard of its own.
fn elsewhere<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let runtime = Handle::current();
    thread::scope(|scope| {
        let work = || {
            let _guard = runtime.enter();
            work()
        };
        scope.spawn(work).join().unwrap()
    })
}

/// A step of something that is not done with it.
fn poll_once(work: Pin<&mut impl Future>) {
    let polled = work.poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
}

fn request(target: &str) -> Request<Body> {
    Request::get(target).body(Body::empty()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_early_word_goes_when_its_event_is_stored_although_the_disk_did_not_take_that() {
    let directory = directory();
    let store = GatedStore::default();
    let app = App::new(cramped(strict(&store, &directory)));
    let head = app.head("/").await;
    fill(&app.process).await;
    drop(head);
    app.process.auditor.flush().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let stats = app.process.auditor.stats();
    assert_accounted(stats, &store.memory.records());
    assert_eq!((stats.journal_records, stats.journal_bytes), (0, 0));
    assert_eq!(app.status("/").await, 200);
}

#[tokio::test(start_paused = true)]
async fn an_early_word_stays_if_the_later_one_cannot_be_written() {
    let directory = directory();
    let process = Process::start(cramped(strict(&down(), &directory)));
    let gate = Arc::<Notify>::default();
    let handler = {
        let gate = Arc::clone(&gate);
        get(move || async move { gate.notified().await })
    };
    let router = Router::new().route("/", handler);
    let router = router.layer(process.auditor.layer());
    let response = tokio::spawn(router.oneshot(request("/")));
    process.journaled(1).await;
    fill(&process).await;
    gate.notify_one();
    assert_eq!(response.await.unwrap().unwrap().status(), 503);
    process.kill().await;
    let records = recovered(&directory).await;
    let [record] = &records[..] else {
        panic!("one request: {records:?}");
    };
    assert_eq!((record.path.as_deref(), record.status), (Some("/"), None));
    assert_eq!(record.capture_notes, ["unfinished"]);
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_given_up_on_other_threads_leave_no_early_word_behind() {
    let directory = directory();
    let store = GatedStore::default();
    let app = App::new(strict(&store, &directory));
    let auditor = &app.process.auditor;
    let pause = || tokio::time::sleep(Duration::from_secs(1));
    for _ in 0..8 {
        let mut response = Box::pin(app.router.clone().oneshot(request("/")));
        elsewhere(|| poll_once(response.as_mut()));
        pause().await;
        elsewhere(|| auditor.record(Event::activity("test")));
        pause().await;
        // As many as are read at once, with the request's own record.
        elsewhere(|| app.process.record(9));
        elsewhere(|| {
            poll_once(response.as_mut());
            drop(response);
        });
        pause().await;
    }
    assert_eq!(app.handled(), 8);
    auditor.flush().await.unwrap();
    pause().await;
    let stats = auditor.stats();
    assert_accounted(stats, &store.memory.records());
    assert_eq!((stats.stored, stats.journal_records), (8 * 11, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_does_not_keep_the_word_that_there_will_be_no_record() {
    let directory = directory();
    let store = GatedStore::default();
    let policy = Policy::builder().rule(Rule::new().status(200).level(Level::None));
    let app = App::new(strict(&store, &directory).policy(policy.build().unwrap()));
    let head = app.head("/").await;
    crowd(&app.process);
    drop(head);
    app.process.auditor.flush().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let stats = app.process.auditor.stats();
    assert_eq!((stats.pending, stats.journal_records), (0, 0), "{stats:?}");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_asked_for_late_has_room_once_its_response_was_let_out() {
    let directory = directory();
    let store = GatedStore::default();
    let policy = Policy::builder().level(Level::None).build().unwrap();
    let app = App::new(strict(&store, &directory).policy(policy));
    let late = app.head("/late").await;
    assert_eq!(late.status(), 200);
    crowd(&app.process);
    drop(late);
    app.process.auditor.flush().await.unwrap();
    let records = store.memory.records();
    let is_late = |record: &&tower_audit::Record| record.path.as_deref() == Some("/late");
    assert_eq!(records.iter().filter(is_late).count(), 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(app.process.auditor.stats().journal_records, 0);
}

#[tokio::test]
async fn an_early_word_that_takes_long_to_sanitize_does_not_end_the_writer_before_the_rest_is_read()
{
    // Either the word or the events come first.
    for threads_before in [0, 1] {
        let directory = directory();
        let slow = Strategy::custom(|_| {
            thread::sleep(Duration::from_millis(10));
            None
        });
        let sanitizer = Sanitizer::builder().name("slow", slow).build().unwrap();
        let store = GatedStore::default();
        let builder = strict(&store, &directory).sanitizer(sanitizer);
        let (auditor, writer) = builder.build().unwrap();
        let router = Router::new().route("/", get(|| async {}));
        let router = router.layer(auditor.layer());
        for _ in 0..threads_before {
            elsewhere(|| auditor.record(Event::activity("test")));
        }
        let mut response = pin!(router.oneshot(request("/?slow=1")));
        elsewhere(|| poll_once(response.as_mut()));
        elsewhere(|| auditor.record(Event::activity("test")));
        let shutdown = auditor.shutdown(Duration::from_secs(10));
        let (stats, ()) = tokio::join!(shutdown, writer.run());
        let stats = stats.unwrap();
        assert_eq!((stats.stored, stats.pending), (1 + threads_before, 0));
    }
}
