//! What happened around an event, over HTTP.

use tower_audit::event::Value;

use super::{get, open, record, store_of, text, three, time};

#[tokio::test]
async fn a_timeline_is_in_order_and_says_what_its_events_have_in_common() {
    let at = |second: u32| time(&format!("2024-02-29T12:00:{second:02}Z"));
    let between = time("2024-02-29T12:00:01.5Z");
    let of = |second, action, session, request: Option<&'static str>| {
        let mut columns = vec![("action", text(action)), ("session_id", text(session))];
        columns.extend(request.map(|request| ("request_id", text(request))));
        record(at(second), &columns)
    };
    let records = vec![
        of(3, "d", "s", None),
        of(1, "b", "s", Some("r")),
        of(0, "a", "s", None),
        of(2, "c", "s", Some("r")),
        of(4, "e", "other", None),
        record(
            between,
            &[("kind", text("gap")), ("success", Value::Bool(false))],
        ),
    ];
    let path = format!("/api/events/{}/timeline", records[1].id);
    let router = open(&store_of(records).await);
    for (query, by, expected) in [
        ("", "request_id", "b gap c"),
        ("?by=session_id", "session_id", "a b gap c d"),
    ] {
        let answer = get(&router, &format!("{path}{query}")).await;
        assert_eq!(answer.status, 200);
        let json = answer.json();
        assert_eq!(json["by"], by);
        assert_eq!(json["is_complete"], true);
        let items = json["items"].as_array().unwrap().iter();
        let told: Vec<_> = items
            .map(|item| item["action"].as_str().unwrap_or("gap").to_owned())
            .collect();
        assert_eq!(told.join(" "), expected);
        assert!(json["items"][0].get("request_body").is_none());
    }
    let nothing = get(&router, &format!("{path}?by=trace_id")).await.json();
    assert!(nothing["by"].is_null());
    assert_eq!(nothing["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_timeline_of_nothing_or_by_nothing_is_refused() {
    let router = open(&three().await);
    let id = "018f3c5e-7b2a-7abc-9def-0123456789ab";
    let missing = get(&router, &format!("/api/events/{id}/timeline")).await;
    assert_eq!(missing.problem(404), "There is no event of this id.");
    let answer = get(&router, &format!("/api/events/{id}/timeline?by=actor_id")).await;
    assert!(answer.problem(400).contains("takes one of `operation_id`"));
    let answer = get(&router, &format!("/api/events/{id}/timeline?limit=1")).await;
    assert!(answer.problem(400).contains("which takes by."));
    let answer = get(&router, "/api/events/7/timeline").await;
    assert!(answer.problem(400).contains("takes the id of an event"));
}
