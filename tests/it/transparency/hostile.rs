//! Of a hostile head the answer is the same, and the record is small, whole and harmless.

use serde_json::Value;
use tower_audit::Record;
use tower_audit::event::limits;

use crate::support::started;

use super::heads::{Head, http1, http2};
use super::recorded;
use super::site::Step::{self, Ended, Send};
use super::site::{Protocol, Site};
use super::stack::STACKS;

#[tokio::test]
async fn a_hostile_head_over_http_1_changes_nothing_and_leaves_a_harmless_record() {
    // Another request on the same connection shows whether the first one has hidden one.
    let follow = b"GET /empty HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    attack(Protocol::Http1, http1(), |bytes| {
        vec![Send([bytes, follow].concat())]
    })
    .await;
}

#[tokio::test]
async fn a_hostile_head_over_http_2_changes_nothing_and_leaves_a_harmless_record() {
    attack(Protocol::Http2, http2(), |bytes| {
        vec![Send(bytes.to_vec()), Ended(1)]
    })
    .await;
}

async fn attack(protocol: Protocol, heads: Vec<Head>, steps: impl Fn(&[u8]) -> Vec<Step>) {
    let (auditor, store) = started().await;
    let (_, stack) = STACKS[0];
    let mut bare = Site::start(protocol, stack, None).await;
    let mut layered = Site::start(protocol, stack, Some(auditor.layer())).await;
    for (name, is_passed_on, bytes) in heads {
        let steps = steps(&bytes);
        let expected = bare.exchange(&steps).await;
        let calls = layered.calls();
        let answer = layered.exchange(&steps).await;
        assert!(
            answer == expected,
            "{name}: {answer:?} instead of {expected:?}"
        );
        assert_eq!(layered.calls(), bare.calls(), "{name}");
        assert_eq!(layered.calls() > calls, is_passed_on, "{name}: {answer:?}");
        let records = recorded(&auditor, &store, layered.calls()).await;
        records[calls..]
            .iter()
            .for_each(|record| assert_harmless(name, record));
    }
}

/// The record is JSON, within its limits, and can be shown to people as it is.
fn assert_harmless(name: &str, record: &Record) {
    let json = serde_json::to_string(record).unwrap();
    assert!(
        json.len() < 2 * limits::HEADERS_BYTES,
        "{name}: {} bytes",
        json.len()
    );
    for (text, limit) in [
        (&record.method, limits::NAME_BYTES),
        (&record.path, limits::PATH_BYTES),
        (&record.query, limits::QUERY_BYTES),
        (&record.host, limits::NAME_BYTES),
        (&record.request_id, limits::NAME_BYTES),
        (&record.request_content_type, limits::NAME_BYTES),
        (&record.user_agent, limits::USER_AGENT_BYTES),
        (&record.forwarded, limits::TEXT_BYTES),
    ] {
        let length = text.as_ref().map_or(0, String::len);
        assert!(length <= limit, "{name}: {length} bytes");
    }
    assert!(record.cookies.len() <= limits::LIST_ITEMS, "{name}");
    assert!(!json.contains("secret"), "{name}: {json}");
    assert_showable(name, &serde_json::from_str(&json).unwrap());
}

fn assert_showable(name: &str, value: &Value) {
    match value {
        Value::String(text) => {
            let is_harmful = |sign: char| {
                sign.is_control() && sign != '\t'
                    || matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            assert!(!text.contains(is_harmful), "{name}: {text:?}");
        }
        Value::Array(values) => values.iter().for_each(|value| assert_showable(name, value)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            assert_showable(name, &Value::String(key.clone()));
            assert_showable(name, value);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
