use proptest::prelude::*;

use std::sync::Arc;

use super::super::Sanitizer;
use super::*;

const TYPE: &str = "multipart/form-data; boundary=XyZ";
const PNG: &str = "name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png";

fn rules() -> Arc<Rules> {
    Sanitizer::default().rules
}

/// A part for each head, which begins with the parameters of its disposition, and content.
fn body(parts: &[(&str, &str)]) -> String {
    let part = |(head, content): &(&str, &str)| {
        format!("--XyZ\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    };
    parts.iter().map(part).collect::<String>() + "--XyZ--\r\n"
}

fn read(body: &[u8]) -> Option<String> {
    let kept = sanitize(&rules(), TYPE.as_bytes(), body)?;
    let value: serde_json::Value = serde_json::from_str(&kept).expect(&kept);
    assert!(
        value
            .as_array()
            .unwrap()
            .iter()
            .all(serde_json::Value::is_object)
    );
    Some(kept)
}

fn kept(parts: &[(&str, &str)]) -> String {
    read(body(parts).as_bytes()).unwrap()
}

#[test]
fn fields_keep_their_values_and_files_their_heads() {
    let parts = [
        ("name=\"user\"", "ada \"the\" first\n"),
        ("name=user", ""),
        ("name=\"user[password]\"", "canary"),
        (PNG, "\u{1}canary"),
        ("name=none; filename=\"\"", ""),
        ("name=table\r\ncontent-type: text/csv; a=b", "canary;canary"),
    ];
    let expected = [
        r#"{"name":"user","value":"ada \"the\" first\n"}"#,
        r#"{"name":"user","value":""}"#,
        r#"{"name":"user[password]","value":"[redacted]"}"#,
        r#"{"name":"file","filename":"a.png","content_type":"image/png","bytes":7}"#,
        r#"{"name":"none","filename":"","bytes":0}"#,
        r#"{"name":"table","content_type":"text/csv","bytes":13}"#,
    ];
    assert_eq!(kept(&parts), format!("[{}]", expected.join(",")));
    assert_eq!(kept(&[]), "[]");
}

#[test]
fn a_value_that_is_json_is_sanitized_as_such_whether_its_type_says_so_or_not() {
    let json = r#"{"a":1,"password":"canary"}"#;
    let typed = (
        "name=a\r\nContent-Type: application/json; charset=UTF-8",
        json,
    );
    assert_eq!(
        kept(&[typed, ("name=b", json)]),
        concat!(
            r#"[{"name":"a","value":{"a":1,"password":"[redacted]"}},"#,
            r#"{"name":"b","value":"{\"a\":1,\"password\":\"[redacted]\"}"}]"#
        )
    );
    let broken = [(typed.0, "canary"), (typed.0, "")];
    let unreadable = r#"{"name":"a","value":"[unreadable]"}"#;
    assert_eq!(kept(&broken), format!("[{unreadable},{unreadable}]"));
    let cut = kept(&[(typed.0, r#"{"a":1,"password":"canary"#)]);
    assert_eq!(cut, r#"[{"name":"a","value":{"a":1,"$truncated":true}}]"#);
}

#[test]
fn secrets_are_found_in_names_and_texts_however_they_are_encoded() {
    for part in [
        ("name=\"p%61ssword\"", "canary"),
        ("name=\"p%2561ssword\"", "canary"),
        ("name=\"pass\\word\"", "canary"),
        ("name=\"api\\\"key\"", "canary"),
        ("name=\"\"", "canary"),
        ("name=\"%20\"", "canary"),
        ("name=\"token=canary\"", ""),
        ("name=a", "password=canary"),
        ("name=a", "https://user:canary@host/"),
        ("name=a", "https%3A%2F%2Fhost%2F%3Ftoken%3Dcanary"),
        ("name=a", "%7B%22password%22%3A%22canary%22%7D"),
        ("name=a; filename=\"token=canary\"", ""),
        ("name=a; filename=\"token%3Dcanary.txt\"", ""),
        ("name=a; filename*=utf-8''token%3Dcanary", ""),
        ("name=a; filename*=utf-8''token%253Dcanary", ""),
        ("name=a; filename*=koi8-r''canary", ""),
        ("name=private_key; filename=\"canary.pem\"", "canary"),
        ("name=a\r\nContent-Type: x/token=canary; a=canary", "canary"),
        ("name=a\r\nContent-Transfer-Encoding: base64", "canary"),
        (
            "name=a\r\nContent-Type: text/plain; charset=utf-7",
            "canary",
        ),
        (
            "name=a\r\nContent-Type: multipart/mixed; boundary=q",
            "--q\r\n\r\ncanary\r\n--q--",
        ),
        ("name=a\r\nX-Other: canary", ""),
        ("name=a; other=canary", ""),
        ("name=a", "canary\0"),
    ] {
        let kept = kept(&[part, ("name=b", "1")]);
        assert!(!kept.contains("canary"), "{kept}");
        assert!(kept.ends_with(r#",{"name":"b","value":"1"}]"#), "{kept}");
    }
    let kept = read(
        &[&b"--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\n\xff\r\n--XyZ--"[..]].concat(),
    );
    assert_eq!(
        kept.as_deref(),
        Some(r#"[{"name":"a","value":"[unreadable]"}]"#)
    );
}

#[test]
fn names_of_files_are_read_in_all_their_notations() {
    for (parameters, name) in [
        ("filename=a.png", "a.png"),
        ("FileName=\"a b.png\"", "a b.png"),
        ("filename=\"a\\\"b\\\\c\"", "a\\\"b\\\\c"),
        ("filename=\"C:\\dir\\a.png\"", "C:\\\\dir\\\\a.png"),
        ("filename=\"a;b=c\"", "a;b=c"),
        ("filename=\"\u{e4}.png\"", "\u{e4}.png"),
        ("filename=x; filename*=UTF-8'de'%c3%a4.png", "\u{e4}.png"),
        ("filename*=iso-8859-1''%E4.png", "\u{e4}.png"),
        ("filename*=utf-8''%ff", "\u{fffd}"),
        ("filename*=nonsense", "[unreadable]"),
    ] {
        let part = format!("name=a; {parameters}");
        let expected = format!(r#"[{{"name":"a","filename":"{name}","bytes":1}}]"#);
        assert_eq!(kept(&[(&part, "x")]), expected);
    }
}

#[test]
fn what_is_in_doubt_is_unreadable() {
    for head in [
        "",
        "filename=a",
        "name=a; name=password",
        "name=a; NAME=password",
        "name=a; filename=b; filename=c",
        "name=a; name*=utf-8''password",
        "name=a; name*0=pass",
        "name=a; filename*0=b",
        "name=\"a",
        "name=\"a\" b",
        "name=\"a\"password",
        "name =a",
        "name=",
        "name=a b",
        "name=a\r\nContent-Disposition: form-data; name=password",
        "name=a\r\nContent-Type: text/plain\r\ncontent-type: application/json",
        "name=a\r\n folded",
        "name=a\r\nno header",
        "name=a\nb: c",
        "name=a\r\nb\0: c",
        "name=a\r\nb: \u{1}",
    ] {
        assert_eq!(read(body(&[(head, "canary")]).as_bytes()), None, "{head}");
    }
    let long = format!("name={}", "a".repeat(257));
    let many = format!("name=a{}", "\r\na: b".repeat(32));
    for head in [long, many] {
        assert_eq!(read(body(&[(&head, "")]).as_bytes()), None);
    }
    let good = body(&[("name=a", "1")]);
    for bad in [
        String::new(),
        "canary".to_owned(),
        format!("canary\r\n{good}"),
        format!(" {good}"),
        format!("{good}canary"),
        format!("{good}{good}"),
        good.replace("\r\n", "\n"),
        good.replace("form-data", "attachment"),
        good.replace("\r\n\r\n", "\r\n"),
        good.replace("1", "canary --XyZ canary"),
        good.replace("1", "1\n--XyZ\n"),
        good.replace("1", "1\r\n--XyZpassword\r\n"),
        good.replace("1", "1\r\n--XyZ \tpassword\r\n"),
        good.replace("XyZ--", "XyZ--canary"),
        good.replace("--XyZ\r\n", "--XyZ\r\n--XyZ\r\n"),
    ] {
        assert_eq!(read(bad.as_bytes()), None, "{bad}");
    }
    let padded = good.replace("--XyZ\r\n", "\r\n--XyZ \t\r\n");
    assert_eq!(read(padded.as_bytes()), read(good.as_bytes()));
}

#[test]
fn a_boundary_has_to_be_there_once_and_valid() {
    let body = body(&[("name=a", "1")]);
    let with = |content_type: &str| sanitize(&rules(), content_type.as_bytes(), body.as_bytes());
    for good in [
        TYPE,
        "multipart/form-data;Boundary=\"XyZ\" ; charset=utf-8;",
    ] {
        assert!(with(good).is_some(), "{good}");
    }
    for bad in [
        "multipart/form-data",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"XyZ",
        "multipart/form-data; boundary=\"XyZ \"",
        "multipart/form-data; boundary=XyZ; boundary=XyZ",
        "multipart/form-data; boundary=Xy\u{e4}",
        "multipart/form-data; boundary=other",
    ] {
        assert_eq!(with(bad), None, "{bad}");
    }
    let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
    assert_eq!(with(&long), None);
}

#[test]
fn where_it_breaks_off_the_part_in_progress_is_dropped_save_for_a_file_s_head() {
    let whole = body(&[("name=a", "1"), (PNG, "canary"), ("name=b", "2")]);
    let a = r#"{"name":"a","value":"1"}"#;
    let png = r#"{"name":"file","filename":"a.png","content_type":"image/png""#;
    let mark = r#"{"$truncated":true}"#;
    let until = |end: &str| read(whole.split_once(end).unwrap().0.as_bytes());
    assert_eq!(until("\r\nContent-Disposition"), Some(format!("[{mark}]")));
    assert_eq!(
        until("\r\n--XyZ\r\nContent-Disposition: form-data; name=\"file"),
        Some(format!("[{mark}]"))
    );
    assert_eq!(until("image/png"), Some(format!("[{a},{mark}]")));
    assert_eq!(until("nary"), Some(format!("[{a},{png}}},{mark}]")));
    assert_eq!(
        until("\r\n2"),
        Some(format!("[{a},{png},\"bytes\":6}},{mark}]"))
    );
    assert_eq!(until("-XyZ\r\n"), None);
}

#[test]
fn ten_thousand_parts_are_read_in_one_go() {
    let parts = vec![("name=a", ""); 10_000];
    assert_eq!(kept(&parts).matches("name").count(), 10_000);
}

const TOKENS: &[&str] = &[
    "--XyZ",
    "--XyZ--",
    "--",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    "Content-Disposition: form-data; ",
    "name=a",
    "name=\"password\"",
    "; filename=\"a\"",
    "; filename*=utf-8''%41",
    "; name*=x",
    "Content-Type: application/json",
    "Content-Type: text/plain",
    "{\"a\":",
    "1}",
    "\"",
    "\\",
    "%22",
    "canary",
    "XyZ",
    "\0",
    "\u{e4}",
    ": ",
    ";",
    "=",
];

#[test]
fn no_cut_shows_a_secret_or_a_file() {
    let json = r#"{"b":2,"token":"canary"}"#;
    for text in ["x", "", "--", "\r\n", "\r\n\r\n--Xy"] {
        let whole = body(&[
            ("name=note", text),
            ("name=\"password\"", "canary"),
            (PNG, "canary"),
            ("name=a\r\nContent-Type: application/json", json),
            ("name=c", json),
            ("name=\"user[api_key]\"", "canary"),
            ("name=d", "Bearer canary"),
            ("name=last; filename=\"token=canary\"", "canary"),
        ]);
        for at in 0..=whole.len() {
            let kept = read(&whole.as_bytes()[..at]).unwrap_or_default();
            assert!(!kept.contains("can"), "{kept}");
        }
        assert!(read(whole.as_bytes()).unwrap().contains("\"last\""));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(content_type in ".{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = sanitize(&rules(), content_type.as_bytes(), &bytes);
        let _ = read(&bytes);
    }

    #[test]
    fn whatever_its_pieces_what_comes_out_is_json(pieces in prop::collection::vec(prop::sample::select(TOKENS), 0..40)) {
        let _ = read(pieces.concat().as_bytes());
        let _ = read(format!("--XyZ\r\nContent-Disposition: form-data; {}", pieces.concat()).as_bytes());
    }
}
