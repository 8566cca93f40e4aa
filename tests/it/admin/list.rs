//! What lists and details hold.

use axum::http::header;
use serde_json::{Value as Json, json};
use tower_audit::event::{Column, ColumnType, Value};
use tower_audit::{Actor, Event, EventId, Sanitizer, Timestamp};

use super::{get, open, record, store_of, text, three, time};

#[tokio::test]
async fn every_filter_finds_what_it_names_and_nothing_else() {
    let router = open(&three().await);
    for (query, expected) in [
        ("", "cba"),
        ("?", "cba"),
        ("?&&", "cba"),
        ("?kind=http", "a"),
        ("?kind=auth", "b"),
        ("?kind=own.kind", "c"),
        ("?kind=data_access", ""),
        ("?action=b", "b"),
        ("?outcome=completed", "a"),
        ("?outcome=timed_out", "b"),
        ("?success=true", "ca"),
        ("?success=false", "b"),
        ("?method=GET", "a"),
        ("?method=post", "b"),
        ("?status=200", "a"),
        ("?status=404", ""),
        ("?route=/orders/{id}", "a"),
        ("?route=%2Forders%2F%7Bid%7D", "a"),
        ("?path=/orders", "b"),
        ("?path=/orders*", "ba"),
        ("?path=/orders/*", "a"),
        ("?path=*", "ba"),
        ("?actor_id=u", "b"),
        ("?actor_id=u+1", "a"),
        ("?actor_id=u*", ""),
        ("?tenant_id=%C3%BC%26%3D", "a"),
        ("?request_id=r-1", "a"),
        ("?trace_id=0af7651916cd43dd8448eb211c80319c", "a"),
        ("?trace_id=0AF7651916CD43DD8448EB211C80319C", "a"),
        ("?from=2024-02-29T12:01:00Z", "cb"),
        ("?to=2024-02-29T12:01:00Z", "a"),
        (
            "?from=2024-02-29T12:00:00.000001Z&to=2024-02-29T12:01:00.000001Z",
            "b",
        ),
        ("?from=2024-02-29T13:02:00%2B01:00", "c"),
        ("?last=36500d", "cba"),
        ("?last=99999999999d", "cba"),
        ("?last=90s", ""),
        ("?limit=1", "c"),
        ("?limit=500", "cba"),
        ("?kind=http&kind=auth", "ba"),
        ("?kind=!http", "cb"),
        ("?kind=!http&kind=!auth", "c"),
        ("?kind=http&kind=auth&kind=!auth", "a"),
        ("?status=2xx", "a"),
        ("?status=!2xx", "cb"),
        ("?status=4xx&status=200", "ba"),
        ("?status=4xx&status=!408", ""),
        ("?path=/orders&path=/orders/*", "ba"),
        ("?path=!/orders/*", "cb"),
        ("?success=!true", "b"),
        ("?success=true&kind=http", "a"),
        ("?success=false&kind=http", ""),
    ] {
        let path = format!("/api/events{query}")
            .replace('{', "%7B")
            .replace('}', "%7D");
        let actions = get(&router, &path).await.actions().concat();
        assert_eq!(actions, expected, "{query}");
    }
}

#[tokio::test]
async fn a_count_is_given_when_asked_for() {
    let router = open(&three().await);
    let json = get(&router, "/api/events?count=true&limit=1&success=true")
        .await
        .json();
    assert_eq!(
        (&json["count"], &json["count_accuracy"]),
        (&2.into(), &"exact".into())
    );
    for query in ["", "?count=false"] {
        let json = get(&router, &format!("/api/events{query}")).await.json();
        assert!(json.get("count").is_none() && json.get("count_accuracy").is_none());
    }
}

#[tokio::test]
async fn the_last_hours_end_now() {
    let now = Timestamp::now();
    let ago = |seconds| now.minus(std::time::Duration::from_secs(seconds));
    let router = open(
        &store_of(vec![
            record(ago(30), &[("action", text("a"))]),
            record(ago(10 * 60), &[("action", text("b"))]),
            record(ago(10 * 3600), &[("action", text("c"))]),
            record(ago(6 * 86_400), &[("action", text("d"))]),
        ])
        .await,
    );
    for (last, expected) in [("90s", "a"), ("15m", "ab"), ("24h", "abc"), ("7d", "abcd")] {
        let actions = get(&router, &format!("/api/events?last={last}"))
            .await
            .actions();
        assert_eq!(actions.concat(), expected, "{last}");
    }
}

#[tokio::test]
async fn an_item_has_all_compact_columns_with_the_values_of_the_detail() {
    let everything = record(
        time("2024-02-29T12:00:00.000001Z"),
        &Column::all()
            .iter()
            .filter(|column| column.is_compact() && !column.is_required())
            .map(|column| {
                let value = match (column.name(), column.column_type()) {
                    ("outcome", _) => text("completed"),
                    ("level", _) => text("metadata"),
                    (_, ColumnType::Uuid) => Value::Uuid(EventId::now().as_uuid()),
                    (_, ColumnType::Time) => Value::Time(time("2024-02-29T12:00:00.5Z")),
                    (_, ColumnType::Text) => text("\"<ü\n"),
                    (_, ColumnType::Bool) => Value::Bool(true),
                    (_, ColumnType::SmallInt) => Value::Int(404),
                    (_, ColumnType::BigInt) => Value::Int(i64::MAX),
                    (_, ColumnType::Real) => Value::Real(-0.25),
                    (_, ColumnType::TextList) => Value::TextList(vec!["x".to_owned()].into()),
                    (_, ColumnType::Ip) => Value::Ip([192, 0, 2, 1].into()),
                    (name, other) => panic!("{name} is a compact column of type {other:?}"),
                };
                (column.name(), value)
            })
            .collect::<Vec<_>>(),
    );
    let nothing = record(time("2024-02-29T11:00:00Z"), &[]);
    let router = open(&store_of(vec![everything.clone(), nothing.clone()]).await);
    let list = get(&router, "/api/events").await;

    let expected: Vec<_> = Column::all()
        .iter()
        .filter(|column| column.is_compact())
        .map(Column::name)
        .collect();
    for (index, record) in [everything, nothing].into_iter().enumerate() {
        let item = list.json()["items"][index].as_object().unwrap().clone();
        let detail = get(&router, &format!("/api/events/{}", record.id)).await;
        assert_eq!(detail.status, 200);
        assert_eq!(detail.text, serde_json::to_string(&record).unwrap());
        assert_eq!(item.len(), expected.len());
        for name in &expected {
            assert_eq!(item[*name], detail.json()[name], "{name}");
        }
    }
    assert_eq!(
        list.json()["items"][0]["occurred_at"],
        "2024-02-29T12:00:00.000001Z"
    );
    assert_eq!(
        list.json()["items"][1]["occurred_at"],
        "2024-02-29T11:00:00.000000Z"
    );
    assert_eq!(list.json()["items"][1]["tags"], json!([]));
    assert_eq!(list.json()["items"][1]["status"], Json::Null);
    assert_eq!(list.json()["next_cursor"], Json::Null);
    assert_eq!(list.json()["prev_cursor"], Json::Null);

    let mut from = 0;
    for name in expected {
        from += list.text[from..].find(&format!("\"{name}\":")).expect(name);
    }
}

#[tokio::test]
async fn a_detail_has_what_lists_leave_out() {
    let details = r#"{"b":1.0,"a":12345678901234567890123,"a":[]}"#;
    let columns = [
        ("details", Value::Json(details.into())),
        ("stack_trace", text("at main")),
        ("cookies", Value::TextList(vec!["sid".to_owned()].into())),
    ];
    let record = record(time("2024-02-29T12:00:00Z"), &columns);
    let path = format!("/api/events/{}", record.id);
    let router = open(&store_of(vec![record]).await);
    let detail = get(&router, &path).await;
    assert_eq!(
        detail.header(header::CONTENT_TYPE),
        Some("application/json")
    );
    assert_eq!(detail.json()["stack_trace"], "at main");
    assert_eq!(detail.json()["cookies"], json!(["sid"]));
    assert!(detail.text.contains(&format!(r#""details":{details}"#)));
    let list = get(&router, "/api/events").await;
    for (name, _) in columns {
        assert!(list.json()["items"][0].get(name).is_none(), "{name}");
    }
}

#[tokio::test]
async fn an_event_told_by_hand_is_found_by_who_did_it() {
    let event = Event::activity("report.send")
        .actor(Actor::service("nightly"))
        .tenant("acme");
    let id = event.id();
    let router = open(&store_of(vec![Sanitizer::default().record(event)]).await);
    let query = "kind=activity&action=report.send&actor_id=nightly&tenant_id=acme";
    let list = get(&router, &format!("/api/events?{query}")).await;
    assert_eq!(list.json()["items"][0]["id"], id.to_string());
    let detail = get(&router, &format!("/api/events/{id}")).await;
    assert_eq!(detail.json()["actor_id"], "nightly");
}

#[tokio::test]
async fn an_event_that_does_not_exist_is_not_found_and_a_malformed_id_is_refused() {
    let router = open(&three().await);
    for id in [
        "018f3c5e-7b2a-7abc-9def-0123456789ab",
        "00000000-0000-0000-0000-000000000000",
    ] {
        let missing = get(&router, &format!("/api/events/{id}")).await;
        assert_eq!(missing.problem(404), "There is no event of this id.");
    }
    for id in [
        "7",
        "018f3c5e-7b2a-7abc-9def-0123456789a",
        "%FF",
        "%00",
        "..",
        "*",
    ] {
        let malformed = get(&router, &format!("/api/events/{id}")).await;
        assert_eq!(
            malformed.problem(400),
            "The parameter `id` takes the id of an event: a UUID.",
            "{id}"
        );
        assert_eq!(malformed.json()["parameter"], "id");
    }
}

#[tokio::test]
async fn pages_lead_to_the_oldest_record_and_back_to_the_newest() {
    let records = (0..7)
        .map(|index| {
            let at = Timestamp::from_micros(1_709_208_000_000_000 + index);
            let action = Value::Text(index.to_string().into());
            let kind = text(if index == 3 { "auth" } else { "http" });
            record(at, &[("action", action), ("kind", kind)])
        })
        .collect();
    let router = open(&store_of(records).await);
    let follow = async |name: &str, mut cursor: Json| {
        let mut pages = Vec::new();
        while let Some(text) = cursor.as_str() {
            let path = format!("/api/events?kind=http&limit=2&cursor={text}");
            let answer = get(&router, &path).await;
            pages.push(answer.actions().concat());
            cursor = answer.json()[name].clone();
            if cursor.is_null() {
                return (pages, answer.json());
            }
        }
        panic!("there was no cursor to follow")
    };

    let first = get(&router, "/api/events?kind=http&limit=2").await;
    assert_eq!(first.actions().concat(), "65");
    assert_eq!(first.json()["prev_cursor"], Json::Null);
    let (down, last) = follow("next_cursor", first.json()["next_cursor"].clone()).await;
    assert_eq!(down, ["42", "10"]);
    let (up, newest) = follow("prev_cursor", last["prev_cursor"].clone()).await;
    assert_eq!(up, ["42", "65"]);
    assert_eq!(newest["next_cursor"], first.json()["next_cursor"]);
}
