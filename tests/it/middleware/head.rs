//! What becomes of a request's head.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Method;
use axum::http::Request;
use axum::http::Response;
use axum::http::StatusCode;
use axum::routing::get;
use tower::Layer;
use tower::ServiceExt;
use tower::service_fn;
use tower_audit::Auditor;
use tower_audit::Kind;
use tower_audit::MemoryStore;
use tower_audit::PeerAddr;

use super::App;
use super::request;
use crate::support::run_here;

#[tokio::test(start_paused = true)]
async fn a_request_s_head_becomes_columns() {
    let app = App::new(Router::new().route("/orders/{id}", get(|| async { "tea" })));
    let request = request(Method::GET, "/orders/7?page=2&token=hunter2")
        .header("host", "shop.example")
        .header("user-agent", "curl/8")
        .header("x-request-id", "req-1")
        .header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        .header("x-forwarded-for", "6.6.6.6, 192.0.2.1, 10.0.0.9")
        .header("cookie", "session=hunter2; theme=dark")
        .header("authorization", "Bearer hunter2")
        .extension(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 4711))))
        .body(Body::empty())
        .unwrap();
    let record = app.record_of(request).await;
    assert_eq!(record.kind, Kind::Http);
    assert_eq!(record.method.as_deref(), Some("GET"));
    assert_eq!(record.path.as_deref(), Some("/orders/7"));
    assert_eq!(record.route.as_deref(), Some("/orders/{id}"));
    assert_eq!(record.http_version.as_deref(), Some("1.1"));
    assert_eq!(record.host.as_deref(), Some("shop.example"));
    assert_eq!(record.user_agent.as_deref(), Some("curl/8"));
    assert_eq!(record.request_id.as_deref(), Some("req-1"));
    assert_eq!(
        record.trace_id.as_deref(),
        Some("4bf92f3577b34da6a3ce929d0e0e4736")
    );
    assert_eq!(record.span_id.as_deref(), Some("00f067aa0ba902b7"));
    assert_eq!(record.client_ip, Some([192, 0, 2, 1].into()));
    assert_eq!(record.peer_ip, Some([10, 0, 0, 1].into()));
    assert_eq!(
        record.forwarded.as_deref(),
        Some("6.6.6.6, 192.0.2.1, 10.0.0.9")
    );
    assert_eq!(record.cookies, ["session", "theme"]);
    assert_eq!((record.status, record.success), (Some(200), true));
    assert_eq!(
        (record.request_bytes, record.response_bytes),
        (Some(0), Some(3))
    );
    assert_eq!(record.occurred_at, record.id.timestamp());
    assert_eq!(record.level, Some(tower_audit::Level::Full));
    assert!(
        record
            .query
            .as_deref()
            .unwrap()
            .starts_with("page=2&token=")
    );
    assert!(!format!("{record:?}").contains("hunter2"), "{record:?}");
}

#[tokio::test(start_paused = true)]
async fn without_ids_from_outside_the_request_is_known_by_its_own() {
    for bad in [None, Some("has a space"), Some(&*"x".repeat(200))] {
        let app = App::new(Router::new().route("/", get(|| async {})));
        let mut request = request(Method::GET, "/").body(Body::empty()).unwrap();
        if let Some(bad) = bad {
            request
                .headers_mut()
                .insert("x-request-id", bad.parse().unwrap());
        }
        let record = app.record_of(request).await;
        assert_eq!(record.request_id, Some(record.id.to_string()));
        assert_eq!((&record.trace_id, &record.span_id), (&None, &None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_plain_tower_service_tells_the_peer_by_an_extension() {
    let store = MemoryStore::new();
    let auditor = run_here(Auditor::builder().store(store.clone()));
    let service = auditor.layer().layer(service_fn(|_: Request<_>| async {
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    let mut request = Request::new(String::new());
    request
        .extensions_mut()
        .insert(PeerAddr(SocketAddr::from(([192, 0, 2, 7], 1))));
    request
        .headers_mut()
        .insert("x-forwarded-for", "6.6.6.6".parse().unwrap());
    service.oneshot(request).await.unwrap();
    auditor.flush().await.unwrap();
    assert_eq!(store.records()[0].client_ip, Some([192, 0, 2, 7].into()));
}

#[tokio::test(start_paused = true)]
async fn a_client_cannot_push_the_proxy_s_word_out_of_the_chain() {
    for forged in [
        vec!["6.6.6.6, ".repeat(3_000)],
        vec!["6.6.6.6".to_owned(); 5_000],
    ] {
        let app = App::new(Router::new().route("/", get(|| async {})));
        let mut request = request(Method::GET, "/")
            .extension(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 4711))))
            .body(Body::empty())
            .unwrap();
        let headers = request.headers_mut();
        for number in 0..200 {
            headers.insert(
                axum::http::HeaderName::try_from(format!("x-{number}")).unwrap(),
                "y".parse().unwrap(),
            );
        }
        for line in &forged {
            headers.append(
                "x-forwarded-for",
                line.trim_end_matches([',', ' ']).parse().unwrap(),
            );
        }
        headers.append("x-forwarded-for", "192.0.2.1".parse().unwrap());
        let record = app.record_of(request).await;
        assert_eq!(record.client_ip, Some([192, 0, 2, 1].into()));
        assert!(
            record
                .capture_notes
                .contains(&"headers_truncated".to_owned())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_path_is_the_one_that_was_sent_also_inside_a_nested_router() {
    let store = MemoryStore::new();
    let auditor = run_here(Auditor::builder().store(store.clone()));
    let inner = Router::new()
        .route("/b/{id}", get(|| async {}))
        .layer(auditor.layer());
    let router = Router::new().nest("/a", inner);
    router
        .oneshot(request(Method::GET, "/a/b/1").body(Body::empty()).unwrap())
        .await
        .unwrap();
    auditor.flush().await.unwrap();
    let record = &store.records()[0];
    assert_eq!(record.path.as_deref(), Some("/a/b/1"));
    assert_eq!(record.route.as_deref(), Some("/a/b/{id}"));
}

#[tokio::test(start_paused = true)]
async fn hostile_heads_are_capped_and_stored() {
    let app = App::new(Router::new().fallback(|| async { StatusCode::NOT_FOUND }));
    let mut request = request(Method::GET, &format!("/{}", "a".repeat(20_000)))
        .body(Body::empty())
        .unwrap();
    let headers = request.headers_mut();
    headers.insert(
        "user-agent",
        axum::http::HeaderValue::from_bytes(&[0xff; 60_000]).unwrap(),
    );
    headers.insert(
        "x-request-id",
        axum::http::HeaderValue::from_bytes(b"\xf0\x9f").unwrap(),
    );
    let record = app.record_of(request).await;
    assert_eq!(record.path.as_ref().unwrap().len(), 1024);
    assert!(record.user_agent.as_ref().unwrap().len() <= 1024);
    assert!(record.capture_notes.contains(&"text_truncated".to_owned()));
    assert_eq!(record.status, Some(404));
}

#[tokio::test(start_paused = true)]
async fn userinfo_in_a_host_header_is_left_out() {
    let app = App::new(Router::new().route("/", get(|| async {})));
    let request = request(Method::GET, "/").header("host", "ada:hunter2@shop.example");
    let record = app.record_of(request.body(Body::empty()).unwrap()).await;
    assert_eq!(record.host.as_deref(), Some("shop.example"));
}
