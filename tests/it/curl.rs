//! A record as a command for a shell.

use std::process::Command;

use proptest::prelude::*;
use tower_audit::event::{Column, ColumnType, Value};
use tower_audit::{Event, EventId, Record, Sanitizer};

/// A record with these columns.
fn record(columns: &[(&str, Value<'static>)]) -> Record {
    let id = EventId::now();
    Record::from_columns(|column: &Column| {
        let given = columns.iter().find(|(name, _)| *name == column.name());
        Ok(match (column.name(), given) {
            (_, Some((_, value))) => value.clone(),
            ("id", _) => Value::Uuid(id.as_uuid()),
            ("occurred_at", _) => Value::Time(id.timestamp()),
            ("kind", _) => Value::Text("http".into()),
            _ if !column.is_required() => Value::Null,
            _ if column.column_type() == ColumnType::Real => Value::Real(1.0),
            _ => Value::Bool(false),
        })
    })
    .unwrap()
}

fn text(text: impl Into<String>) -> Value<'static> {
    Value::Text(text.into().into())
}

/// The words that `curl` is given when a shell runs the command.
fn words(command: &str) -> Vec<String> {
    let script = format!("curl() {{ printf '%s\\0' \"$@\"; }}\n{command}\n");
    let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    let output = String::from_utf8(output.stdout).unwrap();
    let words = output.strip_suffix('\0').unwrap().split('\0');
    words.map(str::to_owned).collect()
}

#[test]
fn a_request_becomes_the_command_that_sends_it_again() {
    let record = record(&[
        ("method", text("POST")),
        ("host", text("shop.example:8443")),
        ("path", text("/orders/{7}")),
        ("query", text("a=1&token=[redacted]")),
        (
            "request_headers",
            Value::Json(
                r#"{"accept":"*/*","content-length":"9","host":"x","x-empty":"","content-type":"application/json"}"#.into(),
            ),
        ),
        ("cookies", Value::TextList(vec!["sid".to_owned(), "it's".to_owned()].into())),
        ("request_body", text(r#"{"name":"O'Neil","password":"[redacted]"}"#)),
    ]);
    let command = record.to_curl().unwrap();
    assert_eq!(
        command,
        r#"curl --globoff --path-as-is \
  --request 'POST' \
  --header 'accept: */*' \
  --header 'content-type: application/json' \
  --header 'x-empty;' \
  --header 'cookie: sid=<not recorded>; it'\''s=<not recorded>' \
  --data-raw '{"name":"O'\''Neil","password":"[redacted]"}' \
  --url 'https://shop.example:8443/orders/{7}?a=1&token=[redacted]'"#
    );
}

#[test]
fn what_is_missing_is_marked() {
    let cut = record(&[
        ("method", text("PUT")),
        ("request_body", text("abc")),
        ("request_truncated", Value::Bool(true)),
        ("request_encoding", text("gzip+utf-8")),
        (
            "request_headers",
            Value::Json(r#"{"content-encoding":"gzip"}"#.into()),
        ),
    ]);
    let cut = words(&cut.to_curl().unwrap());
    for expected in [
        "content-type: <not recorded>",
        "abc<cut off here>",
        "https://<host not recorded>/<path not recorded>",
    ] {
        assert!(cut.contains(&expected.to_owned()), "{cut:?}");
    }
    assert!(!cut.iter().any(|word| word.contains("gzip")));
    let left_out = record(&[("method", text("PUT")), ("request_bytes", Value::Int(12))]);
    let words = words(&left_out.to_curl().unwrap());
    assert!(words.contains(&"<body not recorded: 12 bytes>".to_owned()));
}

#[test]
fn a_head_request_does_not_wait_for_a_body() {
    let head = record(&[("method", text("HEAD"))]).to_curl().unwrap();
    assert!(head.contains("--head") && !head.contains("--request"));
}

#[test]
fn what_is_no_request_has_no_command() {
    let event = Sanitizer::default().record(Event::activity("order.create"));
    assert_eq!(event.to_curl(), None);
}

#[test]
fn headers_cannot_smuggle_others_in_or_name_files() {
    let headers = serde_json::json!({
        "x-a": "1\r\nx-b: 2", "@/etc/passwd": "x", "a b": "x", "-K": "x", "x-list": ["x"],
    });
    let record = record(&[
        ("method", text("GET")),
        ("request_headers", Value::Json(headers.to_string().into())),
    ]);
    let words = words(&record.to_curl().unwrap());
    let sent: Vec<_> = words
        .iter()
        .zip(words.iter().skip(1))
        .filter(|(flag, _)| *flag == "--header")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(sent, ["-K: x", "x-a: 1\u{fffd}\u{fffd}x-b: 2"]);
}

/// Texts that are hard on a shell, and any others.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "'",
        "\"",
        "\\",
        "$(id)",
        "`id`",
        "${HOME}",
        "!!",
        "\n",
        "\r\n",
        "\\\n",
        ";id",
        "|",
        "&",
        ">x",
        "*",
        "?",
        "~",
        "#",
        "-d",
        "--",
        "@f",
        "%s",
        "\u{1b}[0m",
        "\u{7f}",
        "\u{202e}",
        "é",
        "\u{1f980}",
        " ",
        "\t",
        "\0",
        "'\\''",
    ]);
    let listed = prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat());
    prop_oneof![listed, any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_was_recorded_reaches_curl_as_it_is(
        method in hostile(), host in hostile(), path in hostile(), query in hostile(), body in hostile(),
        header in hostile(),
    ) {
        let headers = serde_json::json!({"x-a": format!("v{header}")}).to_string();
        let record = record(&[
            ("method", text(method.clone())),
            ("host", text(host.clone())),
            ("path", text(path.clone())),
            ("query", text(query.clone())),
            ("request_content_type", text("text/plain")),
            ("request_headers", Value::Json(headers.into())),
            ("request_body", text(body.clone())),
        ]);
        prop_assume!(method != "HEAD");
        let plain = |text: &str| text.replace('\0', "\u{fffd}");
        let header = format!("x-a: v{}", header.replace(char::is_control, "\u{fffd}"));
        let url = format!("https://{host}{path}?{query}");
        let expected = [
            "--globoff", "--path-as-is", "--request", &plain(&method), "--header", &header,
            "--header", "content-type: text/plain", "--data-raw", &plain(&body), "--url", &plain(&url),
        ];
        prop_assert_eq!(words(&record.to_curl().unwrap()), expected);
    }
}
