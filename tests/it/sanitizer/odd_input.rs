//! Input that is made to get around the rules.

use axum::http::Request;
use axum::http::Response;
use tower_audit::Sanitizer;
use tower_audit::Strategy as Treatment;

use super::FORM;
use super::KEY;
use super::auditor;
use super::json_stored;
use super::stored;

#[test]
fn a_pseudonym_that_a_pattern_makes_can_be_searched_for() {
    let rules = || {
        Sanitizer::builder()
            .pattern("ada", Treatment::Pseudonym)
            .pseudonym_key("k1", KEY)
    };
    let pseudonym = auditor(rules()).pseudonym("ada").remove(0);
    assert_eq!(
        json_stored(rules(), r#"{"a":"hello ada"}"#),
        format!(r#"{{"a":"hello {pseudonym}"}}"#)
    );
    assert_eq!(stored(rules(), FORM, "a=ada"), format!("a={pseudonym}"));
}

#[test]
fn where_only_what_is_allowed_stays_odd_names_are_no_way_out() {
    let rules = || Sanitizer::builder().otherwise(Treatment::Mask);
    for body in [
        "a!=my+private+canary+password:x",
        "a(1)=canary%20Bearer%20abcdefghijkl",
        "a%7B=canary:password=x",
    ] {
        let kept = stored(rules(), FORM, body);
        assert!(!kept.contains("canary"), "{kept}");
    }
}

#[test]
fn what_a_path_exempts_is_not_exempt_in_a_document_within_a_value() {
    let rules = || Sanitizer::builder().path("$.token", Treatment::Keep);
    for (content_type, body) in [
        (
            "application/json",
            r#"{"token":"cursor","note":"{\"token\":\"canary\"}"}"#,
        ),
        (FORM, "note=%7B%22token%22:%22canary%22%7D"),
    ] {
        let kept = stored(rules(), content_type, body);
        assert!(!kept.contains("canary"), "{kept}");
    }
}

#[test]
fn a_short_member_name_may_hold_a_secret_too() {
    let kept = json_stored(Sanitizer::builder(), r#"{"pin=123456":1,"pwd: x9":2}"#);
    assert!(!kept.contains("123456") && !kept.contains("x9"), "{kept}");
}

#[test]
fn where_only_what_is_allowed_stays_a_padded_value_is_no_name() {
    let rules = |otherwise| Sanitizer::builder().allow("item").otherwise(otherwise);
    for (body, kept) in [
        ("canary==", "[redacted]"),
        ("canary=", "[redacted]"),
        ("canary===&a=1", "[redacted]&a=[redacted]"),
        ("canary=%3D", "[redacted]"),
        ("canary=%3d+", "[redacted]"),
        ("canary-token==", "[redacted]"),
        ("item=&item==", "item=&item=="),
    ] {
        assert_eq!(stored(rules(Treatment::Mask), FORM, body), kept, "{body}");
        let request = Request::get(format!("/?{body}")).body("").unwrap();
        let record = auditor(rules(Treatment::Shape)).preview(request, Response::new(""));
        let query = record.query.as_deref().unwrap();
        assert!(!query.contains("canary"), "{query}");
    }
    // Where all may stay, a field without a value is none too many.
    assert_eq!(stored(Sanitizer::builder(), FORM, "note=&a=1"), "note=&a=1");
}

#[test]
fn a_document_in_a_form_with_files_is_judged_as_one_of_its_own() {
    let rules = || {
        Sanitizer::builder()
            .allow("tags")
            .path("$.ids", Treatment::Keep)
            .otherwise(Treatment::Mask)
    };
    let document = r#"{"ids":["a",["b"]],"tags":["c"],"note":["d"],"password":{"tags":"e"}}"#;
    let part = |name: &str, content: &str| {
        let head = format!("--x\r\ncontent-disposition: form-data; name={name}\r\n");
        let body = format!("{head}content-type: application/json\r\n\r\n{content}\r\n--x--");
        stored(rules(), "multipart/form-data; boundary=x", &body)
    };
    let alone = json_stored(rules(), document);
    assert!(alone.contains(r#""ids":["a",["b"]],"tags":["c"],"note":["[redacted]"]"#));
    for name in ["doc", "tags"] {
        let expected = format!(r#"[{{"name":"{name}","value":{alone}}}]"#);
        assert_eq!(part(name, document), expected);
    }
    let hidden = r#"[{"name":"password","value":"[redacted]"}]"#;
    assert_eq!(part("password", document), hidden);
    let (list, masked) = (
        r#"["a",{"b":1,"tags":2}]"#,
        r#"[{"b":"[redacted]","tags":2}]"#,
    );
    assert_eq!(
        part("tags", list),
        format!(r#"[{{"name":"tags","value":["a",{}}}]"#, &masked[1..])
    );
    assert_eq!(
        part("doc", list),
        format!(
            r#"[{{"name":"doc","value":["[redacted]",{}}}]"#,
            &masked[1..]
        )
    );
}

#[test]
fn the_number_of_a_card_is_masked_however_json_writes_it() {
    for number in [
        "4111111111111111",
        "-4111111111111111",
        "4111111111111111.0",
        "4.111111111111111e15",
    ] {
        let body = format!(r#"{{"a":{number},"b":[{number}]}}"#);
        let kept = json_stored(Sanitizer::builder(), &body);
        assert_eq!(kept, r#"{"a":"[redacted]","b":["[redacted]"]}"#);
    }
}
