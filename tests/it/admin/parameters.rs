//! What is wrong with a query, in words.

use tower_audit::{MemoryStore, Outcome, PageRequest};

use super::{get, open, three};

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_the_parameter_and_what_it_takes() {
    let router = open(&three().await);
    let long = format!("action={}", "x".repeat(257));
    let long_path = format!("path=/{}", "x".repeat(1024));
    let long_kind = format!("kind={}", "x".repeat(33));
    for (query, parameter, expected) in [
        ("kind=", "kind", "takes a kind such as `http`"),
        ("kind=Http", "kind", "takes a kind such as `http`"),
        (&long_kind, "kind", "1 to 32 characters"),
        ("action=", "action", "takes a text of 1 to 256 bytes."),
        ("action", "action", "takes a text of 1 to 256 bytes."),
        ("action=%00", "action", "takes a text of 1 to 256 bytes."),
        (&long, "action", "takes a text of 1 to 256 bytes."),
        ("outcome=COMPLETED", "outcome", "takes one of `completed`"),
        ("success=yes", "success", "takes `true` or `false`."),
        ("success=", "success", "takes `true` or `false`."),
        ("method=G%20T", "method", "takes an HTTP method"),
        ("method=", "method", "takes an HTTP method"),
        (
            "status=99",
            "status",
            "takes a status code from 100 to 999, or a class of them such as `4xx`.",
        ),
        ("status=1000", "status", "from 100 to 999"),
        ("status=%2B200", "status", "from 100 to 999"),
        ("status=0xx", "status", "from 100 to 999"),
        ("status=10xx", "status", "from 100 to 999"),
        ("status=xx", "status", "from 100 to 999"),
        ("status=4XX", "status", "from 100 to 999"),
        ("status=!", "status", "from 100 to 999"),
        ("status=!!404", "status", "from 100 to 999"),
        ("action=!", "action", "takes a text of 1 to 256 bytes."),
        ("flagged=!maybe", "flagged", "takes `true` or `false`."),
        (
            "parent_id=7",
            "parent_id",
            "takes the id of an event: a UUID.",
        ),
        ("grpc_status=65536", "grpc_status", "from 0 to 65535."),
        (
            "min_duration=500",
            "min_duration",
            "such as `250us`, `500ms`, `2s` or `1m`.",
        ),
        ("min_duration=ms", "min_duration", "such as `250us`"),
        ("min_duration=1.5s", "min_duration", "such as `250us`"),
        ("max_duration=-1s", "max_duration", "such as `250us`"),
        (
            "max_duration=18446744073709551615d",
            "max_duration",
            "such as `250us`",
        ),
        (
            "client_ip=localhost",
            "client_ip",
            "or a network such as `192.0.2.0/24`.",
        ),
        ("client_ip=192.0.2.0/33", "client_ip", "takes an IP address"),
        ("client_ip=192.0.2.1:80", "client_ip", "takes an IP address"),
        ("from=!2024-02-29T12:00:00Z", "from", "takes a time"),
        ("route=", "route", "takes a route such as"),
        ("path=", "path", "or the start of one and a `*`"),
        (&long_path, "path", "of 1 to 1024 bytes."),
        ("actor_id=", "actor_id", "takes a text"),
        ("tenant_id=%00", "tenant_id", "takes a text"),
        ("request_id=", "request_id", "takes a text"),
        ("trace_id=0af7", "trace_id", "32 hexadecimal digits."),
        (
            "trace_id=0af7651916cd43dd8448eb211c80319g",
            "trace_id",
            "32 hexadecimal digits.",
        ),
        (
            "from=yesterday",
            "from",
            "takes a time as in 2024-02-29T12:00:00Z",
        ),
        ("from=2024-02-29", "from", "RFC 3339"),
        (
            "from=2024-02-29T12:00:00+01:00",
            "from",
            "write the `+` of an offset as `%2B`",
        ),
        ("to=", "to", "takes a time"),
        (
            "from=2024-02-29T12:00:00Z&to=2024-02-29T12:00:00Z",
            "to",
            "takes a time after the one of `from`.",
        ),
        (
            "from=2024-02-29T12:00:01Z&to=2024-02-29T12:00:00Z",
            "to",
            "takes a time after the one of `from`.",
        ),
        ("last=", "last", "such as `90s`, `15m`, `24h` or `7d`."),
        ("last=s", "last", "such as `90s`"),
        ("last=0s", "last", "such as `90s`"),
        ("last=%2B5s", "last", "such as `90s`"),
        ("last=-5s", "last", "such as `90s`"),
        ("last=1.5h", "last", "such as `90s`"),
        ("last=5w", "last", "such as `90s`"),
        ("last=7%C3%BC", "last", "such as `90s`"),
        ("last=18446744073709551615d", "last", "such as `90s`"),
        (
            "last=1h&from=2024-02-29T12:00:00Z",
            "last",
            "cannot be combined with `from` or `to`.",
        ),
        (
            "to=2024-02-29T12:00:00Z&last=1h",
            "last",
            "cannot be combined with `from` or `to`.",
        ),
        ("limit=0", "limit", "takes a whole number from 1 to 500."),
        ("limit=501", "limit", "from 1 to 500."),
        ("limit=65537", "limit", "from 1 to 500."),
        ("limit=99999999999999999999", "limit", "from 1 to 500."),
        ("limit=-1", "limit", "from 1 to 500."),
        ("limit=", "limit", "from 1 to 500."),
        (
            "cursor=",
            "cursor",
            "takes a `next_cursor` or `prev_cursor` as it was given.",
        ),
        (
            "cursor=0200018f3c5e7b2a7abc9def0123456789ab",
            "cursor",
            "as it was given.",
        ),
        ("count=", "count", "takes `true` or `false`."),
        ("limit=5&limit=5", "limit", "can be given only once."),
        (
            "last=5s&kind=http&last=6s",
            "last",
            "can be given only once.",
        ),
        (
            "colour=red",
            "colour",
            "is not known here, which takes kind, category, action, ",
        ),
        ("Kind=http", "Kind", "is not known here"),
    ] {
        let answer = get(&router, &format!("/api/events?{query}")).await;
        let detail = answer.problem(400);
        assert!(
            detail.starts_with(&format!("The parameter `{parameter}` ")),
            "{query}: {detail}"
        );
        assert!(detail.contains(expected), "{query}: {detail}");
        assert_eq!(answer.json()["parameter"], parameter, "{query}");
    }
}

#[tokio::test]
async fn the_sentences_name_everything_that_is_possible() {
    let router = open(&MemoryStore::new());
    let outcomes = get(&router, "/api/events?outcome=x").await.problem(400);
    for outcome in Outcome::ALL {
        assert!(outcomes.contains(&format!("`{outcome}`")), "{outcomes}");
    }
    let limits = get(&router, "/api/events?limit=x").await.problem(400);
    assert!(limits.ends_with(&format!("1 to {}.", PageRequest::MAX_LIMIT)));
    let unknown = get(&router, "/api/events?x=x").await.problem(400);
    assert_eq!(
        unknown,
        "The parameter `x` is not known here, which takes kind, category, action, outcome, \
         success, error_code, severity, component, service, flagged, tags, parent_id, \
         operation_id, request_id, trace_id, actor_kind, actor_id, actor_email, actor_role, \
         tenant_id, session_id, resource_type, resource_id, method, path, route, host, status, \
         grpc_status, min_duration, max_duration, client_ip, country, browser, os, device, \
         is_mobile, is_bot, q, from, to, last, limit, cursor, count."
    );
}

#[tokio::test]
async fn a_query_string_has_a_bound() {
    let router = open(&MemoryStore::new());
    let hundred = ["kind=http"; 100].join("&");
    let answer = get(&router, &format!("/api/events?{hundred}")).await;
    assert_eq!(answer.status, 200);
    let answer = get(&router, &format!("/api/events?{hundred}&kind=http")).await;
    assert_eq!(
        answer.problem(400),
        "The query string has more than 100 parameters."
    );
}

#[tokio::test]
async fn a_bad_value_or_a_strange_name_is_never_repeated() {
    let router = open(&MemoryStore::new());
    let evil = "%3Cscript%3Eevil%0D%0A";
    let names = [
        "kind",
        "action",
        "outcome",
        "success",
        "method",
        "status",
        "trace_id",
        "parent_id",
        "min_duration",
        "client_ip",
        "from",
        "to",
        "last",
        "limit",
        "cursor",
        "x",
    ];
    let queries = names.map(|name| format!("/api/events?{name}={evil}%00"));
    let others = [
        format!("/api/events?{evil}=1"),
        format!("/api/events/{evil}"),
        format!("/api/events/{evil}?{evil}"),
        format!("/api/health?{evil}"),
        format!("/?{evil}"),
        format!("/{evil}"),
    ];
    for path in queries.into_iter().chain(others) {
        let answer = get(&router, &path).await;
        assert!(answer.status.is_client_error(), "{path}");
        assert!(!answer.text.contains("evil"), "{path}: {}", answer.text);
    }
    let strange = get(&router, &format!("/api/events?{evil}=1")).await;
    assert!(strange.problem(400).starts_with("A parameter is not known"));
    assert!(strange.json().get("parameter").is_none());
}

#[tokio::test]
async fn where_no_parameters_are_taken_each_is_an_error() {
    let router = open(&MemoryStore::new());
    for path in [
        "/",
        "/api/events/018f3c5e-7b2a-7abc-9def-0123456789ab",
        "/api/health",
    ] {
        let answer = get(&router, &format!("{path}?limit=1")).await;
        assert_eq!(
            answer.problem(400),
            "The parameter `limit` is not known here, which takes no parameters."
        );
        assert_eq!(answer.json()["parameter"], "limit");
    }
}
