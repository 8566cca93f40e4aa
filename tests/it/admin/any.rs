//! Whatever is asked, there is an answer.

use axum::body::Body;
use axum::http::Request;
use proptest::prelude::*;

use super::{open, send, three};

/// Query strings that come close to being right.
fn queries() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("kind"),
        Just("action"),
        Just("outcome"),
        Just("success"),
        Just("method"),
        Just("status"),
        Just("route"),
        Just("path"),
        Just("actor_id"),
        Just("tenant_id"),
        Just("request_id"),
        Just("trace_id"),
        Just("from"),
        Just("to"),
        Just("last"),
        Just("q"),
        Just("limit"),
        Just("cursor"),
        Just("x"),
        Just(""),
    ];
    let value = prop_oneof![
        "[!$-~]{0,12}",
        "[0-9a-f]{30,38}",
        "[0-9]{0,22}[smhd]?",
        "[0-9]{4,6}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:00(\\.[0-9]{1,9})?Z",
        "-00[0-9]{4}-01-01T00:00:00Z",
        "01(00|01)[0-9a-f]{32}",
        "(%[0-9A-F]{2}){1,6}",
    ];
    proptest::collection::vec((name, value), 0..4).prop_map(|pairs| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("&")
    })
}

proptest! {
    #[test]
    fn any_query_string_gets_a_list_or_a_problem(query in prop_oneof!["[!$-~]{0,60}", queries()]) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let uri = format!("/api/events?{query}");
        let Ok(request) = Request::get(uri).body(Body::empty()) else {
            return Ok(()); // no server would pass it on
        };
        let answer = runtime.block_on(async { send(&open(&three().await), request).await });
        prop_assert!(matches!(answer.status.as_u16(), 200 | 400), "{}", answer.status);
        prop_assert!(answer.json().is_object());
    }

    #[test]
    fn any_path_gets_an_answer(path in "[!$-;=-~]{0,40}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let Ok(request) = Request::get(format!("/{path}")).body(Body::empty()) else {
            return Ok(()); // no server would pass it on
        };
        let answer = runtime.block_on(async { send(&open(&three().await), request).await });
        prop_assert!(!answer.status.is_server_error(), "{}", answer.status);
        prop_assert!(answer.json().is_object());
    }
}
