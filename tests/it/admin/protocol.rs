//! Methods, paths, headers, and what the outside learns of failures.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::json;
use tower_audit::admin::{self, BasicAuth, OpenToEveryone};
use tower_audit::{Error, EventId, MemoryStore};

use super::{Broken, ROUTES, get, open, send, three};

#[tokio::test]
async fn the_index_and_the_health_tell_what_there_is() {
    let router = open(&MemoryStore::new());
    let index = get(&router, "/").await;
    assert_eq!(index.status, 200);
    let routes: Vec<_> = index.json()["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|route| route["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        routes,
        [
            "/",
            "/api/events",
            "/api/events/{id}",
            "/api/events/{id}/timeline",
            "/api/me",
            "/api/stats",
            "/api/timeseries",
            "/api/export",
            "/api/live",
            "/api/health"
        ]
    );
    let health = get(&router, "/api/health").await;
    assert_eq!(
        (health.status, health.json()),
        (StatusCode::OK, json!({"status": "ok"}))
    );
}

#[tokio::test]
async fn head_answers_like_get_without_a_body() {
    let router = open(&three().await);
    for path in ROUTES {
        let expected = get(&router, path).await;
        let head = send(&router, Request::head(path).body(Body::empty()).unwrap()).await;
        assert_eq!(head.status, expected.status, "{path}");
        assert_eq!(head.headers, expected.headers, "{path}");
        assert_eq!(head.text, "", "{path}");
    }
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_are_allowed() {
    let router = open(&three().await);
    for path in ["/", "/api/events", "/api/events/nonsense", "/api/health"] {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "OWN"] {
            let request = Request::builder().method(method).uri(path);
            let answer = send(&router, request.body(Body::from("{")).unwrap()).await;
            assert_eq!(
                answer.problem(405),
                "The audit trail can only be read: use GET or HEAD."
            );
            assert_eq!(answer.header(header::ALLOW), Some("GET, HEAD"));
        }
    }
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let router = open(&three().await);
    for path in [
        "/api",
        "/api/",
        "/api/events/",
        "/api//events",
        "/api/events/7/x",
        "/x",
    ] {
        for method in [Method::GET, Method::POST] {
            let request = Request::builder().method(method).uri(path);
            let answer = send(&router, request.body(Body::empty()).unwrap()).await;
            assert_eq!(
                answer.problem(404),
                "There is nothing at this path.",
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_request_body_is_ignored() {
    let router = open(&three().await);
    let request = Request::get("/api/events").body(Body::from(vec![0xff; 100_000]));
    assert_eq!(send(&router, request.unwrap()).await.status, 200);
}

#[tokio::test]
async fn every_answer_stays_out_of_caches_frames_and_referrers() {
    let store = three().await;
    let locked = admin::router(Arc::new(store.clone()), BasicAuth::new("admin", "secret"));
    let broken = admin::router(
        Arc::new(Broken(|| Error::internal("x"))),
        OpenToEveryone::dangerously(),
    );
    for router in [open(&store), locked, broken] {
        for path in ROUTES {
            for method in [Method::GET, Method::HEAD, Method::POST] {
                let request = Request::builder().method(method).uri(path);
                let answer = send(&router, request.body(Body::empty()).unwrap()).await;
                for (name, value) in [
                    ("cache-control", "no-store"),
                    ("x-content-type-options", "nosniff"),
                    ("referrer-policy", "no-referrer"),
                    (
                        "content-security-policy",
                        "default-src 'none'; frame-ancestors 'none'",
                    ),
                ] {
                    let values: Vec<_> = answer.headers.get_all(name).iter().collect();
                    assert_eq!(values, [value], "{path}: {name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn it_can_be_mounted_anywhere() {
    let store = three().await;
    let id = store.records()[0].id;
    let fallback = || async { (StatusCode::IM_A_TEAPOT, "the application's") };
    let nested = Router::new()
        .nest("/audit", open(&store))
        .fallback(fallback);
    let service = Router::new()
        .nest_service("/audit", open(&store))
        .fallback(fallback);
    let deep = Router::new()
        .nest_service("/{tenant}/audit", open(&store))
        .fallback(fallback);
    for (router, mount) in [
        (&nested, "/audit"),
        (&service, "/audit"),
        (&deep, "/t/audit"),
    ] {
        for (path, expected) in [
            ("", 200),
            ("/api/events", 200),
            ("/api/events?limit=0", 400),
            (format!("/api/events/{id}").as_str(), 200),
            ("/api/events/7", 400),
            ("/api/health", 200),
            ("/nothing", 404),
        ] {
            let answer = get(router, &format!("{mount}{path}")).await;
            assert_eq!(answer.status, expected, "{mount}{path}: {}", answer.text);
            answer.json();
        }
        assert_eq!(get(router, "/elsewhere").await.status, 418);
    }
    let index = get(&service, "/audit/").await;
    assert_eq!(index.text, get(&service, "/audit").await.text);
}

#[tokio::test]
async fn the_router_fits_into_an_application_with_a_state() {
    let app: Router = Router::new()
        .nest_service("/audit", open(&three().await))
        .with_state(7);
    assert_eq!(get(&app, "/audit/api/events").await.actions().len(), 3);
}

#[tokio::test]
async fn what_goes_wrong_inside_stays_inside() {
    type Make = fn() -> Error;
    let cases: [(Make, u16, &str); 5] = [
        (|| Error::timed_out("inside"), 503, "took too long"),
        (|| Error::unavailable("inside"), 503, "at the moment"),
        (|| Error::internal("inside"), 500, "log says why"),
        (|| Error::configuration("inside"), 500, "log says why"),
        (
            || Error::invalid_input("inside", "inside"),
            500,
            "log says why",
        ),
    ];
    for (make, status, sentence) in cases {
        let router = admin::router(Arc::new(Broken(make)), OpenToEveryone::dangerously());
        let event = format!("/api/events/{}", EventId::now());
        for path in ["/api/events", event.as_str()] {
            let answer = get(&router, path).await;
            assert!(answer.problem(status).contains(sentence), "{}", answer.text);
            assert_eq!(answer.header(header::RETRY_AFTER).is_some(), status == 503);
            assert!(!answer.text.contains("inside"));
            assert!(answer.json().get("parameter").is_none());
        }
        let health = get(&router, "/api/health").await;
        assert!(health.problem(503).contains("cannot be read"));
        assert!(health.header(header::RETRY_AFTER).is_some());
        assert!(!health.text.contains("inside"));
    }
}
