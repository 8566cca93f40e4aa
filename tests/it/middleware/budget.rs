//! What the bodies of all requests in flight may hold together.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request, Response};
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt, stream};
use http_body_util::{BodyExt, channel::Channel, channel::Sender};
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_audit::{AuditContext, Auditor, MemoryStore, Outcome, Record, ResponseBodies};

use crate::support::{assert_accounted, run_here};

const BUDGET: u64 = 64 * 1024;
const NOTE: &str = "capture_budget_spent";

struct Trail {
    auditor: Auditor,
    store: MemoryStore,
}

impl Trail {
    fn new() -> Self {
        let store = MemoryStore::new();
        let builder = Auditor::builder().store(store.clone());
        let auditor = run_here(builder.capture_budget(BUDGET as usize));
        Self { auditor, store }
    }

    async fn records(&self) -> Vec<Record> {
        self.auditor.flush().await.unwrap();
        let records = self.store.records();
        assert_accounted(self.auditor.stats(), &records);
        records
    }

    fn held(&self) -> u64 {
        self.auditor.stats().capture_bytes
    }
}

fn upload(body: Body) -> Request<Body> {
    Request::post("/")
        .header("content-type", "application/json")
        .body(body)
        .unwrap()
}

fn is_noted(record: &Record) -> bool {
    record.capture_notes.iter().any(|note| note == NOTE)
}

async fn swallow(
    request: Request<tower_audit::RequestBody<Body>>,
) -> Result<Response<Body>, Infallible> {
    request.into_body().collect().await.unwrap();
    Ok(Response::new(Body::empty()))
}

/// An upload whose pieces come by the sender.
fn slow_upload() -> (Sender<Bytes>, Request<Body>) {
    let (sender, body) = Channel::<Bytes, Infallible>::new(4);
    (sender, upload(Body::new(body)))
}

/// A document of this many members, of 100 bytes each, in pieces.
fn pieces(members: usize) -> impl Iterator<Item = Bytes> {
    let piece = |number| match number {
        0 => format!("{{\"a\":\"{}\"", "x".repeat(92)),
        _ => format!(",\"b\":\"{}\"", "x".repeat(92)),
    };
    let all = (0..members).map(piece).chain([" }".to_owned()]);
    all.map(Bytes::from)
}

#[tokio::test(start_paused = true)]
async fn slow_uploads_together_stay_within_the_budget_and_are_counted_to_their_end() {
    const UPLOADS: usize = 100;
    let trail = Trail::new();
    let layer = trail.auditor.layer();
    let (mut senders, requests): (Vec<_>, Vec<_>) = (0..UPLOADS).map(|_| slow_upload()).unzip();
    let exchanges = requests
        .into_iter()
        .map(|request| layer.layer(service_fn(swallow)).oneshot(request));
    let sending = async {
        let mut most = 0;
        for piece in pieces(50) {
            for sender in &mut senders {
                sender.send_data(piece.clone()).await.unwrap();
            }
            tokio::task::yield_now().await;
            assert!(trail.held() <= BUDGET, "{}", trail.held());
            most = most.max(trail.held());
        }
        drop(senders);
        most
    };
    let (responses, most) = tokio::join!(join_all(exchanges), sending);
    assert!(most > BUDGET / 2, "{most}");
    drop(responses);
    assert_eq!(trail.held(), 0);

    let size = pieces(50).map(|piece| piece.len() as i64).sum::<i64>();
    let records = trail.records().await;
    let (refused, whole): (Vec<_>, Vec<_>) = records.iter().partition(|record| is_noted(record));
    assert_eq!(records.len(), UPLOADS);
    assert_eq!(trail.auditor.stats().captures_refused, refused.len() as u64);
    assert!(!refused.is_empty());
    for record in &records {
        assert_eq!(record.request_bytes, Some(size));
        assert_eq!(record.outcome, Some(Outcome::Completed));
    }
    for record in refused {
        assert!(record.request_truncated);
        let body = record.request_body.as_deref();
        assert!(
            body.is_none_or(|body| body.contains("$truncated")),
            "{body:?}"
        );
    }
    for record in whole {
        assert!(!record.request_truncated);
    }
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_leaves_metadata_and_once_released_bodies_are_captured_again() {
    let trail = Trail::new();
    let layer = trail.auditor.layer().request_body_limit(BUDGET as usize);
    let (mut sender, request) = slow_upload();
    let mut large = Box::pin(layer.layer(service_fn(swallow)).oneshot(request));
    let all = Bytes::from(vec![b' '; BUDGET as usize]);
    sender.send_data(all).await.unwrap();
    assert!(large.as_mut().now_or_never().is_none());
    assert_eq!(trail.held(), BUDGET);

    let other = trail.auditor.layer();
    let small = || {
        other
            .layer(service_fn(swallow))
            .oneshot(upload(Body::from("{\"a\":1}")))
    };
    small().await.unwrap();
    drop((large, sender));
    small().await.unwrap();
    let records = trail.records().await;
    let [large, refused, captured] = &records[..] else {
        panic!("{records:?}");
    };
    assert!(large.request_truncated && !is_noted(large));
    assert_eq!(refused.request_body, None);
    assert!(refused.request_truncated && is_noted(refused));
    assert_eq!(refused.request_bytes, Some(7));
    assert_eq!(captured.request_body.as_deref(), Some("{\"a\":1}"));
    assert!(!captured.request_truncated && !is_noted(captured));
}

/// How an exchange ends after a part of both bodies was captured.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Completed,
    ServiceError,
    DroppedBeforeHead,
    DroppedMidBody,
    BodyError,
    HandlerPanics,
    BodyPanics,
}

async fn end(ending: Ending) -> Trail {
    let trail = Trail::new();
    let layer = trail
        .auditor
        .layer()
        .response_bodies(ResponseBodies::Always);
    // A handler may let go of what it was given at any later time.
    let leaked = Arc::new(Mutex::new(None));
    let service = layer.layer(service_fn(|request: Request<_>| {
        let (trail, leaked) = (&trail, &leaked);
        async move {
            let (head, mut body): (_, tower_audit::RequestBody<Body>) = request.into_parts();
            body.frame().await.unwrap().unwrap();
            assert!(trail.held() > 0);
            let context = head.extensions.get::<AuditContext>().cloned();
            *leaked.lock().unwrap() = Some((context, body));
            match ending {
                Ending::ServiceError => return Err(BoxError::from("no backend")),
                Ending::DroppedBeforeHead => pending().await,
                Ending::HandlerPanics => panic!("a handler"),
                _ => {}
            }
            let last = async move {
                match ending {
                    Ending::BodyError => Err(BoxError::from("the disk went away")),
                    Ending::BodyPanics => panic!("a body"),
                    Ending::DroppedMidBody => pending().await,
                    _ => Ok(Bytes::from_static(b"2]")),
                }
            };
            let first = async { Ok(Bytes::from_static(b"[1,")) };
            let body = stream::iter([first.boxed(), last.boxed()]).then(|piece| piece);
            let response = Response::builder().header("content-type", "application/json");
            Ok(response.body(Body::from_stream(body)).unwrap())
        }
    }));
    let body = stream::iter(["{\"a\":1,", "\"b\":2}"]).map(Ok::<_, Infallible>);
    let mut exchange =
        Box::pin(AssertUnwindSafe(service.oneshot(upload(Body::from_stream(body)))).catch_unwind());
    let answer = poll_fn(|cx| std::task::Poll::Ready(exchange.as_mut().poll(cx))).await;
    drop(exchange);
    if let std::task::Poll::Ready(Ok(Ok(response))) = answer {
        let mut body = response.into_body();
        body.frame().await.unwrap().unwrap();
        assert!(trail.held() >= 2 * 1024, "{ending:?}: both bodies are held");
        let rest = AssertUnwindSafe(body.collect()).catch_unwind();
        let _ = rest.now_or_never();
    }
    assert_eq!(trail.held(), 0, "{ending:?}");
    // What is read after the end is not kept.
    let (_, mut body) = leaked.lock().unwrap().take().unwrap();
    body.frame().await.unwrap().unwrap();
    assert_eq!(trail.held(), 0, "{ending:?}");
    trail
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_given_back_however_an_exchange_ends() {
    for (ending, outcome) in [
        (Ending::Completed, Outcome::Completed),
        (Ending::ServiceError, Outcome::ServiceError),
        (Ending::DroppedBeforeHead, Outcome::AbortedBeforeHead),
        (Ending::DroppedMidBody, Outcome::AbortedMidBody),
        (Ending::BodyError, Outcome::BodyError),
        (Ending::HandlerPanics, Outcome::Panicked),
        (Ending::BodyPanics, Outcome::Panicked),
    ] {
        let trail = end(ending).await;
        let records = trail.records().await;
        assert_eq!(records.len(), 1, "{ending:?}");
        assert_eq!(records[0].outcome, Some(outcome));
        assert_eq!(
            records[0].request_body.as_deref(),
            Some("{\"a\":1,\"$truncated\":true}")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_of_nothing_is_an_error() {
    let builder = Auditor::builder().store(MemoryStore::new());
    let error = builder.capture_budget(0).build().err().unwrap();
    assert!(error.to_string().contains("capture_budget"), "{error}");
}
