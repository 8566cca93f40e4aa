//! Bodies that come encoded, with a layer that is told to decode them.

use std::io::Write;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use axum::routing::post;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use tower_audit::{AuditLayer, Fields, ResponseBodies};

use super::{App, request};

const ORDER: &[u8] = include_bytes!("../fixtures/order.json");
const BROTLI: &[u8] = include_bytes!("../fixtures/order.json.br");
const ZSTD: &[u8] = include_bytes!("../fixtures/order.json.zst");
const BROTLI_BOMB: &[u8] = include_bytes!("../fixtures/bomb.br");

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn codings() -> [(&'static str, Vec<u8>); 3] {
    [
        ("gzip", gzip(ORDER)),
        ("br", BROTLI.to_vec()),
        ("zstd", ZSTD.to_vec()),
    ]
}

/// Answers with what it is sent, encoded in the same way.
fn echo() -> Router {
    let echo = |request: Request<Body>| async move {
        let coding = request.headers().get("content-encoding").cloned();
        let body = to_bytes(request.into_body(), usize::MAX).await.unwrap();
        let coding = coding.unwrap_or_else(|| "identity".parse().unwrap());
        let kind = "application/json".parse().unwrap();
        ([("content-encoding", coding), ("content-type", kind)], body)
    };
    Router::new().route("/", post(echo))
}

fn decoding(layer: AuditLayer) -> AuditLayer {
    layer
        .response_bodies(ResponseBodies::Always)
        .decode_bodies(true)
}

fn encoded(coding: &str, body: &[u8]) -> Request<Body> {
    request(Method::POST, "/")
        .header("content-type", "application/json")
        .header("content-encoding", coding)
        .body(Body::from(body.to_vec()))
        .unwrap()
}

/// The record of a body, after it has passed unchanged.
async fn record_of(
    layer: impl FnOnce(AuditLayer) -> AuditLayer,
    coding: &str,
    body: &[u8],
) -> Fields {
    let mut app = App::layered(echo(), layer);
    let response = app.send(encoded(coding, body)).await;
    let answer: Bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert_eq!(answer, body);
    let record = app.records().await.pop().unwrap();
    let size = Some(body.len() as i64);
    assert_eq!((record.request_bytes, record.response_bytes), (size, size));
    assert!(!format!("{record:?}").contains("canary"), "{record:?}");
    Fields::clone(&record)
}

#[tokio::test(start_paused = true)]
async fn encoded_bodies_are_decoded_for_the_record_both_ways() {
    for (coding, body) in codings() {
        let record = record_of(decoding, coding, &body).await;
        let encoding = format!("{coding}+utf-8");
        assert_eq!(record.request_encoding.as_ref(), Some(&encoding));
        assert_eq!(record.response_encoding.as_ref(), Some(&encoding));
        assert!(!record.request_truncated && !record.response_truncated);
        for kept in [record.request_body, record.response_body] {
            let kept = kept.unwrap();
            assert!(
                kept.starts_with(r#"{"user":"ada","password":"[redacted]","items":["#),
                "{kept}"
            );
            assert!(kept.ends_with(r#""token":"[redacted]","end":1}"#), "{kept}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_being_told_encoded_bodies_leave_their_size_only() {
    for (coding, body) in codings() {
        let plain = |layer: AuditLayer| layer.response_bodies(ResponseBodies::Always);
        let record = record_of(plain, coding, &body).await;
        assert_eq!((record.request_body, record.response_body), (None, None));
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_decoded_leaves_a_placeholder() {
    let json = br#"{"password":"canary"}"#;
    let gzip = gzip(json);
    for (coding, body) in [
        ("gzip", &json[..]),
        ("br", &json[..]),
        ("zstd", &json[..]),
        ("zstd", &gzip),
    ] {
        let record = record_of(decoding, coding, body).await;
        let expected = format!(
            "[application/json, {} bytes, {coding}, unreadable]",
            body.len()
        );
        assert_eq!(record.request_body, Some(expected));
        assert_eq!(record.request_encoding, None);
    }
    for coding in ["gzip, br", "deflate", "gzip,gzip"] {
        let record = record_of(decoding, coding, &gzip).await;
        assert_eq!((record.request_body, record.response_body), (None, None));
    }
    let mut app = App::layered(echo(), decoding);
    let mut twice = encoded("gzip", &gzip);
    twice
        .headers_mut()
        .append("content-encoding", "gzip".parse().unwrap());
    app.send(twice).await;
    assert_eq!(app.records().await[0].request_body, None);
}

#[tokio::test(start_paused = true)]
async fn no_cut_of_an_encoded_body_shows_a_secret() {
    let json = br#"{"a":1,"password":"canary","b":"xyz","token":["canary"],"c":2}"#;
    let all = codings().into_iter().chain([("gzip", gzip(json))]);
    for (coding, body) in all {
        // Larger ones at some places only.
        for limit in (1..body.len()).step_by(body.len().div_ceil(100)) {
            let cut = |layer| {
                decoding(layer)
                    .request_body_limit(limit)
                    .response_body_limit(limit)
            };
            let record = record_of(cut, coding, &body).await;
            assert!(record.request_truncated && record.response_truncated);
            let kept = record.request_body.unwrap();
            let is_told = kept.contains("$truncated") || kept.contains("unreadable");
            // Where the cut went through the checksum, all is there.
            assert!(
                is_told || kept.ends_with("2}") || kept.ends_with("1}"),
                "{kept}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_out_is_cut_at_the_limit_of_the_side() {
    let long = format!(r#"{{"a":1,"b":"{}"}}"#, "x".repeat(2_000));
    let small = |layer: AuditLayer| decoding(layer).request_body_limit(1_000);
    let record = record_of(small, "gzip", &gzip(long.as_bytes())).await;
    assert_eq!(
        record.request_body.as_deref(),
        Some(r#"{"a":1,"$truncated":true}"#)
    );
    assert!(record.request_truncated && !record.response_truncated);
    assert_eq!(record.response_body, Some(long));
}

#[tokio::test(start_paused = true)]
async fn bombs_leave_small_records() {
    let mut blocks = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3];
    // Half a gigabyte in 4,096 blocks of one repeated byte each.
    blocks.extend((0..4_096).flat_map(|_| [2, 0, 0x10, b' ']));
    for (coding, bomb) in [
        ("gzip", gzip(&vec![b' '; 16 << 20])),
        ("br", BROTLI_BOMB.to_vec()),
        ("zstd", blocks),
    ] {
        let large = |layer| decoding(layer).request_body_limit(256 * 1024);
        let record = record_of(large, coding, &bomb).await;
        assert!(record.request_body.unwrap().len() < 256 * 1024);
    }
}
