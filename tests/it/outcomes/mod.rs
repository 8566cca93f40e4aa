//! Every way in which an exchange can end, each recorded exactly once.

mod hang_ups;

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use bytes::Bytes;
use futures_util::FutureExt;
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, Full};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_audit::{AuditContext, Auditor, MemoryStore, Outcome, Record, audited};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use crate::support::{assert_accounted, run_here};

struct Trail {
    auditor: Auditor,
    store: MemoryStore,
}

impl Trail {
    fn new() -> Self {
        let store = MemoryStore::new();
        let auditor = run_here(Auditor::builder().store(store.clone()));
        Self { auditor, store }
    }

    /// The one record there is.
    async fn record(&self) -> Record {
        self.auditor.flush().await.unwrap();
        let records = self.store.records();
        assert_accounted(self.auditor.stats(), &records);
        assert_eq!(records.len(), 1, "each exchange ends once");
        records.into_iter().next().unwrap()
    }

    async fn outcome(&self) -> Outcome {
        self.record().await.outcome.unwrap()
    }
}

fn get() -> Request<Body> {
    Request::new(Body::empty())
}

/// A body whose frames and end are told in advance, and which hides its size.
struct Scripted(Vec<Step>);

enum Step {
    Data(&'static str),
    Trailers(HeaderMap),
    Error(BoxError),
    Panic,
    Wait,
}

impl http_body::Body for Scripted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(match self.0.remove(0) {
            Step::Data(text) => Ok(Frame::data(Bytes::from_static(text.as_bytes()))),
            Step::Trailers(trailers) => Ok(Frame::trailers(trailers)),
            Step::Error(error) => Err(error),
            Step::Panic => panic!("a body"),
            Step::Wait => return Poll::Pending,
        }))
    }
}

/// The outcome of a request that is answered with this body, which is read as far as it goes.
async fn outcome_of(body: Scripted) -> Record {
    let trail = Trail::new();
    let body = std::sync::Mutex::new(Some(body));
    let service = trail.auditor.layer().layer(service_fn(|_: Request<_>| {
        let body = body.lock().unwrap().take().unwrap();
        async move { Ok::<_, Infallible>(Response::new(body)) }
    }));
    let response = service.oneshot(get()).await.unwrap();
    let mut body = Box::pin(response.into_body());
    while let Some(Ok(_)) = poll_fn(|cx| match body.as_mut().poll_frame(cx) {
        Poll::Pending => Poll::Ready(None),
        ready @ Poll::Ready(_) => ready,
    })
    .await
    {}
    drop(body);
    trail.record().await
}

#[tokio::test(start_paused = true)]
async fn a_streamed_body_is_completed_at_its_end() {
    let record = outcome_of(Scripted(vec![Step::Data("ab"), Step::Data("cde")])).await;
    assert_eq!(record.outcome, Some(Outcome::Completed));
    assert_eq!(
        (record.status, record.response_bytes, record.success),
        (Some(200), Some(5), true)
    );
    assert!(record.ttfb_us.unwrap() <= record.duration_us.unwrap());
}

#[tokio::test(start_paused = true)]
async fn trailers_are_an_end_and_tell_the_grpc_status() {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "5".parse().unwrap());
    let record = outcome_of(Scripted(vec![Step::Data("ab"), Step::Trailers(trailers)])).await;
    assert_eq!(
        (record.outcome, record.grpc_status),
        (Some(Outcome::Completed), Some(5))
    );
    assert!(!record.success);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_is_a_body_error_with_its_text() {
    let error = Step::Error("the disk went away".into());
    let record = outcome_of(Scripted(vec![Step::Data("ab"), error])).await;
    assert_eq!(
        (record.outcome, record.response_bytes),
        (Some(Outcome::BodyError), Some(2))
    );
    assert_eq!(record.error.as_deref(), Some("the disk went away"));
    assert!(!record.success);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_runs_out_of_time_is_timed_out() {
    let error = std::io::Error::new(std::io::ErrorKind::TimedOut, "too slow");
    let record = outcome_of(Scripted(vec![Step::Error(error.into())])).await;
    assert_eq!(record.outcome, Some(Outcome::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_dropped_before_its_end_is_aborted_mid_body() {
    let record = outcome_of(Scripted(vec![Step::Data("ab"), Step::Wait])).await;
    assert_eq!(
        (record.outcome, record.response_bytes),
        (Some(Outcome::AbortedMidBody), Some(2))
    );
    assert!(!record.success);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_panics_is_panicked() {
    let trail = Trail::new();
    let service = trail
        .auditor
        .layer()
        .layer(service_fn(|_: Request<_>| async {
            Ok::<_, Infallible>(Response::new(Scripted(vec![Step::Data("ab"), Step::Panic])))
        }));
    let response = service.oneshot(get()).await.unwrap();
    let reading = std::panic::AssertUnwindSafe(response.into_body().collect());
    assert!(reading.catch_unwind().await.is_err());
    assert_eq!(trail.outcome().await, Outcome::Panicked);
}

#[tokio::test(start_paused = true)]
async fn a_body_of_known_size_is_completed_although_nobody_asks_for_its_end() {
    let trail = Trail::new();
    let service = trail
        .auditor
        .layer()
        .layer(service_fn(|_: Request<_>| async {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"abc"))))
        }));
    let response = service.oneshot(get()).await.unwrap();
    assert_eq!(response.body().size_hint().exact(), Some(3));
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    assert!(body.is_end_stream());
    assert_eq!(trail.outcome().await, Outcome::Completed);
    drop(body);
    assert_eq!(trail.outcome().await, Outcome::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_kept_its_content_length_is_completed_when_it_is_dropped() {
    let trail = Trail::new();
    let service = trail
        .auditor
        .layer()
        .layer(service_fn(|_: Request<_>| async {
            let body = Scripted(vec![Step::Data("abc"), Step::Wait]);
            Ok::<_, Infallible>(
                Response::builder()
                    .header("content-length", 3)
                    .body(body)
                    .unwrap(),
            )
        }));
    let mut body = service.oneshot(get()).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!(trail.outcome().await, Outcome::Completed);
}

/// Knows its size, but not when it is at its end.
struct Sized(Option<Bytes>);

impl http_body::Body for Sized {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|data| Ok(Frame::data(data))))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        let left = self.0.as_ref().map_or(0, |data| data.len() as u64);
        http_body::SizeHint::with_exact(left)
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_has_told_its_size_is_completed_when_that_much_was_sent() {
    let trail = Trail::new();
    let service = trail
        .auditor
        .layer()
        .layer(service_fn(|_: Request<_>| async {
            Ok::<_, Infallible>(Response::new(Sized(Some(Bytes::from_static(b"abc")))))
        }));
    let mut body = service.oneshot(get()).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!(trail.outcome().await, Outcome::Completed);
}

#[tokio::test(start_paused = true)]
async fn head_is_not_an_abort() {
    let trail = Trail::new();
    let service = trail
        .auditor
        .layer()
        .layer(service_fn(|_: Request<_>| async {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"abc"))))
        }));
    let request = Request::builder()
        .method(Method::HEAD)
        .body(Body::empty())
        .unwrap();
    drop(service.oneshot(request).await.unwrap());
    let record = trail.record().await;
    assert_eq!(
        (record.outcome, record.response_bytes),
        (Some(Outcome::Completed), Some(0))
    );
}

#[tokio::test(start_paused = true)]
async fn a_status_without_a_body_is_completed_at_its_head() {
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED] {
        let trail = Trail::new();
        let service = trail
            .auditor
            .layer()
            .layer(service_fn(move |_: Request<_>| async move {
                let body = Scripted(vec![Step::Wait]);
                Ok::<_, Infallible>(Response::builder().status(status).body(body).unwrap())
            }));
        drop(service.oneshot(get()).await.unwrap());
        assert_eq!(trail.outcome().await, Outcome::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_service_is_a_service_error_and_passes_on() {
    let trail = Trail::new();
    let service = trail
        .auditor
        .layer()
        .layer(service_fn(|_: Request<_>| async {
            Err::<Response<Body>, BoxError>("no backend".into())
        }));
    let error = service.oneshot(get()).await.err().unwrap();
    assert_eq!(error.to_string(), "no backend");
    let record = trail.record().await;
    assert_eq!(
        (record.outcome, record.status),
        (Some(Outcome::ServiceError), None)
    );
    assert_eq!(record.error.as_deref(), Some("no backend"));
}

#[tokio::test(start_paused = true)]
async fn timeouts_inside_the_layer_are_timed_out_whether_they_answer_or_fail() {
    let slow = service_fn(|_: Request<_>| async {
        std::future::pending::<()>().await;
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let second = Duration::from_secs(1);

    let trail = Trail::new();
    let service = ServiceBuilder::new()
        .layer(trail.auditor.layer())
        .timeout(second)
        .service(slow);
    assert!(service.oneshot(get()).await.is_err());
    assert_eq!(trail.outcome().await, Outcome::TimedOut);

    let trail = Trail::new();
    let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, second);
    let service = ServiceBuilder::new()
        .layer(trail.auditor.layer())
        .layer(timeout)
        .service(slow);
    service.oneshot(get()).await.unwrap();
    let record = trail.record().await;
    assert_eq!(
        (record.outcome, record.status),
        (Some(Outcome::TimedOut), Some(408))
    );
}

#[tokio::test(start_paused = true)]
async fn giving_up_before_the_head_is_aborted_before_head() {
    for polls in 0..3 {
        let trail = Trail::new();
        let service = trail
            .auditor
            .layer()
            .layer(service_fn(|_: Request<_>| async {
                std::future::pending::<()>().await;
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }));
        let mut future = Box::pin(service.oneshot(get()));
        // The first poll calls the service; without one there was no request.
        for _ in 0..=polls {
            assert!(future.as_mut().now_or_never().is_none());
        }
        drop(future);
        let record = trail.record().await;
        assert_eq!(
            (record.outcome, record.status),
            (Some(Outcome::AbortedBeforeHead), None)
        );
        assert!(!record.success);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_panicked_and_passes_on() {
    let trail = Trail::new();
    let service = trail
        .auditor
        .layer()
        .layer(service_fn(|_: Request<_>| async {
            panic!("a handler");
            #[allow(unreachable_code)]
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let future = std::panic::AssertUnwindSafe(service.oneshot(get()));
    assert!(future.catch_unwind().await.is_err());
    assert_eq!(trail.outcome().await, Outcome::Panicked);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_panicked_also_under_a_layer_that_catches_it_further_out() {
    let trail = Trail::new();
    let service = ServiceBuilder::new()
        .layer(CatchPanicLayer::new())
        .layer(trail.auditor.layer())
        .service(service_fn(|_: Request<_>| async {
            panic!("a handler");
            #[allow(unreachable_code)]
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let response = service.oneshot(get()).await.unwrap();
    assert_eq!(response.status(), 500);
    assert_eq!(trail.outcome().await, Outcome::Panicked);
}

#[tokio::test(start_paused = true)]
async fn a_panic_that_is_caught_further_in_shows_by_the_handler_s_context() {
    let trail = Trail::new();
    let service = ServiceBuilder::new()
        .layer(trail.auditor.layer())
        .layer(CatchPanicLayer::new())
        .service(service_fn(|request: Request<_>| async move {
            let _audit = request.extensions().get::<AuditContext>().cloned();
            panic!("a handler");
            #[allow(unreachable_code)]
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let response = service.oneshot(get()).await.unwrap();
    response.into_body().collect().await.unwrap();
    let record = trail.record().await;
    assert_eq!(
        (record.outcome, record.status),
        (Some(Outcome::Panicked), Some(500))
    );
}

#[tokio::test(start_paused = true)]
async fn leaving_http_is_upgraded() {
    for (method, status) in [(Method::GET, 101), (Method::CONNECT, 200)] {
        let trail = Trail::new();
        let service = trail
            .auditor
            .layer()
            .layer(service_fn(move |_: Request<_>| async move {
                let body = Scripted(vec![Step::Wait]);
                Ok::<_, Infallible>(Response::builder().status(status).body(body).unwrap())
            }));
        let request = Request::builder()
            .method(method)
            .body(Body::empty())
            .unwrap();
        drop(service.oneshot(request).await.unwrap());
        let record = trail.record().await;
        assert_eq!(
            (record.outcome, record.success),
            (Some(Outcome::Upgraded), true)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_ends_while_its_request_is_still_read_is_recorded_once() {
    let trail = Trail::new();
    let mut service = trail
        .auditor
        .layer()
        .layer(service_fn(|request: Request<_>| async move {
            let (_, body) = request.into_parts();
            Ok::<_, Infallible>(Response::new(body))
        }));
    let request = Request::builder()
        .method(Method::POST)
        .header("content-type", "application/json")
        .body(Scripted(vec![Step::Data("{\"a\":"), Step::Data("1}")]))
        .unwrap();
    let response = {
        let mut future = pin!(service.call(request));
        poll_fn(|cx| future.as_mut().poll(cx)).await.unwrap()
    };
    response.into_body().collect().await.unwrap();
    let record = trail.record().await;
    assert_eq!(
        (record.request_bytes, record.response_bytes),
        (Some(7), Some(7))
    );
    assert_eq!(record.outcome, Some(Outcome::Completed));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_layer_outside_answers_in_the_layer_s_own_body() {
    let trail = Trail::new();
    let timeout =
        TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(1));
    let service = ServiceBuilder::new()
        .layer(timeout)
        .layer(trail.auditor.layer())
        .layer(audited())
        .service(service_fn(|_: Request<_>| async {
            std::future::pending::<()>().await;
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let response = service.oneshot(get()).await.unwrap();
    assert_eq!(response.status(), 504);
    assert!(response.into_body().is_end_stream());
    assert_eq!(trail.outcome().await, Outcome::AbortedBeforeHead);
}
