//! Values of headers that are kept, and of some that are not.
#![no_main]

use http::{HeaderValue, Request, Response};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower_audit_fuzz::{CANARY, auditor};

const NAMES: &[&str] = &[
    "accept",
    "authorization",
    "content-encoding",
    "content-type",
    "cookie",
    "link",
    "origin",
    "prefer",
    "referer",
    "traceparent",
    "user-agent",
    "x-request-id",
    "grpc-message",
    "host",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, value)) = bytes.split_first() else {
        return;
    };
    let name = NAMES[usize::from(*first) % NAMES.len()];
    let Ok(value) = HeaderValue::from_bytes(value) else {
        return;
    };
    let secret = HeaderValue::from_static(concat!("Bearer ", "kanarievogel"));
    let request = Request::post("/")
        .header(name, &value)
        .header("authorization", secret)
        .body("{}")
        .expect("a valid request");
    let response = Response::builder()
        .header(name, &value)
        .body("")
        .expect("a valid response");
    let record = auditor().preview(request, response);
    let sides = [&record.request_headers, &record.response_headers];
    for headers in sides.into_iter().flatten() {
        serde_json::from_str::<Value>(headers.as_str()).expect("headers are JSON");
    }
    assert!(!format!("{record:?}").contains(CANARY));
});
