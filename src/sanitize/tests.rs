use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::event::{Change, Fields, Frame, Kind, Tag};

fn record_of(sanitizer: &Sanitizer, fill: impl FnOnce(&mut Frame)) -> Box<Fields> {
    let mut frame = Frame::default();
    fill(&mut frame);
    sanitizer.fields(Capture::new(frame.as_bytes()))
}

fn fields(fill: impl FnOnce(&mut Frame)) -> Box<Fields> {
    record_of(&Sanitizer::default(), fill)
}

fn header(frame: &mut Frame, tag: Tag, name: &str, value: &str) {
    let mut headers = http::HeaderMap::new();
    let name = http::HeaderName::try_from(name).unwrap();
    headers.insert(name, value.try_into().unwrap());
    frame.headers(tag, &headers);
}

#[test]
fn a_sanitizer_can_be_shared_and_shows_nothing() {
    fn shared<T: Clone + Send + Sync + Default + fmt::Debug>() {}
    shared::<Sanitizer>();
    let sanitizer = Sanitizer::builder().deny("hush").build().unwrap();
    assert!(!format!("{sanitizer:?}").contains("hush"));
}

#[test]
fn an_invalid_rule_is_an_error_that_names_it() {
    let message = |builder: SanitizerBuilder| builder.build().unwrap_err().to_string();
    assert!(message(Sanitizer::builder().deny("--")).contains("\"--\""));
    assert!(message(Sanitizer::builder().allow("")).contains("\"\""));
    assert!(message(Sanitizer::builder().request_header("a b")).contains("\"a b\""));
    assert!(message(Sanitizer::builder().response_header("ä")).contains("\"ä\""));
}

#[test]
fn the_last_rule_for_a_name_counts() {
    let kept = |builder: SanitizerBuilder| {
        let sanitizer = builder.build().unwrap();
        let event = Event::activity("a").detail("pin", &1).detail("hush", &2);
        sanitizer.record(event).details.clone().unwrap().to_string()
    };
    let masked = r#"{"pin":"[redacted]","hush":"[redacted]"}"#;
    assert_eq!(
        kept(Sanitizer::builder()),
        r#"{"pin":"[redacted]","hush":2}"#
    );
    assert_eq!(kept(Sanitizer::builder().deny("hush")), masked);
    assert_eq!(
        kept(Sanitizer::builder().allow("pin").deny("pin").deny("HUSH")),
        masked
    );
    assert_eq!(
        kept(Sanitizer::builder().deny("hush").allow("hush").allow("PIN")),
        r#"{"pin":1,"hush":2}"#
    );
}

#[test]
fn the_order_of_fields_does_not_matter() {
    let fields = fields(|frame| {
        frame.mark(Tag::RequestBodyCut);
        frame.bytes(Tag::RequestBody, b"{\"a\":1,\"password\":\"cana");
        frame.bytes(Tag::Level, b"request");
        header(
            frame,
            Tag::RequestHeaders,
            "cookie",
            "sid=canary; theme=canary",
        );
        header(frame, Tag::RequestHeaders, "cookie", "sid=canary");
        frame.number(Tag::RequestBytes, 5000);
        header(
            frame,
            Tag::RequestHeaders,
            "content-type",
            "application/json; charset=utf-8",
        );
    });
    assert_eq!(
        fields.request_body.as_deref(),
        Some(r#"{"a":1,"$truncated":true}"#)
    );
    assert_eq!(fields.request_encoding.as_deref(), Some("utf-8"));
    assert_eq!(
        fields.request_content_type.as_deref(),
        Some("application/json; charset=utf-8")
    );
    assert!(fields.request_truncated && !fields.response_truncated);
    assert_eq!(fields.cookies, ["sid", "theme"]);
}

#[test]
fn a_level_without_bodies_leaves_no_placeholders() {
    let at = |level: &str| {
        let fields = fields(|frame| {
            frame.bytes(Tag::Level, level.as_bytes());
            frame.number(Tag::RequestBytes, 5);
            frame.number(Tag::ResponseBytes, 6);
        });
        (
            fields.request_body.is_some(),
            fields.response_body.is_some(),
        )
    };
    assert_eq!(at("metadata"), (false, false));
    assert_eq!(at("request"), (true, false));
    assert_eq!(at("full"), (true, true));
}

#[test]
fn a_content_type_in_doubt_makes_a_body_unreadable() {
    let fields = fields(|frame| {
        header(
            frame,
            Tag::ResponseHeaders,
            "content-type",
            "application/json",
        );
        header(frame, Tag::ResponseHeaders, "content-type", "text/html");
        frame.bytes(Tag::ResponseBody, b"{}");
    });
    assert_eq!(
        fields.response_body.as_deref(),
        Some("[unknown type, 2 bytes]")
    );
}

#[test]
fn query_path_and_host_lose_what_is_secret() {
    let fields = fields(|frame| {
        frame.bytes(Tag::Query, b"a=1&api_key=canary");
        frame.bytes(Tag::Path, b"/login;jsessionid=canary");
        frame.bytes(Tag::Host, b"user:canary@host:80");
    });
    assert_eq!(fields.query.as_deref(), Some("a=1&api_key=[redacted]"));
    assert_eq!(fields.path.as_deref(), Some("/login;jsessionid=[redacted]"));
    assert_eq!(fields.host.as_deref(), Some("host:80"));
    let long = format!("a=1&b={}", "x".repeat(limits::QUERY_BYTES));
    let cut = self::fields(|frame| {
        frame.text(Tag::Query, &long, limits::QUERY_BYTES);
        frame.mark(Tag::QueryCut);
    });
    assert_eq!(cut.query.as_deref(), Some("a=1&%24truncated=true"));
}

#[test]
fn texts_pass_the_net_before_they_are_cut() {
    let fields = fields(|frame| {
        for tag in [Tag::Error, Tag::StackTrace, Tag::Description, Tag::Flag] {
            frame.bytes(tag, b"x password=canary");
        }
        frame.bytes(Tag::Action, b"a\0\xff");
    });
    for text in [
        &fields.error,
        &fields.stack_trace,
        &fields.description,
        &fields.flag_reason,
    ] {
        assert_eq!(text.as_deref(), Some("x password=[redacted]"));
    }
    assert_eq!(fields.action.as_deref(), Some("a\u{fffd}\u{fffd}"));
    assert_eq!(fields.capture_notes, ["invalid_utf8", "nul_replaced"]);
    assert_eq!(Sanitizer::default().text(b"abc pin=1", 6), "abc pi");
}

#[test]
fn details_and_changes_are_sanitized_by_name() {
    let before = json!({"name": "a", "password": "canary", "rank": 1});
    let after = json!({"name": "b", "password": "canary2", "rank": 1});
    let event = Event::new(Kind::DataChange)
        .detail("a\"b", &json!({"token": ["canary"], "n": 1.50}))
        .detail("card_pin", &1234)
        .detail("twice", &1)
        .detail("twice", &2)
        .detail("text", &"password=canary")
        .change(Change::updated("user", 7, &before, &after).unwrap())
        .change(Change::deleted("user", 8, &before).unwrap());
    let record = Sanitizer::default().record(event);
    assert_eq!(
        record.details.as_ref().unwrap().as_str(),
        r#"{"a\"b":{"n":1.5,"token":"[redacted]"},"card_pin":"[redacted]","twice":2,"text":"password=[redacted]"}"#
    );
    let changes: serde_json::Value =
        serde_json::from_str(record.changes.as_ref().unwrap().as_str()).unwrap();
    assert_eq!(
        changes[0]["before"],
        json!({"name": "a", "password": "[redacted]", "rank": 1})
    );
    assert_eq!(changes[0]["changed"], json!(["name", "password"]));
    assert_eq!(changes[1]["operation"], "deleted");
    assert!(!changes.to_string().contains("canary"));
}

#[test]
fn details_past_the_limit_are_left_out_with_a_note() {
    let event = (0..100).fold(Event::activity("a"), |event, n| {
        event.detail(&n.to_string(), &n)
    });
    let record = Sanitizer::default().record(event);
    let details: serde_json::Map<_, _> =
        serde_json::from_str(record.details.as_ref().unwrap().as_str()).unwrap();
    assert_eq!(details.len(), limits::DETAIL_ITEMS);
    assert!(
        record
            .capture_notes
            .iter()
            .any(|note| note == "details_truncated")
    );
}

/// The ways in which a secret may come, each with its own place for it.
fn with_secret(frame: &mut Frame, form: usize, content_type: usize, secret: &str) {
    let bodies = [
        format!("{{\"a\":[{{\"Api-Key\":\"{secret}\"}}]}}"),
        format!("a=1&user%5Bpassword%5D={secret}&b=2"),
        format!(
            "--x\r\ncontent-disposition: form-data; name=\"password\"\r\n\r\n{secret}\r\n--x--"
        ),
        format!(
            "{{\"variables\":{{\"pass\\u0077ord\":{{\"x\":\"{secret}\"}}}},\"query\":\"login(password: \\\"{secret}\\\")\"}}"
        ),
        format!("\u{feff}{{\"text\":\"{{\\\"token\\\":\\\"{secret}\\\"}}\"}}"),
        format!("{{\"password\":\"{secret}\""),
        format!("\0\0\0\0\x05{secret}"),
    ];
    let types = [
        "application/json",
        "application/x-www-form-urlencoded",
        "application/x-ndjson",
        "multipart/form-data",
        "application/grpc",
        "",
    ];
    header(
        frame,
        Tag::RequestHeaders,
        "content-type",
        types[content_type % types.len()],
    );
    frame.bytes(Tag::RequestBody, bodies[form % bodies.len()].as_bytes());
}

proptest! {
    #[test]
    fn no_body_under_any_content_type_shows_its_secret(form in 0..7_usize, content_type in 0..6_usize, end in any::<prop::sample::Index>(), cut: bool) {
        let fields = fields(|frame| {
            with_secret(frame, form, content_type, "canary");
            if cut {
                let body = Capture::new(frame.as_bytes()).fields().last().map(|(_, body)| body.to_vec()).unwrap_or_default();
                frame.bytes(Tag::RequestBody, &body[..end.index(body.len())]);
                frame.mark(Tag::RequestBodyCut);
            }
        });
        let json = serde_json::to_string(&fields).unwrap();
        prop_assert!(!json.contains("can"), "{}", json);
    }

    #[test]
    fn any_bytes_under_any_tag_become_a_record_without_nul(payloads in prop::collection::vec((0..64_u8, prop::collection::vec(any::<u8>(), 0..60)), 0..12)) {
        let mut raw = Vec::new();
        for (tag, payload) in payloads {
            raw.push(tag);
            raw.extend_from_slice(&(payload.len() as u32).to_le_bytes());
            raw.extend_from_slice(&payload);
        }
        let fields = Sanitizer::default().fields(Capture::new(&raw));
        let text = serde_json::to_string(&fields).unwrap();
        prop_assert!(!text.contains("\\u0000"), "{}", text);
        for json in [&fields.details, &fields.changes, &fields.request_headers] {
            let valid = json.as_ref().is_none_or(|json| serde_json::from_str::<serde_json::Value>(json.as_str()).is_ok());
            prop_assert!(valid);
        }
    }
}
