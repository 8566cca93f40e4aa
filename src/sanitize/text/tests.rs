use proptest::prelude::*;

use std::sync::Arc;

use super::super::Sanitizer;
use super::*;

fn rules() -> Arc<Rules> {
    Sanitizer::default().rules
}

fn netted(text: &str) -> String {
    net(&rules(), text).unwrap_or_else(|| text.to_owned())
}

#[test]
fn values_behind_sensitive_names_are_masked_to_the_next_delimiter() {
    for (raw, kept) in [
        ("password=canary", "password=[redacted]"),
        (
            "login failed: password: canary, user: bob",
            "login failed: password: [redacted], user: bob",
        ),
        (
            "{\"password\":\"canary\",\"a\":1}",
            "{\"password\":[redacted],\"a\":1}",
        ),
        (
            "{\"password\" : \"can\\\"ary\"}",
            "{\"password\" : [redacted]}",
        ),
        (
            "{\\\"token\\\":\\\"canary\\\"}",
            "{\\\"token\\\":[redacted]}",
        ),
        ("{'api_key': 'canary'}", "{'api_key': [redacted]}"),
        ("a=1&Api-Key=canary&b=2", "a=1&Api-Key=[redacted]&b=2"),
        (
            "Login { user: \"a\", password: Some(\"canary, )\") }",
            "Login { user: \"a\", password: [redacted] }",
        ),
        (
            "secret: Secret([1, 2, 3]), next: 4",
            "secret: [redacted], next: 4",
        ),
        (":password=>\"canary\"", ":password=>[redacted]"),
        ("password := canary", "password := [redacted]"),
        ("password=\\\\canary\\x y", "password=[redacted] y"),
        (
            "<user><password>canary x</password></user>",
            "<user><password>[redacted]</password></user>",
        ),
        ("<user password=\"canary\"/>", "<user password=[redacted]/>"),
        (
            "cookie: a=canary; b=canary\nhost: x",
            "cookie: [redacted]\nhost: x",
        ),
        ("password=\"canary without an end", "password=[redacted]"),
        ("password: (canary without an end", "password: [redacted]"),
    ] {
        assert_eq!(netted(raw), kept);
        assert_eq!(netted(kept), kept, "a second pass changes nothing");
    }
}

#[test]
fn an_authorization_line_is_masked_whole() {
    for raw in [
        "Authorization: Digest username=\"canary\", response=\"canary\"",
        "authorization: AWS4-HMAC-SHA256 Credential=canary/2024, Signature=canary",
        "authorization=Custom canary canary",
        "\"authorization\": \"Custom canary canary\"",
    ] {
        assert!(!netted(raw).contains("canary"), "{}", netted(raw));
    }
}

#[test]
fn tokens_are_known_by_how_they_begin() {
    let key = "-----BEGIN PRIVATE KEY-----\nMIIcanary\n-----END PRIVATE KEY-----";
    for (raw, kept) in [
        ("got Bearer canary.", "got Bearer [redacted]"),
        ("got basic Y2FuYXJ5, bad", "got basic [redacted], bad"),
        ("basic authentication failed", "basic authentication failed"),
        (
            "jwt eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln bad",
            "jwt [redacted] bad",
        ),
        (
            "/reset/eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln",
            "/reset/[redacted]",
        ),
        (
            "base64 eyJwYXNzd29yZCI6ImNhbmFyeSJ9 json",
            "base64 [redacted] json",
        ),
        ("eyes and eyJ stay", "eyes and eyJ stay"),
        ("key ghp_0123456789abcdefghij!", "key [redacted]!"),
        (&format!("a {key} b"), "a [redacted] b"),
        (&key[..40], "[redacted]"),
        (
            "postgres://user:can@ary@host/db",
            "postgres://[redacted]@host/db",
        ),
        ("postgres://user:canary", "postgres://[redacted]"),
        ("http://host:80", "http://host:80"),
        ("http://[::1]:80/", "http://[::1]:80/"),
        ("http://host/a@b", "http://host/a@b"),
    ] {
        assert_eq!(netted(raw), kept);
        assert_eq!(netted(kept), kept, "a second pass changes nothing");
    }
}

#[test]
fn ordinary_text_stays_as_it_is() {
    for text in [
        "connection refused: os error 111",
        "at 2024-01-01T10:00:00Z author=bob code=404",
        "invalid type: map, expected a string at line 1 column 5",
        "src/main.rs:10:5: panicked at 'index out of bounds: the len is 3'",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "the password is wrong",
    ] {
        assert_eq!(netted(text), text);
    }
}

#[test]
fn encoded_text_is_decoded_to_be_judged() {
    let encoded = |text| encoded_value(&rules(), text, false);
    assert_eq!(
        encoded("/a/password%3Dcanary/b"),
        Some("/a/password=[redacted]".to_owned())
    );
    assert_eq!(encoded("/a%2Fb+c%20d"), None);
}

proptest! {
    #[test]
    fn any_text_passes_without_a_panic(text in "([ -~é\n]|password|: ?|=|\"|\\\\|Bearer |://|@|eyJhbGciOiJIUzI1NiJ9|-----BEGIN |%25|\\PC){0,24}") {
        let rules = rules();
        let _ = (value(&rules, &text, 1), encoded_value(&rules, &text, true));
    }
}

#[test]
fn what_a_secret_holds_in_encoded_form_does_not_end_it() {
    let rules = rules();
    for encoded in [
        "%2Flogin%3Fpassword%3Dab%2526canary",
        "%2Flogin%3Fpassword%3Dab%2520canary",
        "postgres%3A%2F%2Fu%3Apa%252Fcanary%40h%2Fdb",
        "password=ab%20canary",
        "password=ab%26canary",
    ] {
        let kept = encoded_value(&rules, encoded, true).unwrap();
        assert!(!kept.contains("canary"), "{kept}");
    }
}
