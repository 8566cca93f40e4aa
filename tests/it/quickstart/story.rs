//! Every route once, on SQLite and on PostgreSQL, and what the trail says of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::program::{Quickstart, Stopped};
use crate::postgres::cluster;

const PASSWORD: &str = "open sesame";
const WRONG_PASSWORD: &str = "canary-wrong-password";
/// The details that this story reads.
const DETAILS: usize = 5;
const KEY: &str = "canary-api-key";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trail_in_sqlite_tells_what_happened() {
    let quickstart = Quickstart::start(None);
    let requests = play(&quickstart).await;
    let stopped = quickstart.stop();
    assert_drained(&stopped, requests);
    let files = stopped.files();
    assert!(
        files
            .iter()
            .any(|file| file.ends_with("audit-quickstart.db")),
        "{files:?}"
    );
    for file in files {
        assert_no_secret(&std::fs::read(&file).unwrap(), &file.display().to_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trail_in_postgres_tells_what_happened() {
    let url = cluster::own_database("quickstart_story").await;
    let quickstart = Quickstart::start(Some(&url));
    let requests = play(&quickstart).await;
    assert_drained(&quickstart.stop(), requests);
    let dump = Command::new(cluster::program("pg_dump"))
        .arg(&url)
        .output()
        .unwrap();
    assert!(
        dump.status.success(),
        "{}",
        String::from_utf8_lossy(&dump.stderr)
    );
    assert!(
        dump.stdout.windows(6).any(|window| window == b"/login"),
        "the dump has the rows"
    );
    assert_no_secret(&dump.stdout, "the dump");
}

/// Uses every route, checks the records, and returns how many events that made:
/// one for each request that is audited, and one for each detail that was read.
async fn play(app: &Quickstart) -> usize {
    logins(app).await;
    orders(app).await;
    let echoes = echoes(app).await;
    streams_and_panics(app).await;
    hang_ups(app).await;
    app.get("/health").await;
    let other = app.records("path=/health", 0).await;
    assert!(other.is_empty());
    let details = app.records("kind=read&action=audit.detail", DETAILS).await;
    assert!(details.iter().all(|read| read["actor_id"] == "admin"));
    2 + 5 + echoes + 3 + 2 + DETAILS
}

fn assert_drained(stopped: &Stopped, requests: usize) {
    let expected =
        format!("offered={requests} stored={requests} quarantined=0 dropped=0 pending=0");
    assert_eq!(stopped.last_line, expected);
    assert_no_secret(stopped.log.as_bytes(), "the log");
}

fn assert_no_secret(bytes: &[u8], place: &str) {
    for secret in [PASSWORD, WRONG_PASSWORD, KEY] {
        let found = bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!found, "{secret} is in {place}");
    }
}

async fn logins(app: &Quickstart) {
    let login = |password: &str| json!({"username": "ada", "password": password}).to_string();
    assert_eq!(
        app.json("POST", "/login", &login(PASSWORD)).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        app.json("POST", "/login", &login(WRONG_PASSWORD)).await.0,
        StatusCode::UNAUTHORIZED
    );
    let records = app.records("path=/login", 2).await;
    for (record, status) in records.iter().zip([204, 401]) {
        let record = app.detail(record).await;
        assert_fields(
            &record,
            &json!({
                "kind": "auth", "action": "login", "actor_kind": "user", "actor_id": "ada",
                "method": "POST", "path": "/login", "route": "/login", "query": null,
                "http_version": "1.1", "status": status, "success": status == 204,
                "outcome": "completed", "client_ip": "127.0.0.1", "peer_ip": "127.0.0.1",
                "request_content_type": "application/json", "flagged": false, "sample_weight": 1.0,
                "request_truncated": false, "error": null, "level": "full",
            }),
        );
        assert_eq!(record["host"], app.address.to_string());
        assert_eq!(record["request_id"], record["id"]);
        let body: Value = serde_json::from_str(record["request_body"].as_str().unwrap()).unwrap();
        assert_eq!(body["username"], "ada");
        assert_eq!(body["password"], "[redacted]");
        let (ttfb, duration) = (&record["ttfb_us"], &record["duration_us"]);
        assert!(
            ttfb.as_i64().unwrap() > 0 && duration.as_i64() >= ttfb.as_i64(),
            "{record:#}"
        );
    }
}

async fn orders(app: &Quickstart) {
    assert_eq!(app.get("/orders/1").await.0, StatusCode::NOT_FOUND);
    let (status, _) = app
        .json("POST", "/orders?source=web", r#"{"item":"tea","count":2}"#)
        .await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(
        app.json("PUT", "/orders/1", r#"{"item":"tea","count":3}"#)
            .await
            .0,
        StatusCode::OK
    );
    assert_eq!(app.get("/orders/1").await.0, StatusCode::OK);
    let head = Request::builder()
        .method(Method::HEAD)
        .uri("/orders/1")
        .body(Body::empty());
    assert_eq!(app.send(head.unwrap()).await.unwrap().0, StatusCode::OK);

    let created = &app.records("action=order.create", 1).await[0];
    let created = app.detail(created).await;
    assert_fields(
        &created,
        &json!({
            "method": "POST", "path": "/orders", "route": "/orders", "query": "source=web",
            "status": 201, "resource_type": "order", "resource_id": "1", "request_bytes": 24,
            "response_bytes": 24, "request_body": r#"{"item":"tea","count":2}"#,
            "response_body": r#"{"item":"tea","count":2}"#,
            "changes": [{
                "resource_type": "order", "resource_id": "1", "operation": "created",
                "after": {"item": "tea", "count": 2},
            }],
        }),
    );
    let updated = &app.records("action=order.update", 1).await[0];
    let updated = app.detail(updated).await;
    assert_fields(
        &updated,
        &json!({
            "method": "PUT", "path": "/orders/1", "route": "/orders/{id}", "status": 200,
        }),
    );
    assert_eq!(updated["changes"][0]["changed"], json!(["count"]));
    let reads = app.records("action=order.read", 3).await;
    let summary: Vec<_> = reads
        .iter()
        .map(|read| {
            (
                read["method"].as_str().unwrap(),
                read["status"].as_i64().unwrap(),
                read["outcome"].clone(),
            )
        })
        .collect();
    let completed = json!("completed");
    assert_eq!(
        summary,
        [
            ("GET", 404, completed.clone()),
            ("GET", 200, completed.clone()),
            ("HEAD", 200, completed)
        ]
    );
}

/// Sends a secret, cut off at every byte.
async fn echoes(app: &Quickstart) -> usize {
    let document = format!(r#"{{"a":{{"Api-Key":"{KEY}"}}}}"#);
    for end in 0..=document.len() {
        let (status, body) = app.json("POST", "/echo", &document[..end]).await;
        assert_eq!(
            (status, &body[..]),
            (StatusCode::OK, &document.as_bytes()[..end])
        );
    }
    let records = app.records("path=/echo", document.len() + 1).await;
    let last = app.detail(records.last().unwrap()).await;
    for body in ["request_body", "response_body"] {
        assert_eq!(last[body], json!(r#"{"a":{"Api-Key":"[redacted]"}}"#));
    }
    records.len()
}

async fn streams_and_panics(app: &Quickstart) {
    let (_, events) = app.get("/stream").await;
    assert_eq!(
        String::from_utf8_lossy(&events)
            .matches("event: tick")
            .count(),
        5
    );
    assert_eq!(app.get("/slow").await.0, StatusCode::OK);
    let boom = app
        .send(Request::get("/boom").body(Body::empty()).unwrap())
        .await;
    assert!(boom.is_err(), "a panic closes the connection: {boom:?}");

    let stream = &app.records("path=/stream", 1).await[0];
    assert_fields(
        stream,
        &json!({
            "outcome": "completed", "status": 200, "response_bytes": events.len(),
            "response_content_type": "text/event-stream",
        }),
    );
    assert!(
        stream["duration_us"].as_i64() >= Some(800_000),
        "{stream:#}"
    );
    assert!(stream["ttfb_us"].as_i64() < Some(500_000), "{stream:#}");
    let slow = &app.records("path=/slow", 1).await[0];
    assert!(slow["ttfb_us"].as_i64() >= Some(2_000_000), "{slow:#}");
    let boom = &app.records("path=/boom", 1).await[0];
    assert_fields(
        boom,
        &json!({"outcome": "panicked", "success": false, "status": null}),
    );
}

async fn hang_ups(app: &Quickstart) {
    let open = |path: &str| {
        let mut stream = TcpStream::connect(app.address).unwrap();
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").as_bytes())
            .unwrap();
        stream
    };
    // A server that sees the end of the connection before it has called the
    // service drops the request, and then there is none: let it get that far.
    // Connections are accepted in the order in which they were opened.
    let slow = open("/slow?hang-up");
    for _ in 0..50 {
        let mut later = open("/health");
        later.read_exact(&mut [0; 20]).unwrap();
    }
    drop(slow);
    let mut stream = open("/stream?hang-up");
    stream.read_exact(&mut [0; 20]).unwrap();
    drop(stream);
    let aborted = &app.records("outcome=aborted_before_head", 1).await[0];
    assert_fields(
        aborted,
        &json!({"path": "/slow", "query": "hang-up", "status": null, "success": false}),
    );
    let aborted = &app.records("outcome=aborted_mid_body", 1).await[0];
    assert_fields(
        aborted,
        &json!({"path": "/stream", "status": 200, "success": false}),
    );
}

#[track_caller]
fn assert_fields(record: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&record[name], value, "{name} of {record:#}");
    }
}
