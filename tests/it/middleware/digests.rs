//! Keyed digests of whole bodies.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
use axum::routing::post;
use tower_audit::{AuditLayer, Auditor, MemoryStore, Record, Sanitizer};

use super::{App, request};
use crate::support::run_here;

fn app(configure: impl FnOnce(AuditLayer) -> AuditLayer) -> App {
    let store = MemoryStore::new();
    let sanitizer = Sanitizer::builder()
        .pseudonym_key("old", [1; 32])
        .pseudonym_key("k1", [2; 32])
        .build()
        .unwrap();
    let auditor = run_here(Auditor::builder().store(store.clone()).sanitizer(sanitizer));
    let router = Router::new()
        .route("/echo", post(|body: Bytes| async { body }))
        .route("/deaf", post(|_: Body| async { "not read" }))
        .layer(configure(auditor.layer().digest_bodies(true)));
    App {
        auditor,
        store,
        router,
    }
}

/// In pieces, and of a type that is not captured.
fn sent(path: &str, body: &[u8]) -> Request<Body> {
    let pieces: Vec<_> = body
        .chunks(1_000)
        .map(|piece| Ok::<_, std::convert::Infallible>(Bytes::copy_from_slice(piece)))
        .collect();
    request(Method::POST, path)
        .header("content-type", "application/octet-stream")
        .body(Body::from_stream(futures_util::stream::iter(pieces)))
        .unwrap()
}

async fn record_of(app: &mut App, request: Request<Body>) -> Record {
    app.send(request).await;
    app.records().await.pop().unwrap()
}

#[tokio::test(start_paused = true)]
async fn both_bodies_have_a_digest_however_little_of_them_is_kept() {
    let body: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
    for configure in [|layer| layer, AuditLayer::metadata_only as fn(_) -> _] {
        let mut app = app(configure);
        let record = record_of(&mut app, sent("/echo", &body)).await;
        let expected = app.auditor.body_digests(&body);
        assert!(expected.len() == 2 && expected[0].starts_with("hmac:k1:"));
        assert_eq!(expected[0].len(), "hmac:k1:".len() + 64);
        assert_eq!(record.request_digest.as_ref(), Some(&expected[0]));
        assert_eq!(record.response_digest.as_ref(), Some(&expected[0]));
        let mut other = body.clone();
        other[50_000] ^= 1;
        let record = record_of(&mut app, sent("/echo", &other)).await;
        assert_ne!(record.request_digest.as_ref(), Some(&expected[0]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_was_not_read_to_its_end_or_is_empty_has_none() {
    let mut app = app(|layer| layer);
    let record = record_of(&mut app, sent("/deaf", &[7; 5_000])).await;
    assert_eq!(record.request_digest, None);
    assert!(record.response_digest.is_some());
    let record = record_of(&mut app, sent("/echo", b"")).await;
    assert_eq!(
        (&record.request_digest, &record.response_digest),
        (&None, &None)
    );
}

#[tokio::test(start_paused = true)]
async fn without_being_asked_for_there_is_none() {
    let mut app = app(|layer| layer.digest_bodies(false));
    let record = record_of(&mut app, sent("/echo", b"something")).await;
    assert_eq!(
        (&record.request_digest, &record.response_digest),
        (&None, &None)
    );
}

#[test]
#[should_panic(expected = "need a key")]
fn without_a_key_it_is_refused() {
    let (auditor, _writer) = Auditor::builder()
        .store(MemoryStore::new())
        .build()
        .unwrap();
    let _ = auditor.layer().digest_bodies(true);
}
