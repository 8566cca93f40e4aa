//! A body of any size passes; what is kept of it is small.

use std::convert::Infallible;
use std::process::Command;

use axum::body::Body;
use axum::http::{Request, Response};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};
use tower_audit::{Outcome, ResponseBodies};

use crate::support::{assert_accounted, started};

const FRAME_BYTES: usize = 64 << 10;
const FRAMES: usize = 16 << 10;
/// With the sign in front.
const SIZE: i64 = (1 << 30) + 1;
/// What is kept by default, and the mark of the cut.
const KEPT_BYTES: usize = (16 << 10) + 64;

/// Set for the process whose memory is measured.
const IS_CHILD: &str = "TOWER_AUDIT_GIANT_BODIES";

/// In a process of its own, so that its memory is that of one exchange.
#[test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "only Linux tells how much memory was held"
)]
fn a_gibibyte_each_way_passes_and_takes_no_memory() {
    if std::env::var_os(IS_CHILD).is_some() {
        return pass_a_gibibyte_each_way();
    }
    let name = "giant_bodies::a_gibibyte_each_way_passes_and_takes_no_memory";
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(IS_CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

#[tokio::main(flavor = "current_thread")]
async fn pass_a_gibibyte_each_way() {
    let (auditor, store) = started().await;
    let layer = auditor.layer().response_bodies(ResponseBodies::Always);
    let echo = layer.layer(service_fn(|request: Request<_>| async {
        let response = Response::builder().header("content-type", "application/json");
        Ok::<_, Infallible>(response.body(request.into_body()).unwrap())
    }));
    // The start of an array of numbers, without an end.
    let frame = Bytes::from("1234567,".repeat(FRAME_BYTES / 8));
    // Each frame is memory of its own, so that holding on to one would show.
    let rest = (0..FRAMES).map(move |_| Bytes::copy_from_slice(&frame));
    let frames = [Bytes::from_static(b"[")].into_iter().chain(rest);
    let frames = frames.map(Ok::<_, Infallible>);
    let request = Request::post("/")
        .header("content-type", "application/json")
        .body(Body::from_stream(stream::iter(frames)))
        .unwrap();
    let before = peak_kib();
    let mut body = echo.oneshot(request).await.unwrap().into_body();
    let mut passed = 0;
    while let Some(frame) = body.frame().await {
        passed += frame.unwrap().into_data().unwrap().len();
    }
    drop(body);
    auditor.flush().await.unwrap();
    let grown = peak_kib() - before;
    assert!(grown < 16 << 10, "{grown} KiB more");
    assert_eq!(passed as i64, SIZE);
    let records = store.records();
    assert_accounted(auditor.stats(), &records);
    let record = &records[0];
    assert_eq!(record.outcome, Some(Outcome::Completed));
    assert_eq!(
        (record.request_bytes, record.response_bytes),
        (Some(SIZE), Some(SIZE))
    );
    assert!(record.request_truncated && record.response_truncated);
    for body in [&record.request_body, &record.response_body] {
        let kept = body.as_ref().unwrap().len();
        assert!((KEPT_BYTES / 2..KEPT_BYTES).contains(&kept), "{kept} bytes");
    }
}

/// The most memory that the process has held so far, as Linux tells it.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = line.unwrap().trim().strip_suffix(" kB").unwrap();
    peak.parse().unwrap()
}
