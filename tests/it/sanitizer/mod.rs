//! The rules of the sanitizer, as they show in what would be stored.

mod bounds;
mod odd_input;

use axum::http::Request;
use axum::http::Response;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;
use tower_audit::Auditor;
use tower_audit::Change;
use tower_audit::Event;
use tower_audit::MemoryStore;
use tower_audit::Record;
use tower_audit::Sanitizer;
use tower_audit::SanitizerBuilder;
use tower_audit::Strategy as Treatment;

const FORM: &str = "application/x-www-form-urlencoded";
const KEY: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

fn auditor(rules: SanitizerBuilder) -> Auditor {
    let builder = Auditor::builder()
        .store(MemoryStore::new())
        .sanitizer(rules.build().unwrap());
    builder.build().unwrap().0
}

fn request(content_type: &str, body: &str) -> Request<String> {
    Request::post("/a?email=ada@example.com&page=2")
        .header("content-type", content_type)
        .header("x-email", "ada@example.com")
        .body(body.to_owned())
        .unwrap()
}

fn stored(rules: SanitizerBuilder, content_type: &str, body: &str) -> String {
    let record = auditor(rules).preview(request(content_type, body), Response::new(""));
    record.request_body.clone().unwrap_or_default()
}

fn json_stored(rules: SanitizerBuilder, body: &str) -> String {
    stored(rules, "application/json", body)
}

#[test]
fn a_strategy_says_what_stays_of_a_value() {
    let body = r#"{"a":1,"email":"ada@example.com","b":2}"#;
    let custom = Treatment::custom(|value| Some(value.replace("ada", "\"?\"")));
    for (strategy, kept) in [
        (Treatment::Keep, body),
        (Treatment::Mask, r#"{"a":1,"email":"[redacted]","b":2}"#),
        (Treatment::Partial(4), r#"{"a":1,"email":"****.com","b":2}"#),
        (Treatment::Remove, r#"{"a":1,"b":2}"#),
        (Treatment::Shape, r#"{"a":1,"email":"[string]","b":2}"#),
        (custom, r#"{"a":1,"email":"\"?\"@example.com","b":2}"#),
    ] {
        let rules = Sanitizer::builder()
            .name("email", strategy.clone())
            .pseudonym_key("k1", KEY);
        let stored = json_stored(rules, body);
        assert_eq!(stored, kept, "{strategy:?}");
    }
}

#[test]
fn a_pseudonym_is_what_to_search_for_also_after_the_key_has_changed() {
    let old = || Sanitizer::builder().pseudonym_key("k1", KEY);
    let new = || old().pseudonym_key("k2", *b"another key of 32 bytes or more!");
    let body = r#"{"email":"ada@example.com"}"#;
    for (rules, searched) in [
        (old(), auditor(old()).pseudonym("ada@example.com")),
        (new(), auditor(new()).pseudonym("ada@example.com")),
    ] {
        let stored = json_stored(rules.name("email", Treatment::Pseudonym), body);
        assert_eq!(stored, format!(r#"{{"email":"{}"}}"#, searched[0]));
    }
    let searched = auditor(new()).pseudonym("ada@example.com");
    assert_eq!(searched.len(), 2);
    assert!(searched[0].starts_with("hmac:k2:"));
    assert_eq!(searched[1], auditor(old()).pseudonym("ada@example.com")[0]);
    assert!(auditor(Sanitizer::builder()).pseudonym("x").is_empty());
}

#[test]
fn members_and_elements_can_be_left_out_anywhere() {
    let rules = || {
        Sanitizer::builder()
            .name("gone", Treatment::Remove)
            .path("$.list[1]", Treatment::Remove)
            .path("$.only[*]", Treatment::Remove)
    };
    for (raw, kept) in [
        (r#"{"gone":1}"#, "{}"),
        (r#"{ "gone" : 1 , "a":2}"#, r#"{   "a":2}"#),
        (r#"{"a":1, "gone":{"b":[1]}, "c":3}"#, r#"{"a":1, "c":3}"#),
        (r#"{"gone":1,"gone":null,"a":2}"#, r#"{"a":2}"#),
        (r#"{"a":1,"gone":[],"gone":true}"#, r#"{"a":1}"#),
        (r#"{"list":[1,2,3]}"#, r#"{"list":[1,3]}"#),
        (r#"{"only":[1,"x",{"y":2}],"z":1}"#, r#"{"only":[],"z":1}"#),
        (
            r#"{"a":{"gone":1},"b":{"c":1,"gone":2}}"#,
            r#"{"a":{},"b":{"c":1}}"#,
        ),
        (r#"{"g\u006fne":1,"a":2}"#, r#"{"a":2}"#),
        (r#"{"gone":1,"a":"x"#, r#"{"$truncated":true}"#),
        (r#"{"a":1,"gone":1,"b":"x"#, r#"{"a":1,"$truncated":true}"#),
        (r#"{"a":1,"gone":{"b":1"#, r#"{"a":1,"$truncated":true}"#),
    ] {
        assert_eq!(json_stored(rules(), raw), kept, "{raw}");
    }
}

#[test]
fn a_path_finds_values_by_place_and_comes_before_names() {
    let rules = || {
        Sanitizer::builder()
            .path("$.card.number", Treatment::Partial(4))
            .path("$..secret_note", Treatment::Mask)
            .path("$.page.next_token", Treatment::Keep)
            .path("$.items[*].price", Treatment::Shape)
    };
    for (raw, kept) in [
        (
            r#"{"card":{"number":4111111111111111,"name":"ada"},"number":1}"#,
            r#"{"card":{"number":"****1111","name":"ada"},"number":1}"#,
        ),
        (
            r#"[{"x":{"secretNote":["a"]}}]"#,
            r#"[{"x":{"secretNote":"[redacted]"}}]"#,
        ),
        (
            r#"{"page":{"next_token":"n1"},"next_token":"n2"}"#,
            r#"{"page":{"next_token":"n1"},"next_token":"[redacted]"}"#,
        ),
        (
            r#"{"items":[{"price":1.5},{"price":{"net":1,"tax":[true,"x",null]},"n":1}]}"#,
            r#"{"items":[{"price":"[number]"},{"price":{"net":"[number]","tax":["[boolean]","[string]",null]},"n":1}]}"#,
        ),
    ] {
        assert_eq!(json_stored(rules(), raw), kept, "{raw}");
    }
}

#[test]
fn only_what_is_allowed_keeps_its_value_if_the_rules_say_so() {
    let rules = |otherwise| {
        Sanitizer::builder()
            .allow("item")
            .allow("tags")
            .otherwise(otherwise)
    };
    let body = r#"{"item":"tea","note":"x","n":1,"ok":true,"none":null,"tags":["a",["b"]],"list":["c",{"item":2}],"item_password":"p"}"#;
    assert_eq!(
        json_stored(rules(Treatment::Mask), body),
        r#"{"item":"tea","note":"[redacted]","n":"[redacted]","ok":"[redacted]","none":null,"tags":["a",["b"]],"list":["[redacted]",{"item":2}],"item_password":"[redacted]"}"#
    );
    assert_eq!(
        json_stored(rules(Treatment::Shape), body),
        r#"{"item":"tea","note":"[string]","n":"[number]","ok":"[boolean]","none":null,"tags":["a",["b"]],"list":["[string]",{"item":2}],"item_password":"[redacted]"}"#
    );
    assert_eq!(
        json_stored(rules(Treatment::Remove), body),
        r#"{"item":"tea","tags":["a",["b"]],"list":[{"item":2}],"item_password":"[redacted]"}"#
    );
    assert_eq!(
        stored(rules(Treatment::Mask), FORM, "item=tea&note=x&bare"),
        "item=tea&note=[redacted]&[redacted]"
    );
    let auditor = auditor(rules(Treatment::Mask));
    let record = auditor.preview(request(FORM, ""), Response::new(""));
    assert_eq!(
        record.query.as_deref(),
        Some("email=[redacted]&page=[redacted]")
    );
}

#[test]
fn forms_queries_headers_details_and_changes_obey_the_same_rules() {
    let rules = |strategy| {
        Sanitizer::builder()
            .name("email", strategy)
            .request_header("x-email")
            .pseudonym_key("k1", KEY)
    };
    let details = |rules: SanitizerBuilder| -> Record {
        let change = Change::updated(
            "user",
            7,
            &json!({"email": "a@b.de"}),
            &json!({"email": "c@d.de"}),
        );
        let event = Event::activity("a")
            .detail("n", &1)
            .detail("email", &"ada@example.com")
            .change(change.unwrap());
        rules.build().unwrap().record(event)
    };
    for (strategy, pair, header) in [
        (Treatment::Mask, "&email=[redacted]", Some("[redacted]")),
        (Treatment::Partial(4), "&email=****.com", Some("****.com")),
        (Treatment::Remove, "", None),
        (Treatment::Shape, "&email=[string]", Some("[string]")),
    ] {
        let auditor = auditor(rules(strategy.clone()));
        let record = auditor.preview(
            request(FORM, "a=1&email=ada%40example.com"),
            Response::new(""),
        );
        assert_eq!(record.request_body, Some(format!("a=1{pair}")));
        let query = record.query.as_deref().unwrap();
        assert_eq!(
            query.contains("email"),
            !matches!(strategy, Treatment::Remove),
            "{query}"
        );
        let headers: Value =
            serde_json::from_str(record.request_headers.as_ref().unwrap().as_str()).unwrap();
        assert_eq!(headers.get("x-email").and_then(Value::as_str), header);
        let record = details(rules(strategy.clone()));
        let text = format!("{:?} {:?}", record.details, record.changes);
        assert!(
            !text.contains("ada") && !text.contains("b.de") && !text.contains("d.de"),
            "{text}"
        );
    }
    let record = details(rules(Treatment::Remove));
    assert_eq!(record.details.as_ref().unwrap().as_str(), r#"{"n":1}"#);
    assert_eq!(
        record.changes.as_ref().unwrap().as_str(),
        r#"[{"resource_type":"user","resource_id":"7","operation":"updated","before":{},"after":{},"changed":["email"]}]"#
    );
}

#[test]
fn a_pattern_finds_values_wherever_they_are() {
    let rules = || {
        Sanitizer::builder()
            .pattern(r"\bCUST-\d{6}\b", Treatment::Mask)
            .pattern(r"\b9\d{8}\b", Treatment::Partial(3))
    };
    assert_eq!(
        json_stored(
            rules(),
            r#"{"a":"see CUST-123456!","CUST-123456 x":1,"n":[912345678,12]}"#
        ),
        r#"{"a":"see [redacted]!","[redacted] x":1,"n":["****678",12]}"#
    );
    let sanitizer = rules().build().unwrap();
    let record = sanitizer.record(Event::activity("a").description("for CUST-654321"));
    assert_eq!(record.description.as_deref(), Some("for [redacted]"));
    let request = Request::get("/c/CUST-123456?x=CUST-123456")
        .body("")
        .unwrap();
    let record = auditor(rules()).preview(request, Response::new(""));
    assert_eq!(record.path.as_deref(), Some("/c/[redacted]"));
    assert_eq!(record.query.as_deref(), Some("x=[redacted]"));
}

#[tokio::test(start_paused = true)]
async fn a_function_that_panics_costs_the_value_and_nothing_else() {
    let custom = Treatment::custom(|_| panic!("a rule that is wrong"));
    let store = MemoryStore::new();
    let rules = Sanitizer::builder().name("email", custom);
    let (auditor, writer) = Auditor::builder()
        .store(store.clone())
        .sanitizer(rules.build().unwrap())
        .build()
        .unwrap();
    tokio::spawn(writer.run());
    for number in 0..3 {
        let event = Event::activity("a")
            .detail("email", &"ada")
            .detail("n", &number);
        auditor.record(event);
    }
    auditor.flush().await.unwrap();
    let mut details: Vec<_> = store
        .records()
        .iter()
        .map(|record| record.details.as_ref().unwrap().to_string())
        .collect();
    details.sort();
    let expected = |number| format!(r#"{{"email":"[redacted]","n":{number}}}"#);
    assert_eq!(details, [0, 1, 2].map(expected));
}

#[test]
fn a_rule_that_makes_no_sense_is_an_error_that_names_it() {
    let builder = Sanitizer::builder;
    for (rules, named) in [
        (builder().name("--", Treatment::Shape), "\"--\""),
        (builder().path("card", Treatment::Mask), "\"card\""),
        (builder().pattern("(", Treatment::Mask), "\"(\""),
        (builder().pattern("a*", Treatment::Mask), "\"a*\""),
        (builder().pattern("a", Treatment::Keep), "\"a\""),
        (builder().pseudonym_key("k1", *b"short"), "\"k1\""),
        (
            builder().name("email", Treatment::Pseudonym),
            "pseudonym_key",
        ),
    ] {
        let message = rules.build().unwrap_err().to_string();
        assert!(message.contains(named), "{message}");
    }
}

#[test]
fn rules_show_no_key() {
    let rules = Sanitizer::builder().pseudonym_key("k1", KEY);
    let shown = format!("{rules:?} {:?}", rules.clone().build().unwrap());
    assert!(
        !shown.contains("0123456789abcdef") && !shown.contains("48, 49"),
        "{shown}"
    );
}

fn strategies() -> impl Strategy<Value = Treatment> {
    prop_oneof![
        Just(Treatment::Mask),
        Just(Treatment::Remove),
        Just(Treatment::Shape),
        Just(Treatment::Pseudonym),
        Just(Treatment::Partial(4)),
    ]
}

/// A document with canaries under names, at places and of values that the rules know.
fn documents() -> impl Strategy<Value = Value> {
    let canary = prop_oneof![
        Just(json!("canary")),
        Just(json!(["canary"])),
        Just(json!({"x": "canary"}))
    ];
    let leaf = prop_oneof![Just(json!(1)), Just(json!("a b")), Just(Value::Null)];
    let tree = leaf.prop_recursive(3, 20, 4, move |inner| {
        let members = prop::collection::vec(("[a-d]", inner.clone()), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            (members, prop::option::of(canary.clone())).prop_map(|(members, canary)| {
                let mut object: serde_json::Map<_, _> = members.into_iter().collect();
                if let Some(canary) = canary {
                    object.insert("hush".to_owned(), canary);
                }
                Value::Object(object)
            }),
        ]
    });
    tree.prop_map(
        |tree| json!({"at": {"place": "canary"}, "tree": tree, "z": [{"place": ["canary"]}]}),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn cut_anywhere_and_by_any_strategy_a_document_parses_and_shows_no_secret(
        tree in documents(), by_name in strategies(), by_path in strategies(), pretty: bool,
    ) {
        let rules = Sanitizer::builder()
            .name("hush", by_name)
            .path("$.at.place", by_path.clone())
            .path("$.z[*]..place", by_path)
            .pseudonym_key("k1", KEY);
        let auditor = auditor(rules);
        let text = if pretty { format!("{tree:#}") } else { tree.to_string() };
        for end in 1..=text.len() {
            let record = auditor.preview(request("application/json", &text[..end]), Response::new(""));
            let kept = record.request_body.as_deref().unwrap();
            prop_assert!(!kept.contains("can"), "{}", kept);
            prop_assert!(serde_json::from_str::<Value>(kept).is_ok(), "{}", kept);
        }
    }
}
