//! Who gets in.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tower_audit::admin::{
    self, Access, Authorizer, BasicAuth, BearerToken, Denied, OpenToEveryone,
};
use tower_audit::{Error, MemoryStore};

use super::{Answer, Broken, ROUTES, get, send};

fn basic(user_and_password: &[u8]) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(user_and_password))
}

fn locked(authorizer: impl Authorizer) -> Router {
    // Whoever gets past the door sees a 500: nothing may be looked up before.
    admin::router(Arc::new(Broken(|| Error::internal("x"))), authorizer)
}

async fn ask(router: &Router, path: &str, authorization: &[&[u8]]) -> Answer {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    for value in authorization {
        let value = HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().append(header::AUTHORIZATION, value);
    }
    send(router, request).await
}

#[tokio::test]
async fn basic_auth_lets_in_who_knows_user_and_password_and_nobody_else() {
    let right = basic("admin:paß:wort".as_bytes());
    let encoded = right.strip_prefix("Basic ").unwrap();
    let router = locked(BasicAuth::new("admin", "paß:wort"));
    for accepted in [
        right.clone(),
        format!("basic {encoded}"),
        format!("BASIC   {encoded} "),
    ] {
        for path in ROUTES {
            let answer = ask(&router, path, &[accepted.as_bytes()]).await;
            assert_ne!(answer.status, 401, "{accepted} {path}");
        }
    }
    let wrong = [
        "admin:paß:wor",
        "admin:paß:wortt",
        "admin:PAß:WORT",
        "admin:",
        "admin",
        ":paß:wort",
        "root:paß:wort",
        "Admin:paß:wort",
        "",
        ":",
    ]
    .map(|pair| basic(pair.as_bytes()));
    let malformed = [
        "".to_owned(),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic admin:secret".to_owned(),
        "Basic !!!!".to_owned(),
        format!("Basic {encoded}x"),
        format!("Basic{encoded}"),
        format!("Bearer {encoded}"),
        encoded.to_owned(),
        format!("{right}, {right}"),
        basic(b"\xff\xfe:\xff"),
    ];
    let mut headers: Vec<Vec<&[u8]>> = wrong
        .iter()
        .chain(&malformed)
        .map(|value| vec![value.as_bytes()])
        .collect();
    headers.push(vec![]);
    headers.push(vec![right.as_bytes(), right.as_bytes()]);
    headers.push(vec![b"Basic \xff\xfe"]);
    for authorization in headers {
        for path in ROUTES {
            let answer = ask(&router, path, &authorization).await;
            answer.problem(401);
            assert_eq!(
                answer.header(header::WWW_AUTHENTICATE),
                Some(r#"Basic realm="audit", charset="UTF-8""#)
            );
        }
    }
}

#[tokio::test]
async fn a_bearer_token_lets_in_who_knows_it_and_nobody_else() {
    const TOKEN: &str = "0123456789-._~+/Az==";
    let router = locked(BearerToken::new(TOKEN));
    for accepted in [format!("Bearer {TOKEN}"), format!("bearer  {TOKEN}")] {
        for path in ROUTES {
            let answer = ask(&router, path, &[accepted.as_bytes()]).await;
            assert_ne!(answer.status, 401, "{accepted} {path}");
        }
    }
    let right = format!("Bearer {TOKEN}");
    let wrong = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {}", &TOKEN[1..]),
        format!("Bearer {TOKEN}="),
        format!("Bearer {}", TOKEN.to_lowercase()),
        format!("Basic {TOKEN}"),
        TOKEN.to_owned(),
        basic(TOKEN.as_bytes()),
    ];
    let mut headers: Vec<Vec<&[u8]>> = wrong.iter().map(|value| vec![value.as_bytes()]).collect();
    headers.push(vec![]);
    headers.push(vec![right.as_bytes(), right.as_bytes()]);
    headers.push(vec![b"Bearer \xff\xfe"]);
    for authorization in headers {
        for path in ROUTES {
            let answer = ask(&router, path, &authorization).await;
            answer.problem(401);
            assert_eq!(answer.header(header::WWW_AUTHENTICATE), Some("Bearer"));
        }
    }
}

#[tokio::test]
async fn a_closure_decides_over_the_head_of_the_request() {
    #[derive(Clone)]
    struct User(&'static str);
    let router = locked(|request: &Parts| {
        let user = request.extensions.get::<User>();
        user.is_some_and(|user| user.0 == "auditor")
    });
    for path in ROUTES {
        for (user, allowed) in [
            (None, false),
            (Some("guest"), false),
            (Some("auditor"), true),
        ] {
            let mut request = Request::get(path).body(Body::empty()).unwrap();
            if let Some(name) = user {
                request.extensions_mut().insert(User(name));
            }
            let answer = send(&router, request).await;
            if allowed {
                assert_ne!(answer.status, 403, "{path}");
            } else {
                let detail = answer.problem(403);
                assert_eq!(detail, "Reading the audit trail is not allowed.");
            }
        }
    }
}

#[tokio::test]
async fn an_authorizer_says_in_which_way_it_denies() {
    struct Sessions;

    #[async_trait]
    impl Authorizer for Sessions {
        async fn authorize(&self, request: &Parts) -> Result<Access, Denied> {
            tokio::task::yield_now().await;
            match request.headers.get("x-session").map(HeaderValue::as_bytes) {
                Some(b"good") => Ok(Access::read_all()),
                Some(b"down") => Err(Denied::Unavailable),
                Some(_) => Err(Denied::Forbidden),
                None => Err(Denied::Unauthenticated {
                    challenge: HeaderValue::from_static("Session"),
                }),
            }
        }
    }

    let as_closure = |request: &Parts| match request.headers.get("x-session") {
        Some(session) if session == "good" => Ok(Access::read_all()),
        Some(session) if session == "down" => Err(Denied::Unavailable),
        Some(_) => Err(Denied::Forbidden),
        None => Err(Denied::Unauthenticated {
            challenge: HeaderValue::from_static("Session"),
        }),
    };
    let store = Arc::new(MemoryStore::new());
    for router in [
        admin::router(store.clone(), Sessions),
        admin::router(store, as_closure),
    ] {
        for (session, expected) in [("good", 200), ("bad", 403), ("down", 503)] {
            let request = Request::get("/api/events").header("x-session", session);
            let answer = send(&router, request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, expected);
            assert_eq!(
                answer.header(header::RETRY_AFTER).is_some(),
                expected == 503
            );
        }
        let answer = get(&router, "/api/events").await;
        answer.problem(401);
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), Some("Session"));
    }
}

#[tokio::test]
async fn access_also_covers_other_methods_and_every_way_to_mount() {
    let closed = || locked(|_: &Parts| false);
    for router in [
        Router::new().nest("/audit", closed()),
        Router::new().nest_service("/audit", closed()),
    ] {
        for path in ROUTES {
            for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS] {
                let path = format!("/audit{}", path.strip_suffix('/').unwrap_or(path));
                let request = Request::builder().method(method).uri(&path);
                let answer = send(&router, request.body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status, 403, "{path}");
            }
        }
    }
}

#[test]
fn secrets_are_not_printed() {
    let basic = format!("{:?}", BasicAuth::new("the-user", "the-password"));
    assert_eq!(basic, "BasicAuth { .. }");
    let bearer = format!("{:?}", BearerToken::new("0123456789abcdef"));
    assert_eq!(bearer, "BearerToken { .. }");
}

#[test]
fn credentials_that_protect_nothing_are_refused_at_the_start() {
    for (user, password, reason) in [
        ("", "secret", "needs a user"),
        ("admin", "", "needs a password"),
        ("ad:min", "secret", "colon"),
        ("admin", "secret\n", "line break"),
        ("ad\0min", "secret", "control characters"),
    ] {
        let panic = std::panic::catch_unwind(|| BasicAuth::new(user, password)).unwrap_err();
        assert!(message(&*panic).contains(reason), "{reason}");
    }
    for (token, reason) in [
        ("", "at least 16"),
        ("0123456789abcde", "at least 16"),
        ("0123456789abcdef\n", "can only hold"),
        ("0123456789 abcdef", "can only hold"),
        ("================", "can only hold"),
    ] {
        let panic = std::panic::catch_unwind(|| BearerToken::new(token)).unwrap_err();
        assert!(message(&*panic).contains(reason), "{reason}");
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap()
}

#[test]
fn what_applications_hold_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<BasicAuth>();
    shared::<BearerToken>();
    shared::<OpenToEveryone>();
    shared::<Access>();
    shared::<Denied>();
}
