//! Room that is set apart for records, however their exchanges go.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::task::yield_now;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_audit::{
    AuditLayer, Auditor, Event, MemoryStore, Overflow, Policy, Record, ResponseBody, Writer,
    audited,
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::support::assert_accounted;

const SECOND: Duration = Duration::from_secs(1);
const QUEUE_SIZE: usize = 16;

struct Trail {
    auditor: Auditor,
    writer: Writer,
    store: MemoryStore,
}

impl Trail {
    fn new(overflow: Overflow) -> Self {
        let store = MemoryStore::new();
        let policy = Policy::builder().overflow(overflow).build().unwrap();
        let (auditor, writer) = Auditor::builder()
            .store(store.clone())
            .policy(policy)
            .max_queue_size(QUEUE_SIZE)
            .build()
            .unwrap();
        Self {
            auditor,
            writer,
            store,
        }
    }

    /// Lets the writer run, and sees that all is accounted for and all room is free.
    async fn settle(self) -> Vec<Record> {
        tokio::spawn(self.writer.run());
        self.auditor.flush().await.unwrap();
        self.auditor.flush().await.unwrap();
        let records = self.store.records();
        assert_accounted(self.auditor.stats(), &records);
        let fresh = Self::new(Overflow::Reject);
        assert_eq!(
            fill(&self.auditor),
            fill(&fresh.auditor),
            "all room is free"
        );
        records
    }
}

fn get() -> Request<Body> {
    Request::new(Body::empty())
}

/// Fills the queue; says how many events it has then.
fn fill(auditor: &Auditor) -> u64 {
    let before = auditor.stats().dropped;
    while auditor.stats().dropped == before {
        auditor.record(Event::activity("noise"));
    }
    auditor.stats().queued
}

/// Counts its permits: a call without one, or one that stays behind, shows.
#[derive(Debug)]
struct Permitted {
    has_permit: bool,
    permits: Arc<AtomicUsize>,
}

impl Permitted {
    fn new() -> (Self, Arc<AtomicUsize>) {
        let permits = Arc::<AtomicUsize>::default();
        let service = Self {
            has_permit: false,
            permits: Arc::clone(&permits),
        };
        (service, permits)
    }
}

impl Clone for Permitted {
    fn clone(&self) -> Self {
        Self {
            has_permit: false,
            permits: Arc::clone(&self.permits),
        }
    }
}

impl Drop for Permitted {
    fn drop(&mut self) {
        if self.has_permit {
            self.permits.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl<B> Service<Request<B>> for Permitted {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if !self.has_permit {
            self.has_permit = true;
            self.permits.fetch_add(1, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        assert!(self.has_permit, "called without having been ready");
        self.has_permit = false;
        self.permits.fetch_sub(1, Ordering::Relaxed);
        ready(Ok(Response::new(Body::empty())))
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_calls_the_service_that_was_ready_and_one_that_leaves_frees_it() {
    let trail = Trail::new(Overflow::Wait(SECOND));
    fill(&trail.auditor);
    let (inner, permits) = Permitted::new();
    let decorated = audited().overflow(Overflow::Wait(SECOND));
    let mut service = trail.auditor.layer().layer(decorated.layer(inner));
    for _ in 0..3 {
        let ready = ServiceExt::<Request<Body>>::ready(&mut service).await;
        let call = ready.unwrap().call(get());
        assert_eq!(call.await.unwrap().status(), 200);
        assert_eq!(permits.load(Ordering::Relaxed), 0);
    }
    let ready = ServiceExt::<Request<Body>>::ready(&mut service).await;
    let call = ready.unwrap().call(get());
    assert!(tokio::time::timeout(SECOND / 2, call).await.is_err());
    assert_eq!(permits.load(Ordering::Relaxed), 0);
    trail.settle().await;
}

#[tokio::test(start_paused = true)]
async fn layers_around_one_another_hold_a_room_each_and_give_all_of_them_back() {
    let trail = Trail::new(Overflow::Reject);
    let strict = || audited().overflow(Overflow::Reject);
    let service = ServiceBuilder::new()
        .layer(trail.auditor.layer())
        .layer(strict())
        .layer(trail.auditor.layer())
        .layer(strict())
        .layer(strict())
        .layer(CatchPanicLayer::new())
        .service(service_fn(|request: Request<_>| async move {
            match request.uri().path() {
                "/panic" => panic!("a handler"),
                "/pending" => pending().await,
                _ => Ok::<_, Infallible>(Response::new(Body::from("done"))),
            }
        }));
    let send = |method: Method, path: &str| {
        let request = Request::builder().method(method).uri(path);
        service
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
    };
    let pending = send(Method::GET, "/pending");
    assert!(tokio::time::timeout(SECOND, pending).await.is_err());
    for (method, path) in [
        (Method::GET, "/"),
        (Method::HEAD, "/"),
        (Method::GET, "/panic"),
    ] {
        let response = send(method, path).await.unwrap();
        drop(response);
    }
    assert_eq!(trail.auditor.stats().dropped, 0);
    let records = trail.settle().await;
    assert_eq!(records.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_when_the_trail_ends_is_served_at_once() {
    let trail = Trail::new(Overflow::Wait(SECOND * 3600));
    fill(&trail.auditor);
    let (inner, _) = Permitted::new();
    let service = trail.auditor.layer().layer(inner);
    let start = tokio::time::Instant::now();
    let calls: Vec<_> = (0..3)
        .map(|_| tokio::spawn(service.clone().oneshot(get())))
        .collect();
    yield_now().await;
    let auditor = trail.auditor.clone();
    let writer = tokio::spawn(trail.writer.run());
    auditor.shutdown(SECOND).await.unwrap();
    for call in calls {
        let response = call.await.unwrap().unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert!(start.elapsed() < SECOND * 2);
    writer.await.unwrap();
    let stats = auditor.stats();
    assert_eq!(
        stats.offered,
        stats.stored + stats.quarantined + stats.dropped + stats.pending
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_an_end_holds_its_room_until_it_is_dropped() {
    let trail = Trail::new(Overflow::Reject);
    let endless = || {
        let frames = futures_util::stream::repeat_with(|| {
            Ok::<_, Infallible>(Frame::data(bytes::Bytes::from_static(b"tick")))
        });
        Response::new(Body::new(StreamBody::new(frames)))
    };
    let service = trail
        .auditor
        .layer()
        .layer(service_fn(move |_: Request<_>| {
            ready(Ok::<_, Infallible>(endless()))
        }));
    let mut open = Vec::new();
    loop {
        let response = service.clone().oneshot(get()).await.unwrap();
        if response.status() == 503 {
            break;
        }
        let mut body: ResponseBody<Body> = response.into_body();
        body.frame().await.unwrap().unwrap();
        open.push(body);
    }
    let count = open.len();
    drop(open);
    assert_eq!(trail.auditor.stats().queued, count as u64);
    let records = trail.settle().await;
    // With the gap event of those that were refused.
    assert_eq!(records.len(), count + 1);
}

#[tokio::test(start_paused = true)]
async fn the_layer_takes_whatever_services_there_are() {
    fn is_ordinary<S, B>(_: &S)
    where
        S: Service<Request<B>> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        B: Send + 'static,
    {
    }
    fn is_for_hyper<S, R>(_: hyper_util::service::TowerToHyperService<S>)
    where
        hyper_util::service::TowerToHyperService<S>:
            hyper::service::HttpService<hyper::body::Incoming, ResBody = R>,
        R: http_body::Body,
    {
    }
    fn is_for_tonic<S, R>(_: &S)
    where
        S: Service<Request<tonic::body::Body>, Response = Response<R>>,
        S: Clone + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<tower::BoxError> + Send,
        R: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        R::Error: Into<tower::BoxError>,
    {
    }
    let trail = Trail::new(Overflow::Reject);
    let layer: AuditLayer = trail.auditor.layer();
    let (inner, _) = Permitted::new();
    let service = layer.layer(audited().layer(inner));
    is_ordinary::<_, Body>(&service);
    is_ordinary::<_, hyper::body::Incoming>(&service);
    is_for_hyper(hyper_util::service::TowerToHyperService::new(
        service.clone(),
    ));
    is_for_tonic(&service);
    let stacked = ServiceBuilder::new().timeout(SECOND).service(service);
    is_ordinary::<_, Body>(&stacked);
    assert_eq!(stacked.oneshot(get()).await.unwrap().status(), 200);
    trail.settle().await;
}
