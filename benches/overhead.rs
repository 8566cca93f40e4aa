//! What the layer adds to a request, in nanoseconds, beside what others add.
//!
//! One thread sends requests to the same Axum router, bare and under several
//! layers, in turns; the writer works on its own thread meanwhile. A figure
//! is the median over all rounds. Run it with `cargo bench --bench overhead`.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::print_stdout,
    clippy::unwrap_used
)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, Response};
use axum::response::IntoResponse;
use axum::routing::post;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use serde_json::json;
use tower::{Layer, Service};
use tower_audit::store::Batch;
use tower_audit::{AuditStore, Auditor, Error, ResponseBodies};
use tower_http::trace::{DefaultMakeSpan, DefaultOnRequest, DefaultOnResponse, TraceLayer};
use tracing::Level;

const ROUNDS: usize = 101;
const REQUESTS: usize = 2_000;
const AT_ONCE: usize = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::sink)
        .init();
    let auditor = Auditor::builder().store(Nowhere).start().await.unwrap();
    let info = || Level::INFO;
    let trace = TraceLayer::new_for_http()
        .make_span_with(DefaultMakeSpan::new().level(info()))
        .on_request(DefaultOnRequest::new().level(info()))
        .on_response(DefaultOnResponse::new().level(info()));
    let variants = [
        ("bare", app()),
        ("wrap", app().layer(WrapLayer)),
        ("trace_json", app().layer(trace)),
        ("metadata", app().layer(auditor.layer().metadata_only())),
        (
            "bodies",
            app().layer(auditor.layer().response_bodies(ResponseBodies::Always)),
        ),
    ];
    // What a server does too: afterwards routes are ready instead of being made for each request.
    let mut variants = variants.map(|(name, router)| (name, router.with_state::<()>(())));
    let mut samples = vec![Vec::with_capacity(ROUNDS); variants.len()];
    for round in 0..ROUNDS {
        // Each round starts with another variant, so that none has a fixed place.
        for turn in 0..variants.len() {
            let index = (round + turn) % variants.len();
            samples[index].push(time(&mut variants[index].1).await);
            auditor.flush().await.unwrap();
        }
    }
    let stats = auditor.shutdown(Duration::from_secs(60)).await.unwrap();
    assert_eq!(stats.stored as usize, 2 * ROUNDS * REQUESTS, "{stats:?}");

    let medians: Vec<f64> = samples.into_iter().map(median).collect();
    let added = |index: usize| medians[index] - medians[0];
    println!(
        "{:<12} {:>12} {:>12} {:>10}",
        "variant", "ns/request", "added ns", "x wrap"
    );
    for (index, (name, _)) in variants.iter().enumerate() {
        let ratio = added(index) / added(1);
        println!(
            "{name:<12} {:>12.0} {:>12.0} {ratio:>10.2}",
            medians[index],
            added(index)
        );
    }
    let trace_ratio = added(3) / added(2);
    println!("metadata only adds {trace_ratio:.2} of what TraceLayer with JSON adds");
    let rounded = |ns: f64| ns.round() as i64;
    println!(
        "{}",
        json!({
            "bench": "overhead",
            "bare_ns": rounded(medians[0]),
            "wrap_added_ns": rounded(added(1)),
            "trace_json_added_ns": rounded(added(2)),
            "metadata_added_ns": rounded(added(3)),
            "bodies_added_ns": rounded(added(4)),
        })
    );
}

/// A handler that reads about 100 bytes of JSON and answers with as many.
fn app() -> Router {
    Router::new().route("/orders/{id}", post(handle))
}

async fn handle(body: String) -> impl IntoResponse {
    ([("content-type", "application/json")], body)
}

fn request() -> Request<Body> {
    const BODY: &str = r#"{"item":"a pound of tea","count":2,"user":{"name":"ada","password":"open sesame"},"gift":false,"n":1}"#;
    let mut request = Request::post("/orders/7?page=2&sort=name")
        .body(Body::from(BODY))
        .unwrap();
    // As `into_make_service_with_connect_info` does for every request.
    request
        .extensions_mut()
        .insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4711))));
    for (name, value) in [
        ("host", "shop.example"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        ),
        ("accept", "application/json"),
        ("accept-language", "en"),
        ("content-type", "application/json"),
        ("content-length", "101"),
        ("authorization", "Bearer 0123456789abcdef0123456789abcdef"),
        ("x-request-id", "0123456789abcdef"),
    ] {
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    request
}

/// Nanoseconds a request, over one round. Requests are made a few at a time
/// and outside of the measured time: like those of a server, they are still in the caches.
async fn time(app: &mut Router) -> f64 {
    let mut total = Duration::ZERO;
    for _ in 0..REQUESTS / AT_ONCE {
        let requests: [_; AT_ONCE] = std::array::from_fn(|_| request());
        let start = Instant::now();
        for request in requests {
            let response: Response<Body> = app.call(request).await.unwrap();
            let body = response.into_body().collect().await.unwrap();
            std::hint::black_box(body);
        }
        total += start.elapsed();
    }
    total.as_nanos() as f64 / REQUESTS as f64
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// A store that takes everything and keeps nothing.
struct Nowhere;

#[async_trait]
impl AuditStore for Nowhere {
    async fn append(&self, _: &Batch) -> Result<(), Error> {
        Ok(())
    }
}

/// The floor: a layer that wraps both bodies and does nothing.
#[derive(Clone)]
struct WrapLayer;

#[derive(Clone)]
struct Wrap<S>(S);

impl<S> Layer<S> for WrapLayer {
    type Service = Wrap<S>;

    fn layer(&self, inner: S) -> Wrap<S> {
        Wrap(inner)
    }
}

impl<S, B, R> Service<Request<B>> for Wrap<S>
where
    S: Service<Request<WrapBody<B>>, Response = Response<R>, Error = Infallible>,
{
    type Response = Response<WrapBody<R>>;
    type Error = Infallible;
    type Future = WrapFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        WrapFuture {
            inner: self.0.call(request.map(|inner| WrapBody { inner })),
        }
    }
}

pin_project! {
    struct WrapFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F, R> Future for WrapFuture<F>
where
    F: Future<Output = Result<Response<R>, Infallible>>,
{
    type Output = Result<Response<WrapBody<R>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.project().inner.poll(cx));
        Poll::Ready(response.map(|response| response.map(|inner| WrapBody { inner })))
    }
}

pin_project! {
    struct WrapBody<B> {
        #[pin]
        inner: B,
    }
}

impl<B: HttpBody> HttpBody for WrapBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
