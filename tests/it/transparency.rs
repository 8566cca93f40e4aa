//! The answer is the same with and without the layer, byte for byte, on a real connection.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use axum::routing::{any, get, post};
use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower_audit::{AuditLayer, Auditor, MemoryStore, Outcome, ResponseBodies};

use crate::support::assert_accounted;

fn routes() -> Router {
    Router::new()
        .route("/sized", get(|| async { "a body of known size" }))
        .route("/empty", any(|| async {}))
        .route("/status/{code}", get(|path: axum::extract::Path<u16>| async move {
            StatusCode::from_u16(path.0).unwrap()
        }))
        .route("/stream", get(|| async { streamed(["one", "two", "three"].map(Ok)) }))
        .route("/sse", get(sse))
        .route("/trailers", get(trailers))
        .route("/echo", post(|body: Body| async { body }))
        .route("/json", post(|body: String| async move { ([(header::CONTENT_TYPE, "application/json")], body) }))
        .route("/ignores-its-body", post(|| async { "no thanks" }))
        .route("/breaks", get(|| async { streamed([Ok("one"), Err("broken"), Ok("three")]) }))
        .route("/panics", get(panics))
        .route("/declared", get(declared))
        .route("/large", get(|| async { vec![b'x'; 300_000] }))
}

async fn panics() {
    panic!("on purpose");
}

fn streamed<const N: usize>(parts: [Result<&'static str, &'static str>; N]) -> Body {
    Body::from_stream(stream::iter(parts))
}

async fn sse() -> impl IntoResponse {
    Sse::new(stream::iter(
        ["a", "b"].map(|text| Ok::<_, Infallible>(Event::default().data(text))),
    ))
}

async fn trailers() -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("abc"));
    let frames = [
        Frame::data(Bytes::from_static(b"data")),
        Frame::trailers(trailers),
    ];
    let body = StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>)));
    Response::builder()
        .header("trailer", "x-checksum")
        .body(Body::new(body))
        .unwrap()
}

/// A stream that says in advance how long it is.
async fn declared() -> impl IntoResponse {
    (
        [(header::CONTENT_LENGTH, "6")],
        streamed(["abc", "def"].map(Ok)),
    )
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Sends bytes and returns everything that comes back until the server closes.
async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that answers early may close before all is written.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer));
    if let Err(error) = reading.await.expect("the server closes the connection") {
        answer.extend_from_slice(format!("<{:?}>", error.kind()).as_bytes());
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer
        .lines()
        .filter(|line| !line.starts_with("date: "))
        .collect::<Vec<_>>()
        .join("\n")
}

fn requests() -> Vec<String> {
    let mut requests = Vec::new();
    let paths = [
        "/sized",
        "/empty",
        "/stream",
        "/sse",
        "/trailers",
        "/declared",
        "/large",
        "/nowhere",
        "/status/204",
        "/status/304",
        "/status/404",
        "/status/500",
        "/breaks",
        "/panics",
    ];
    for path in paths {
        for method in ["GET", "HEAD"] {
            for version in ["1.1", "1.0"] {
                requests.push(format!(
                    "{method} {path} HTTP/{version}\r\nhost: test\r\nte: trailers\r\nconnection: close\r\n\r\n"
                ));
            }
        }
    }
    let json = r#"{"user":"ada","password":"open sesame"}"#;
    for path in ["/echo", "/json", "/ignores-its-body", "/sized", "/empty"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n"
        );
        requests.push(format!(
            "{head}content-length: {}\r\n\r\n{json}",
            json.len()
        ));
        requests.push(format!(
            "{head}transfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n3\r\nfgh\r\n0\r\n\r\n"
        ));
        requests.push(format!("{head}content-length: 0\r\n\r\n"));
        requests.push(format!(
            "{head}expect: 100-continue\r\ncontent-length: 3\r\n\r\nabc"
        ));
        requests.push(format!(
            "{head}content-length: 200000\r\n\r\n{}",
            "y".repeat(200_000)
        ));
        // A body that is not one: the server's refusal must be the same, too.
        requests.push(format!(
            "{head}transfer-encoding: chunked\r\n\r\nnonsense\r\n\r\n"
        ));
    }
    requests
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_is_the_same_with_and_without_the_layer() {
    let store = MemoryStore::new();
    let auditor = Auditor::builder()
        .store(store.clone())
        .start()
        .await
        .unwrap();
    let full = |layer: AuditLayer| layer.response_bodies(ResponseBodies::Always);
    let bare = serve(routes()).await;
    let layered = serve(routes().layer(full(auditor.layer()))).await;
    let outside = serve(
        Router::new().fallback_service(
            tower::ServiceBuilder::new()
                .layer(auditor.layer().metadata_only())
                .service(routes()),
        ),
    )
    .await;
    let requests = requests();
    for request in &requests {
        let expected = exchange(bare, request.as_bytes()).await;
        for address in [layered, outside] {
            let answer = exchange(address, request.as_bytes()).await;
            assert_eq!(answer, expected, "{}", &request[..request.len().min(200)]);
        }
    }
    auditor.flush().await.unwrap();
    let records = store.records();
    assert_accounted(auditor.stats(), &records);
    assert_eq!(
        records.len(),
        2 * requests.len(),
        "one record for each request"
    );
    let count = |outcome| {
        records
            .iter()
            .filter(|record| record.outcome == Some(outcome))
            .count()
    };
    assert_eq!(count(Outcome::Panicked), 2 * 4);
    // `/breaks` in both versions, and the echo of a request body that is none.
    assert_eq!(count(Outcome::BodyError), 2 * 3);
    let aborted = records
        .iter()
        .find(|record| record.outcome == Some(Outcome::AbortedMidBody));
    assert!(aborted.is_none(), "{aborted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_pass_through_both_bodies() {
    let auditor = Auditor::builder()
        .store(MemoryStore::new())
        .start()
        .await
        .unwrap();
    let router = Router::new()
        .route(
            "/",
            post(|body: Body| async move {
                assert_eq!(http_body::Body::size_hint(&body).exact(), Some(5));
                assert!(!http_body::Body::is_end_stream(&body));
                "abc"
            }),
        )
        .layer(auditor.layer());
    let request = axum::http::Request::post("/")
        .body(Body::from("12345"))
        .unwrap();
    let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
    assert_eq!(http_body::Body::size_hint(response.body()).exact(), Some(3));
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "abc"
    );
}

/// Waits until there is a record, without asking for one: the hang-up has to be noticed first.
async fn eventually(auditor: &Auditor, store: &MemoryStore) -> tower_audit::Record {
    let found = async {
        loop {
            auditor.flush().await.unwrap();
            if let Some(record) = store.records().pop() {
                return record;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found)
        .await
        .expect("the hang-up is recorded")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hangs_up_is_recorded_as_what_it_is() {
    let called = Arc::new(tokio::sync::Notify::new());
    let call = Arc::clone(&called);
    let slow = get(|| async move {
        call.notify_one();
        std::future::pending::<()>().await;
    });
    let endless = get(|| async {
        let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"first"))]);
        Body::from_stream(futures_util::StreamExt::chain(first, stream::pending()))
    });
    for (path, bytes_before, outcome) in [
        ("/slow", 0, Outcome::AbortedBeforeHead),
        ("/endless", 5, Outcome::AbortedMidBody),
    ] {
        let store = MemoryStore::new();
        let auditor = Auditor::builder()
            .store(store.clone())
            .start()
            .await
            .unwrap();
        let routes = Router::new()
            .route("/slow", slow.clone())
            .route("/endless", endless.clone());
        let address = serve(routes.layer(auditor.layer())).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        if bytes_before > 0 {
            let mut start = [0; 16];
            stream.read_exact(&mut start).await.unwrap();
        } else {
            called.notified().await;
        }
        drop(stream);
        let record = eventually(&auditor, &store).await;
        assert_eq!(
            (record.outcome, record.response_bytes),
            (Some(outcome), Some(bytes_before))
        );
    }
}
