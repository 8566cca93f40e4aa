//! A service that answers in every way there is, by path.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, StreamBody};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc};
use tower::BoxError;

/// Long enough to be compressed.
const TEXT: &str = "a text of known size that is long enough to be worth compressing";

/// What a test and the handlers behind a site have between them.
#[derive(Clone)]
pub(super) struct Witness {
    /// How often it was asked.
    pub(super) calls: Arc<AtomicUsize>,
    /// A permit for each event of `/lockstep` but the first.
    pub(super) gate: Arc<Semaphore>,
    /// What a handler has to say beside its answer.
    pub(super) seen: mpsc::UnboundedSender<String>,
}

impl Witness {
    fn tell(&self, what: &str) {
        // A test that does not listen does not want to know.
        let _ = self.seen.send(what.to_owned());
    }
}

/// Tells when what holds it is dropped.
struct TellsOfDrop(Witness, &'static str);

impl Drop for TellsOfDrop {
    fn drop(&mut self) {
        self.0.tell(self.1);
    }
}

pub(super) async fn answer(
    request: Request<Body>,
    witness: Witness,
) -> Result<Response<Body>, BoxError> {
    witness.calls.fetch_add(1, Ordering::Relaxed);
    if request.method() == Method::CONNECT {
        return Ok(upgraded(request, StatusCode::OK));
    }
    let path = request.uri().path().to_owned();
    Ok(match path.as_str() {
        "/empty" => ().into_response(),
        "/sized" => TEXT.into_response(),
        "/streamed" => streamed(["one ", "two ", TEXT].map(Ok)),
        "/trickled" => trickled(),
        "/empty-frames" => streamed(["", "a", "", "b", ""].map(Ok)),
        "/declared" => with_length(6, streamed(["abc", "def"].map(Ok))),
        "/too-short" => with_length(9, streamed(["abc", "def"].map(Ok))),
        "/large" => vec![b'x'; 300_000].into_response(),
        "/sse" => sse(None),
        "/lockstep" => sse(Some(witness)),
        "/trailers" => trailers(&["one ", TEXT]),
        "/only-trailers" => trailers(&[]),
        "/breaks" => streamed([Ok("one"), Err("broken".into()), Ok("three")]),
        "/breaks-at-once" => streamed([Err("broken".into())]),
        "/breaks-calmly" => streamed([Ok("one"), Err(calm())]),
        "/fails" => return Err("no backend".into()),
        "/fails-calmly" => return Err(calm()),
        "/panics" => panic!("on purpose"),
        "/panics-late" => panics_late(),
        "/hangs" => {
            let _told = TellsOfDrop(witness.clone(), "the handler was dropped");
            witness.tell("the handler was called");
            std::future::pending().await
        }
        "/stalls" => stalls(witness),
        "/echo" => Response::new(request.into_body()),
        "/observes" => observed(request.into_body()).await.into_response(),
        "/witnesses" => witnessed(request.into_body(), &witness).await,
        "/reads-a-frame" => {
            let frame = request.into_body().frame().await;
            format!("{:?}", frame.map(|frame| frame.is_ok())).into_response()
        }
        "/ignores" => "no thanks".into_response(),
        "/refuses" => (
            StatusCode::PAYLOAD_TOO_LARGE,
            [(header::CONNECTION, "close")],
        )
            .into_response(),
        "/upgrade" => upgraded(request, StatusCode::SWITCHING_PROTOCOLS),
        other => match other.get(1..).unwrap_or_default().parse::<StatusCode>() {
            Ok(status) => (status, [(header::ETAG, "\"1\"")], TEXT).into_response(),
            Err(_) => (StatusCode::NOT_FOUND, "nothing here").into_response(),
        },
    })
}

/// An error for which HTTP/2 has a word of its own.
fn calm() -> BoxError {
    h2::Error::from(h2::Reason::ENHANCE_YOUR_CALM).into()
}

fn streamed<const N: usize>(parts: [Result<&'static str, BoxError>; N]) -> Response<Body> {
    Response::new(Body::from_stream(stream::iter(parts)))
}

/// A stream that has to be asked twice for each part.
fn trickled() -> Response<Body> {
    let parts = stream::iter(["one ", "two ", TEXT]).then(|part| async move {
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(part)
    });
    Response::new(Body::from_stream(parts))
}

fn with_length(length: u64, mut response: Response<Body>) -> Response<Body> {
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, length.into());
    response
}

fn panics_late() -> Response<Body> {
    let parts = stream::iter(0..2).map(|number| {
        assert_eq!(number, 0, "on purpose");
        Ok::<_, Infallible>("one")
    });
    Response::new(Body::from_stream(parts))
}

fn stalls(witness: Witness) -> Response<Body> {
    let told = TellsOfDrop(witness, "the body was dropped");
    let first = stream::iter([Ok::<_, Infallible>("first")]);
    let rest = stream::pending().map(move |part| {
        let _ = &told;
        part
    });
    Response::new(Body::from_stream(first.chain(rest)))
}

fn trailers(parts: &'static [&'static str]) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", "abc".parse().unwrap());
    let data = parts.iter().map(|part| Frame::data(Bytes::from(*part)));
    let frames: Vec<_> = data.chain([Frame::trailers(trailers)]).map(Ok).collect();
    let body: StreamBody<_> = StreamBody::new(stream::iter::<Vec<Result<_, Infallible>>>(frames));
    Response::builder()
        .header(header::TRAILER, "x-checksum")
        .body(Body::new(body))
        .unwrap()
}

/// Events; with a witness each one is made when the one before has arrived.
fn sse(witness: Option<Witness>) -> Response<Body> {
    let events = stream::iter(["a", "b", "c"]).then(move |text| {
        let gate = witness.as_ref().map(|witness| Arc::clone(&witness.gate));
        async move {
            if let Some(gate) = gate.filter(|_| text != "a") {
                gate.acquire().await.unwrap().forget();
            }
            Ok::<_, Infallible>(Event::default().data(text))
        }
    });
    Sse::new(events).into_response()
}

/// All that a handler can see of a request's body. How its bytes are split is up to the network.
async fn observed(mut body: Body) -> String {
    let hint = body.size_hint();
    let (lower, upper, ended) = (hint.lower(), hint.upper(), body.is_end_stream());
    let mut text = format!("hint {lower}..{upper:?}, ended {ended}\n");
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => bytes += data.len(),
            Ok(Err(frame)) => text.push_str(&format!("{:?}\n", frame.trailers_ref())),
            Err(error) => return format!("{text}{}\n", cause(&error)),
        }
    }
    format!("{text}{bytes} bytes, ended {}\n", body.is_end_stream())
}

/// Tells when a body begins and how it breaks.
async fn witnessed(mut body: Body, witness: &Witness) -> Response<Body> {
    let _told = TellsOfDrop(witness.clone(), "the handler is done");
    let first = body.frame().await.expect("a frame");
    witness.tell(&format!(
        "the body begins: {:?}",
        first.map_err(|error| cause(&error))
    ));
    while let Some(frame) = body.frame().await {
        if let Err(error) = frame {
            witness.tell(&format!("the body broke: {}", cause(&error)));
            break;
        }
    }
    "witnessed".into_response()
}

/// The first cause of an error: Axum wraps it once for each body that is boxed.
pub(super) fn cause(error: &dyn std::error::Error) -> String {
    let mut first = error;
    while let Some(source) = first.source() {
        first = source;
    }
    first.to_string()
}

/// Leaves HTTP: what comes then is sent back in capitals, until the client has no more.
fn upgraded(request: Request<Body>, status: StatusCode) -> Response<Body> {
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else {
            return;
        };
        let mut connection = TokioIo::new(upgraded);
        let mut buffer = [0; 64];
        while let Ok(length @ 1..) = connection.read(&mut buffer).await {
            buffer[..length].make_ascii_uppercase();
            if connection.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
        let _ = connection.shutdown().await;
    });
    let mut response = status.into_response();
    if status == StatusCode::SWITCHING_PROTOCOLS {
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, "upgrade".parse().unwrap());
        headers.insert(header::UPGRADE, "capitals".parse().unwrap());
    }
    response
}
