//! The answer is the same with and without the layer, byte for byte, on a real connection.
//!
//! Server and client share one thread, so that what is sent before an HTTP/2
//! stream is reset does not depend on which of its tasks comes first.

mod aborts;
mod app;
mod cases;
mod frames;
mod heads;
mod hostile;
mod http1;
mod http2;
mod site;
mod stack;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http_body_util::BodyExt;
use tower_audit::{Auditor, MemoryStore, Record, ResponseBodies};

use self::cases::Case;
use self::site::{Protocol, Site};
use self::stack::STACKS;
use crate::support::{assert_accounted, started};

#[tokio::test]
async fn an_answer_over_http_1_is_the_same_with_and_without_the_layer() {
    compare_all(Protocol::Http1).await;
}

#[tokio::test]
async fn an_answer_over_http_2_is_the_same_with_and_without_the_layer() {
    compare_all(Protocol::Http2).await;
}

async fn compare_all(protocol: Protocol) {
    let cases = cases::of(protocol);
    for (number, &(place, stack)) in STACKS.iter().enumerate() {
        let (auditor, store) = started().await;
        let layer = auditor.layer().response_bodies(ResponseBodies::Always);
        let mut bare = Site::start(protocol, stack, None).await;
        let mut layered = Site::start(protocol, stack, Some(layer)).await;
        for case in &cases {
            let expected = bare.exchange(&case.steps).await;
            let answer = layered.exchange(&case.steps).await;
            assert_eq!(answer, expected, "{place}: {}", case.name);
        }
        assert_eq!(layered.calls(), bare.calls(), "{place}");
        let records = recorded(&auditor, &store, layered.calls()).await;
        assert_accounted(auditor.stats(), &records);
        if number == 0 {
            cases
                .iter()
                .for_each(|case| assert_recorded(case, &records));
        }
    }
}

/// The records, once there are as many: a request may end a little later than its answer.
async fn recorded(auditor: &Auditor, store: &MemoryStore, requests: usize) -> Vec<Record> {
    let counted = async {
        while auditor.stats().offered < requests as u64 {
            tokio::task::yield_now().await;
        }
    };
    let limit = Duration::from_secs(20);
    let counted = tokio::time::timeout(limit, counted).await;
    counted.expect("each request is recorded");
    auditor.flush().await.unwrap();
    let records = store.records();
    assert_eq!(records.len(), requests, "each request is recorded once");
    records
}

fn assert_recorded(case: &Case, records: &[Record]) {
    let id = cases::id(&case.name);
    let own: Vec<_> = records
        .iter()
        .filter(|record| record.request_id.as_deref() == Some(&id))
        .map(|record| record.outcome)
        .collect();
    assert_eq!(own, [Some(case.outcome)], "{}", case.name);
}

/// What is compared is worth comparing: heads, sizes of chunks and frames, trailers, resets, ends.
#[tokio::test]
async fn a_transcript_shows_the_whole_exchange() {
    for (protocol, case, place, shown) in [
        (
            Protocol::Http1,
            "GET /trailers over 1.1, \"\"",
            "alone",
            &[
                "HTTP/1.1 200 OK",
                "transfer-encoding: chunked",
                "x-checksum: abc",
                "content-length: 64",
            ][..],
        ),
        (
            Protocol::Http1,
            "HEAD /sized over 1.1, \"\"",
            "within compression",
            &["content-encoding: gzip"],
        ),
        (
            Protocol::Http1,
            "GET /panics over 1.1, \"\"",
            "around CatchPanic",
            &["500 Internal Server Error"],
        ),
        (
            Protocol::Http1,
            "GET /fails over 1.1, \"\"",
            "alone",
            &["no backend"],
        ),
        (
            Protocol::Http1,
            "a connection that leaves HTTP",
            "alone",
            &["101 Switching", "PINGPONG"],
        ),
        (
            Protocol::Http2,
            "GET /trailers",
            "alone",
            &["1 DATA: one ", "1 HEADERS and END: "],
        ),
        (
            Protocol::Http2,
            "GET /fails",
            "alone",
            &["1 RST_STREAM and END: \\x00\\x00\\x00\\x02"],
        ),
        (
            Protocol::Http2,
            "GET /fails-calmly",
            "alone",
            &["1 RST_STREAM and END: \\x00\\x00\\x00\\x0b"],
        ),
        (
            Protocol::Http2,
            "GET /breaks-calmly",
            "alone",
            &["1 RST_STREAM and END: \\x00\\x00\\x00\\x0b"],
        ),
        (
            Protocol::Http2,
            "a client that breaks the protocol",
            "alone",
            &["0 GOAWAY"],
        ),
        (Protocol::Http2, "a tunnel", "alone", &["1 DATA: PING"]),
        (
            Protocol::Http2,
            "a client that cancels before the head",
            "alone",
            &["the handler was dropped"],
        ),
    ] {
        let (_, stack) = STACKS.iter().find(|(name, _)| *name == place).unwrap();
        let mut site = Site::start(protocol, *stack, None).await;
        let cases = cases::of(protocol);
        let case = cases.iter().find(|one| one.name == case).unwrap();
        let transcript = format!("{:#?}", site.exchange(&case.steps).await).replace("\\\\", "\\");
        for part in shown {
            assert!(
                transcript.contains(part),
                "{}: {part:?} in {transcript}",
                case.name
            );
        }
    }
}

#[tokio::test]
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
