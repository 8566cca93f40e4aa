//! How long a body may become by the rules.

use serde_json::Value;
use tower_audit::Sanitizer;
use tower_audit::Strategy as Treatment;

use super::FORM;
use super::KEY;
use super::json_stored;
use super::stored;

#[test]
fn a_pattern_that_finds_its_own_replacement_makes_no_text_grow_for_long() {
    for strategy in [
        Treatment::Mask,
        Treatment::Shape,
        Treatment::Pseudonym,
        Treatment::custom(|value| Some(value.repeat(2))),
    ] {
        let rules = || {
            Sanitizer::builder()
                .pattern("[a-z]{4}|x", strategy.clone())
                .pseudonym_key("k1", KEY)
        };
        for body in [
            format!("x=1-{}%25252541", "abcd".repeat(500)),
            format!("x=%7B%22a%22:%22{}%2541%22%7D", "abcd".repeat(500)),
            "x=xx".to_owned(),
        ] {
            let kept = stored(rules(), FORM, &body);
            assert!(
                kept.len() < 3 * (4 * body.len() + 5_000),
                "{} bytes of {}",
                kept.len(),
                body.len()
            );
        }
    }
}

#[test]
fn no_strategy_makes_a_body_grow_beyond_bounds() {
    let multipart = "multipart/form-data; boundary=x";
    let part = "--x\r\ncontent-disposition: form-data; name=a\r\n\r\n\u{1}\r\n";
    let json_part = "--x\r\ncontent-disposition: form-data; name=a\r\ncontent-type: application/json\r\n\r\n[1,1,1,1,1,1,1,1,1,1]\r\n";
    let bodies = [
        ("application/json", format!("[{}1]", "1,".repeat(8_000))),
        ("application/json", format!("[{}1]", "\"\",".repeat(5_000))),
        (
            "application/json",
            format!("{{{}\"\":1}}", "\"\":1,".repeat(3_000)),
        ),
        ("application/x-ndjson", "1\n".repeat(8_000)),
        (FORM, "a=1&".repeat(4_000) + "a=1"),
        (FORM, "a&".repeat(8_000) + "a=1"),
        (FORM, format!("b=token:x{}", "%ff".repeat(5_000))),
        (multipart, part.repeat(250) + "--x--"),
        (multipart, json_part.repeat(140) + "--x--"),
    ];
    for strategy in [
        Treatment::Pseudonym,
        Treatment::Mask,
        Treatment::Shape,
        Treatment::custom(|value| Some(format!("\u{1}{}", value.repeat(500)))),
    ] {
        let rules = Sanitizer::builder()
            .otherwise(strategy.clone())
            .pattern("t", strategy.clone())
            .pseudonym_key("a-long-id-of-key", KEY);
        for (content_type, body) in &bodies {
            let kept = stored(rules.clone(), content_type, body);
            assert!(!kept.contains("unreadable"), "{kept}");
            let most = 12 * body.len() + 4096;
            assert!(
                kept.len() <= most,
                "{} of {}: {strategy:?}, {:.60}",
                kept.len(),
                body.len(),
                body
            );
            let is_readable =
                content_type.contains("form") || serde_json::from_str::<Value>(&kept).is_ok();
            assert!(
                is_readable || content_type.contains("ndjson"),
                "{kept:.100}"
            );
        }
    }
}

#[test]
fn past_its_bound_a_body_is_masked_where_it_was_to_be_a_pseudonym() {
    let rules = || {
        Sanitizer::builder()
            .otherwise(Treatment::Pseudonym)
            .pseudonym_key("k1", KEY)
    };
    let body = format!("[{}1]", "1,".repeat(2_000));
    let kept: Vec<String> = serde_json::from_str(&json_stored(rules(), &body)).unwrap();
    assert_eq!(kept.len(), 2_001);
    assert!(kept[0].starts_with("hmac:k1:"));
    assert_eq!(kept[2_000], "[redacted]");
}
