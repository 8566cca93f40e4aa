//! What the layer records about a request, and what a handler adds to it.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, Response, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_audit::{
    Actor, AuditContext, AuditLayer, Auditor, Change, Event, Kind, MemoryStore, PeerAddr, Record,
    ResponseBodies,
};

use crate::support::run_here;

struct App {
    auditor: Auditor,
    store: MemoryStore,
    router: Router,
}

impl App {
    fn new(routes: Router) -> Self {
        Self::layered(routes, |layer| {
            layer.response_bodies(ResponseBodies::Always)
        })
    }

    fn layered(routes: Router, configure: impl FnOnce(AuditLayer) -> AuditLayer) -> Self {
        let store = MemoryStore::new();
        let builder = Auditor::builder()
            .store(store.clone())
            .trust_proxies(["10.0.0.0/8"])
            .unwrap();
        let auditor = run_here(builder);
        let router = routes.layer(configure(auditor.layer()));
        Self {
            auditor,
            store,
            router,
        }
    }

    async fn send(&mut self, request: Request<Body>) -> Response<Body> {
        let (head, body) = self.router.call(request).await.unwrap().into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Response::from_parts(head, bytes.into())
    }

    async fn records(&self) -> Vec<Record> {
        self.auditor.flush().await.unwrap();
        self.store.records()
    }

    async fn record_of(mut self, request: Request<Body>) -> Record {
        self.send(request).await;
        self.records().await.pop().expect("a record")
    }
}

fn request(method: Method, uri: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(uri)
}

fn json_request(uri: &str, body: &str) -> Request<Body> {
    request(Method::POST, uri)
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

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
    assert_eq!(record.level.as_deref(), Some("full"));
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
    assert_eq!(record.level.as_deref(), Some("metadata"));
    assert!(!format!("{record:?}").contains("zoe"));
}

#[tokio::test(start_paused = true)]
async fn a_handler_gives_its_record_meaning() {
    let handler = get(|audit: AuditContext| async move {
        audit
            .kind(Kind::Auth)
            .actor(Actor::user(1).email("old@example.com"))
            .actor(Actor::user(42).name("Ada").role("admin"))
            .tenant("acme")
            .session("s-1")
            .operation("op-1")
            .action("order.create")
            .category("orders")
            .description("made an order")
            .resource("order", 7)
            .detail("count", &3)
            .detail("password", &"hunter2")
            .tag("vip")
            .tag("vip")
            .flag("large")
            .change(
                Change::created("order", 7, &json!({"item": "tea", "secret": "hunter2"})).unwrap(),
            );
        assert!(audit.is_active());
        audit.id().unwrap().to_string()
    });
    let mut app = App::new(Router::new().route("/", handler));
    let response = app
        .send(request(Method::GET, "/").body(Body::empty()).unwrap())
        .await;
    let id = to_bytes(response.into_body(), 100).await.unwrap();
    let record = app.records().await.pop().unwrap();
    assert_eq!(record.id.to_string().as_bytes(), id);
    assert_eq!(record.kind, Kind::Auth);
    assert_eq!(record.actor_id.as_deref(), Some("42"));
    assert_eq!(record.actor_kind.as_deref(), Some("user"));
    assert_eq!(record.actor_name.as_deref(), Some("Ada"));
    assert_eq!(record.actor_role.as_deref(), Some("admin"));
    assert_eq!(
        record.actor_email, None,
        "a second actor replaces the first one wholly"
    );
    assert_eq!(record.tenant_id.as_deref(), Some("acme"));
    assert_eq!(record.session_id.as_deref(), Some("s-1"));
    assert_eq!(record.operation_id.as_deref(), Some("op-1"));
    assert_eq!(record.action.as_deref(), Some("order.create"));
    assert_eq!(record.category.as_deref(), Some("orders"));
    assert_eq!(record.resource_type.as_deref(), Some("order"));
    assert_eq!(record.resource_id.as_deref(), Some("7"));
    assert_eq!(record.tags, ["vip"]);
    assert_eq!(
        (record.flagged, record.flag_reason.as_deref()),
        (true, Some("large"))
    );
    assert!(
        record
            .details
            .as_ref()
            .unwrap()
            .as_str()
            .contains("\"count\":3")
    );
    assert!(
        record
            .changes
            .as_ref()
            .unwrap()
            .as_str()
            .contains("\"item\":\"tea\"")
    );
    assert!(!format!("{record:?}").contains("hunter2"), "{record:?}");
}

#[tokio::test(start_paused = true)]
async fn outside_the_layer_a_context_is_inert_and_never_an_error() {
    let handler = |audit: AuditContext| async move {
        audit.action("nothing").detail("n", &1);
        assert!(!audit.is_active() && audit.id().is_none());
    };
    let router = Router::new().route("/", get(handler));
    let response = router
        .oneshot(request(Method::GET, "/").body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_after_the_end_is_ignored() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let sender = std::sync::Mutex::new(Some(sender));
    let service = service_fn(|request: Request<_>| {
        let audit = request.extensions().get::<AuditContext>().cloned().unwrap();
        sender
            .lock()
            .unwrap()
            .take()
            .unwrap()
            .send(audit)
            .ok()
            .unwrap();
        async { Ok::<_, Infallible>(Response::new(Body::empty())) }
    });
    let store = MemoryStore::new();
    let auditor = run_here(Auditor::builder().store(store.clone()));
    auditor
        .layer()
        .layer(service)
        .oneshot(Request::new(Body::empty()))
        .await
        .unwrap();
    receiver.await.unwrap().action("too.late");
    auditor.flush().await.unwrap();
    assert_eq!(store.records()[0].action, None);
}

#[tokio::test(start_paused = true)]
async fn a_context_may_be_used_while_its_own_values_are_written() {
    struct Reentrant(AuditContext);
    impl serde::Serialize for Reentrant {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.tag("inner");
            serializer.serialize_u8(1)
        }
    }
    let handler = get(|audit: AuditContext| async move {
        audit.detail("outer", &Reentrant(audit.clone()));
    });
    let app = App::new(Router::new().route("/", handler));
    let record = app
        .record_of(request(Method::GET, "/").body(Body::empty()).unwrap())
        .await;
    assert_eq!(record.tags, ["inner"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_can_be_linked_to_the_request_that_caused_it() {
    let store = MemoryStore::new();
    let auditor = run_here(Auditor::builder().store(store.clone()));
    let events = auditor.clone();
    let handler = get(move |audit: AuditContext| async move {
        events.record(Event::activity("mail.send").parent(audit.id().unwrap()));
    });
    let router = Router::new().route("/", handler).layer(auditor.layer());
    router
        .oneshot(request(Method::GET, "/").body(Body::empty()).unwrap())
        .await
        .unwrap();
    auditor.flush().await.unwrap();
    let records = store.records();
    assert_eq!(records.len(), 2);
    assert_eq!(records[1].parent_id, Some(records[0].id));
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
async fn however_much_a_handler_adds_the_end_is_recorded() {
    let handler = get(|audit: AuditContext| async move {
        let large = "x".repeat(60_000);
        for number in 0..20 {
            audit.detail(&format!("n{number}"), &large);
        }
        audit.action("late").tag("late");
        StatusCode::BAD_GATEWAY
    });
    let app = App::new(Router::new().route("/", handler));
    let record = app
        .record_of(request(Method::GET, "/").body(Body::empty()).unwrap())
        .await;
    assert_eq!(record.status, Some(502));
    assert_eq!(record.outcome, Some(tower_audit::Outcome::Completed));
    assert!(!record.success && record.duration_us.is_some());
    assert!(record.capture_notes.contains(&"event_truncated".to_owned()));
    assert!(record.details.as_ref().unwrap().as_str().contains("n0"));
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
async fn userinfo_in_a_host_header_is_left_out() {
    let app = App::new(Router::new().route("/", get(|| async {})));
    let request = request(Method::GET, "/").header("host", "ada:hunter2@shop.example");
    let record = app.record_of(request.body(Body::empty()).unwrap()).await;
    assert_eq!(record.host.as_deref(), Some("shop.example"));
}
