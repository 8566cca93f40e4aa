//! What becomes of the bodies of a request and its response.

use std::convert::Infallible;

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::body::to_bytes;
use axum::http::Method;
use axum::http::StatusCode;
use axum::routing::get;
use axum::routing::post;
use serde_json::json;
use tower_audit::AuditLayer;
use tower_audit::Outcome;
use tower_audit::ResponseBodies;

use super::App;
use super::json_request;
use super::request;

#[tokio::test(start_paused = true)]
async fn bodies_are_captured_and_sanitized_both_ways() {
    let echo = post(|body: String| async move { ([("content-type", "application/json")], body) });
    let app = App::new(Router::new().route("/echo", echo));
    let record = app
        .record_of(json_request(
            "/echo",
            r#"{"user":"ada","password":"hunter2"}"#,
        ))
        .await;
    for body in [&record.request_body, &record.response_body] {
        let body = body.as_deref().unwrap();
        assert!(
            body.contains(r#""user":"ada""#) && !body.contains("hunter2"),
            "{body}"
        );
    }
    assert!(!record.request_truncated && !record.response_truncated);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_tells_of_a_timeout_counts_as_whole() {
    let late = || async { (StatusCode::REQUEST_TIMEOUT, Json(json!({"error": "late"}))) };
    let app = App::new(Router::new().route("/late", post(late)));
    let record = app.record_of(json_request("/late", "{}")).await;
    assert_eq!(record.outcome, Some(Outcome::TimedOut));
    assert_eq!(record.response_body.as_deref(), Some(r#"{"error":"late"}"#));
    assert!(!record.response_truncated);
}

#[tokio::test(start_paused = true)]
async fn a_long_body_is_cut_at_the_limit_and_passes_whole() {
    let echo = post(|body: String| async move { ([("content-type", "application/json")], body) });
    let mut app = App::layered(Router::new().route("/echo", echo), |layer| {
        layer
            .response_bodies(ResponseBodies::Always)
            .request_body_limit(50)
            .response_body_limit(60)
    });
    let body = format!(
        r#"{{"a":1,"password":"hunter2","b":"{}"}}"#,
        "x".repeat(1_000)
    );
    let response = app.send(json_request("/echo", &body)).await;
    assert_eq!(
        to_bytes(response.into_body(), usize::MAX).await.unwrap(),
        body.as_bytes()
    );
    let record = app.records().await.pop().unwrap();
    let size = Some(body.len() as i64);
    assert_eq!((record.request_bytes, record.response_bytes), (size, size));
    assert!(record.request_truncated && record.response_truncated);
    let kept = record.request_body.as_deref().unwrap();
    assert!(
        kept.contains(r#""a":1"#) && kept.contains("$truncated"),
        "{kept}"
    );
    assert!(!format!("{record:?}").contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn response_bodies_are_captured_as_told() {
    let routes = || {
        Router::new()
            .route("/good", get(|| async { Json(json!({"n": 1})) }))
            .route(
                "/bad",
                get(|| async { (StatusCode::BAD_REQUEST, Json(json!({"n": 2}))) }),
            )
    };
    for (mode, good, bad) in [
        (ResponseBodies::Off, false, false),
        (ResponseBodies::OnFailure, false, true),
        (ResponseBodies::Always, true, true),
    ] {
        for (uri, expected) in [("/good", good), ("/bad", bad)] {
            let app = App::layered(routes(), |layer| layer.response_bodies(mode));
            let record = app
                .record_of(request(Method::GET, uri).body(Body::empty()).unwrap())
                .await;
            let body = record.response_body.as_deref().unwrap_or_default();
            assert_eq!(body.contains("\"n\""), expected, "{mode:?} {uri} {body}");
            assert_eq!(record.response_bytes, Some(7));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn metadata_only_keeps_sizes_and_no_content() {
    let echo = post(|body: String| async move { ([("content-type", "application/json")], body) });
    let app = App::layered(
        Router::new().route("/echo", echo),
        AuditLayer::metadata_only,
    );
    let record = app
        .record_of(json_request("/echo", r#"{"user":"zoe"}"#))
        .await;
    assert_eq!(
        (record.request_bytes, record.response_bytes),
        (Some(14), Some(14))
    );
    assert_eq!(record.level, Some(tower_audit::Level::Metadata));
    assert!(!format!("{record:?}").contains("zoe"));
}

#[tokio::test(start_paused = true)]
async fn a_request_body_that_is_not_read_to_its_end_counts_as_cut() {
    let handler = post(|body: Body| async move {
        let mut body = body.into_data_stream();
        futures_util::StreamExt::next(&mut body).await;
    });
    let app = App::new(Router::new().route("/", handler));
    let parts = ["{\"a\":1,", "\"b\":2}"].map(Ok::<_, Infallible>);
    let request = request(Method::POST, "/")
        .header("content-type", "application/json")
        .body(Body::from_stream(futures_util::stream::iter(parts)))
        .unwrap();
    let record = app.record_of(request).await;
    assert!(record.request_truncated);
    assert_eq!(
        record.request_body.as_deref(),
        Some(r#"{"a":1,"$truncated":true}"#)
    );
}

#[tokio::test(start_paused = true)]
async fn tokens_in_the_place_of_names_are_masked_too() {
    const JWT: &str =
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9";
    let form = post(|_: String| async {});
    for (content_type, body) in [
        ("application/x-www-form-urlencoded", format!("{JWT}=&a=1")),
        (
            "application/json",
            format!(r#"{{"sessions":{{"{JWT}":1}}}}"#),
        ),
    ] {
        let app = App::new(Router::new().route("/", form.clone()));
        let request = request(Method::POST, &format!("/?{JWT}="))
            .header("content-type", content_type)
            .header("cookie", format!("{JWT}=1"))
            .body(Body::from(body))
            .unwrap();
        let record = app.record_of(request).await;
        assert!(
            !format!("{record:?}").contains("dozjgNryP4J3"),
            "{record:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_form_with_files_the_fields_and_the_heads_of_files_are_kept() {
    let part = |head: &str, content: &str| {
        format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    };
    let body = [
        part("name=\"user\"", "ada"),
        part("name=\"password\"", "hunter2"),
        part("name=\"photo\"; filename=\"a.png\"", &"hunter2".repeat(100)),
        "--b--\r\n".to_owned(),
    ]
    .concat();
    let fields = r#"{"name":"user","value":"ada"},{"name":"password","value":"[redacted]"}"#;
    for (limit, photo) in [
        (16 * 1024, ",\"bytes\":700}"),
        (300, "},{\"$truncated\":true}"),
    ] {
        let upload = post(|body: String| async move { body.len().to_string() });
        let mut app = App::layered(Router::new().route("/", upload), |layer| {
            layer.request_body_limit(limit)
        });
        let request = request(Method::POST, "/")
            .header("content-type", "multipart/form-data; boundary=b")
            .body(Body::from(body.clone()))
            .unwrap();
        let answer = app.send(request).await.into_body();
        let answer = to_bytes(answer, usize::MAX).await.unwrap();
        assert_eq!(answer, body.len().to_string());
        let record = app.records().await.pop().unwrap();
        let expected = format!(r#"[{fields},{{"name":"photo","filename":"a.png"{photo}]"#);
        assert_eq!(record.request_body, Some(expected));
        assert_eq!(record.request_truncated, limit == 300);
        assert!(!format!("{record:?}").contains("hunter2"));
    }
}
