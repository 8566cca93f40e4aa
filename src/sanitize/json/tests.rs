use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use std::sync::Arc;

use super::super::Sanitizer;
use super::*;
use crate::sanitize::text;

const CANARY: &str = "canary";

fn rules() -> Arc<Rules> {
    Sanitizer::default().rules
}

fn body(cut: bool) -> Document {
    Document::body(cut, usize::MAX)
}

fn read(input: &str, document: Document) -> (Reading, String) {
    let mut out = String::from("before");
    let reading = sanitize(&rules(), input, document, &mut out);
    let kept = out.strip_prefix("before").unwrap().to_owned();
    (reading, kept)
}

fn complete(input: &str) -> String {
    let (reading, kept) = read(input, body(false));
    assert_eq!(reading, Reading::Complete, "{input}");
    kept
}

fn cut(input: &str) -> String {
    let (reading, kept) = read(input, body(true));
    assert_eq!(reading, Reading::Truncated, "{input}");
    serde_json::from_str::<Value>(&kept).expect(&kept);
    kept
}

fn is_unreadable(input: &str) -> bool {
    read(input, body(false)) == (Reading::Unreadable, String::new())
}

#[test]
fn values_of_sensitive_names_are_masked_whatever_their_type() {
    for value in [
        "\"x\"",
        "1",
        "-1.5e3",
        "true",
        "[1,{\"a\":[]}]",
        "{\"a\":{\"b\":\"]\"}}",
        "\"\"",
    ] {
        assert_eq!(
            complete(&format!("{{\"a\":1, \"password\" : {value} , \"b\":2}}")),
            "{\"a\":1, \"password\" : \"[redacted]\" , \"b\":2}"
        );
    }
    assert_eq!(complete(r#"{"password":null}"#), r#"{"password":null}"#);
}

#[test]
fn nested_duplicate_and_escaped_names_are_found() {
    for (raw, kept) in [
        (
            r#"{"a":{"Api-Key":"x"}}"#,
            r#"{"a":{"Api-Key":"[redacted]"}}"#,
        ),
        (
            r#"[{"pin":1},{"pin":2}]"#,
            r#"[{"pin":"[redacted]"},{"pin":"[redacted]"}]"#,
        ),
        (
            r#"{"pin":1,"pin":2}"#,
            r#"{"pin":"[redacted]","pin":"[redacted]"}"#,
        ),
        (
            r#"{"pass\u0077ord":1}"#,
            r#"{"pass\u0077ord":"[redacted]"}"#,
        ),
        (
            r#"{"author":{"user.password":1}}"#,
            r#"{"author":{"user.password":"[redacted]"}}"#,
        ),
        (
            r#"{"password":{"password":1},"a":2}"#,
            r#"{"password":"[redacted]","a":2}"#,
        ),
        (
            r#"{"password":{"\u0000":1},"a":[]}"#,
            r#"{"password":"[redacted]","a":[]}"#,
        ),
    ] {
        assert_eq!(complete(raw), kept);
    }
}

#[test]
fn what_is_not_sensitive_stays_as_it_was_written() {
    for raw in [
        r#" { "b" : 1.50e+2 , "a":1e400,"a":[ ],"c":{},"d":"\u00e9\/\ud83d\ude00é" } "#,
        "[1,\n2,\t\"a\"]",
        "true",
        "null",
        "{}",
    ] {
        assert_eq!(complete(raw), raw);
    }
}

#[test]
fn a_string_or_number_of_its_own_is_masked_unless_somebody_named_it() {
    assert_eq!(complete(" \"x\" "), " \"[redacted]\" ");
    assert_eq!(complete("12"), "\"[redacted]\"");
    assert_eq!(
        read("12", Document::named(DocumentName::Harmless, usize::MAX)),
        (Reading::Complete, "12".to_owned())
    );
    assert_eq!(
        read("\"x\"", Document::named(DocumentName::Harmless, usize::MAX)),
        (Reading::Complete, "\"x\"".to_owned())
    );
}

#[test]
fn strings_that_hold_json_are_sanitized_within_one_level_deep() {
    for (raw, kept) in [
        (
            json!({"a": "{\"password\":\"x\",\"b\":1}"}),
            json!({"a": "{\"password\":\"[redacted]\",\"b\":1}"}),
        ),
        (json!({"a": " [ 1 ]"}), json!({"a": " [ 1 ]"})),
        (
            json!({"a": "{\"b\":\"{\\\"c\\\":1}\"}"}),
            json!({"a": "{\"b\":\"[redacted]\"}"}),
        ),
        (json!({"a": "{\"password\":x}"}), json!({"a": "[redacted]"})),
        (
            json!({"a": "{\"b\":1,\"password\":\"x"}),
            json!({"a": "{\"b\":1,\"$truncated\":true}"}),
        ),
        (
            json!({"a": "[draft] {name}"}),
            json!({"a": "[draft] {name}"}),
        ),
        (
            json!(["a=1&password=x&b=2"]),
            json!(["a=1&password=[redacted]&b=2"]),
        ),
        (
            json!(["\"{\\\"password\\\":\\\"x\\\"}\""]),
            json!(["\"{\\\"password\\\":[redacted]}\""]),
        ),
    ] {
        let kept_text = complete(&raw.to_string());
        assert_eq!(serde_json::from_str::<Value>(&kept_text).unwrap(), kept);
    }
}

#[test]
fn strings_that_are_percent_encoded_are_decoded_to_be_judged_whatever_their_length() {
    for (raw, kept) in [
        (r#"{"a":"pin%3D12"}"#, r#"{"a":"pin=[redacted]"}"#),
        (r#"{"a":"100%25 pin"}"#, r#"{"a":"100%25 pin"}"#),
        (
            r#"{"a":"%7B%22b%22%3A1%7D"}"#,
            r#"{"a":"%7B%22b%22%3A1%7D"}"#,
        ),
    ] {
        assert_eq!(complete(raw), kept);
    }
}

#[test]
fn what_stores_refuse_becomes_a_replacement_character() {
    for (raw, kept) in [
        (r#"["a\u0000b"]"#, "[\"a\u{fffd}b\"]"),
        (r#"["\ud800"]"#, "[\"\u{fffd}\"]"),
        (r#"["\ud800\u0041\n"]"#, "[\"\u{fffd}A\\n\"]"),
        (r#"["\udc00\ud83d\ude00"]"#, "[\"\u{fffd}😀\"]"),
        (r#"{"\u0000":1}"#, "{\"\u{fffd}\":1}"),
    ] {
        assert_eq!(complete(raw), kept);
    }
}

#[test]
fn a_cut_document_keeps_what_is_complete() {
    for (raw, kept) in [
        (r#"{"#, r#"{"$truncated":true}"#),
        (r#"{"a":1,"b":2"#, r#"{"a":1,"$truncated":true}"#),
        (r#"{"a":1,"b":2,"#, r#"{"a":1,"b":2,"$truncated":true}"#),
        (r#"{"a":1,"b\u00"#, r#"{"a":1,"$truncated":true}"#),
        (r#"{"a":1,"b""#, r#"{"a":1,"$truncated":true}"#),
        (r#"{"a":1,"b\u0000":"#, r#"{"a":1,"$truncated":true}"#),
        (r#"{"a":1,"b":tr"#, r#"{"a":1,"$truncated":true}"#),
        (r#"{"a":1,"b":"x"#, r#"{"a":1,"$truncated":true}"#),
        (
            r#"{"a":1,"token":[1,{"b":"x"},"#,
            r#"{"a":1,"$truncated":true}"#,
        ),
        (
            r#"{"token":1,"b":"#,
            r#"{"token":"[redacted]","$truncated":true}"#,
        ),
        (
            r#"{"a":{"b":[1,[],2"#,
            r#"{"a":{"b":[1,[],{"$truncated":true}]}}"#,
        ),
        (r#"[{"a":1},{"b"#, r#"[{"a":1},{"$truncated":true}]"#),
        (r#"[["#, r#"[[{"$truncated":true}]]"#),
    ] {
        assert_eq!(cut(raw), kept);
    }
    assert!(is_unreadable("\"x"));
    assert_eq!(read("12", body(true)).0, Reading::Unreadable);
}

#[test]
fn what_the_grammar_refuses_is_unreadable() {
    for raw in [
        "",
        " ",
        "x",
        "{]",
        "[}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "[1,]",
        "{\"a\":1,}",
        "[1 2]",
        "{} {}",
        "[01]",
        "[1.]",
        "[+1]",
        "[.5]",
        "[1e]",
        "[-]",
        "-",
        "[nul]",
        "[nulll]",
        "[\"\\x\"]",
        "[\"\\u00g0\"]",
        "[\"\n\"]",
        "['a']",
        "{\"password\":\"canary\"} trailing",
        "{\"password\":{\"a\":[1}}}",
        "[1]]",
    ] {
        assert!(is_unreadable(raw), "{raw}");
    }
}

#[test]
fn a_megabyte_of_brackets_is_masked_where_readers_would_stop() {
    let deep = "[".repeat(1 << 20);
    let kept = cut(&deep);
    assert!(kept.ends_with(&format!("{{\"$truncated\":true}}{}", "]".repeat(126))));
    let closed = complete(&format!("{deep}{}", "]".repeat(1 << 20)));
    let (open, close) = ("[".repeat(126), "]".repeat(126));
    assert_eq!(closed, format!("{open}\"[too deep]\"{close}"));
    assert!(serde_json::from_str::<Value>(&closed).is_ok());
    let fits = format!("{open}1{close}");
    assert_eq!(complete(&fits), fits);
    assert!(is_unreadable(&format!("{open}[\"\x01\"]{close}")));
}

/// Any JSON, and with `sensitive` also members whose value holds a canary.
fn documents(sensitive: bool) -> impl Strategy<Value = Value> {
    let key = "[a-h]{1,4}|[a-c]\"\\\\é";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>()
            .prop_filter("the number of a card", |number| {
                !text::is_card_number(number.to_string().as_bytes())
            })
            .prop_map(Value::from),
        // Without a secret, no string may look like JSON: what is not read as it is would be masked.
        if sensitive {
            "[a-h \"\\\\\n/é😀{}\\[\\]]{0,8}"
        } else {
            "[a-h \"\\\\\n/é😀}\\]]{0,8}"
        }
        .prop_map(Value::from),
    ];
    let tree = leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    let name = prop::sample::select(vec![
        "Api-Key",
        "password",
        "pass\"word",
        "userToken",
        "x.secret",
    ]);
    let secret = prop_oneof![
        Just(json!(CANARY)),
        Just(json!([CANARY, {"a": CANARY}])),
        Just(json!({"a": {"b": [CANARY]}, CANARY: 1})),
    ];
    (tree, name, secret).prop_map(move |(tree, name, secret)| {
        let mut tree = if tree.is_object() || tree.is_array() {
            tree
        } else {
            json!([tree])
        };
        if sensitive {
            hide(&mut tree, name, &secret);
        }
        tree
    })
}

fn hide(tree: &mut Value, name: &str, secret: &Value) {
    match tree {
        Value::Object(members) => {
            members
                .values_mut()
                .for_each(|member| hide(member, name, secret));
            members.insert(name.to_owned(), secret.clone());
        }
        Value::Array(elements) => {
            elements
                .iter_mut()
                .for_each(|element| hide(element, name, secret));
            let mut holder = Map::new();
            holder.insert(name.to_owned(), secret.clone());
            holder.insert(
                "text".to_owned(),
                json!(format!("{{\"{}\":{secret}}}", "token")),
            );
            elements.push(Value::Object(holder));
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cut_at_every_byte_a_document_parses_and_shows_no_secret(tree in documents(true), pretty: bool) {
        let rules = rules();
        let text = if pretty { format!("{tree:#}") } else { tree.to_string() };
        for end in (1..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            let mut kept = String::new();
            let reading = sanitize(&rules, &text[..end], body(end < text.len()), &mut kept);
            let expected = if end < text.len() { Reading::Truncated } else { Reading::Complete };
            prop_assert_eq!(reading, expected, "{}", &text[..end]);
            prop_assert!(serde_json::from_str::<Value>(&kept).is_ok(), "{}", kept);
            prop_assert!(!kept.contains("can"), "{}", kept);
            let mut again = String::new();
            prop_assert_eq!(sanitize(&rules, &kept, body(false), &mut again), Reading::Complete);
            prop_assert_eq!(again, kept);
        }
    }
}

proptest! {
    #[test]
    fn a_document_without_secrets_keeps_its_meaning(tree in documents(false)) {
        let (reading, kept) = read(&tree.to_string(), body(false));
        prop_assert_eq!(reading, Reading::Complete);
        prop_assert_eq!(kept, tree.to_string());
    }

    #[test]
    fn the_scanner_accepts_what_serde_json_accepts(tree in documents(true), changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"{}[]:,\"\\u0019.-+eE tfnaD8\n".to_vec()), any::<bool>()), 0..4)) {
        let mut bytes = tree.to_string().into_bytes();
        for (at, byte, insert) in changes {
            let at = at.index(bytes.len());
            if insert { bytes.insert(at, byte) } else { bytes[at] = byte }
        }
        let text = String::from_utf8_lossy(&bytes);
        let (reading, kept) = read(&text, body(false));
        let accepted = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        prop_assert_eq!(reading == Reading::Complete, accepted, "{}", text);
        if reading != Reading::Unreadable {
            prop_assert!(serde_json::from_str::<IgnoredAny>(&kept).is_ok(), "{}", kept);
        }
    }

    #[test]
    fn soups_of_tokens_are_read_as_serde_json_reads_them(tokens in prop::collection::vec(prop::sample::select(vec!["{", "}", "[", "]", ",", ":", "\"a\"", "\"pin\"", "1", "-0.5e1", "true", "null", "\"\\ud800\\u0000\"", " ", "0", "tru", "\"{\\\"pin\\\":1\""]), 0..12), cut: bool) {
        let text = tokens.concat();
        let (reading, kept) = read(&text, body(cut));
        let accepted = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        if !cut {
            prop_assert_eq!(reading == Reading::Complete, accepted, "{}", text);
        }
        if reading != Reading::Unreadable {
            prop_assert!(serde_json::from_str::<Value>(&kept).is_ok(), "{} -> {}", text, kept);
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>(), cut: bool) {
        let _ = read(&text, body(cut));
    }
}
