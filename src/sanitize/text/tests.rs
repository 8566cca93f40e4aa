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
fn keys_of_providers_are_known_by_their_prefix() {
    let rest = "0123456789abcdef0123456789abcdef";
    for prefix in [
        "AKIA",
        "ASIA",
        "AIza",
        "ya29.",
        "GOCSPX-",
        "ghp_",
        "glpat-",
        "xoxb-",
        "xoxe.xoxp-1-",
        "sk_live_",
        "sk_test_",
        "rk_live_",
        "rk_test_",
        "whsec_",
        "SG.",
        "npm_",
        "pypi-",
        "hf_",
        "sk-proj-",
        "sk-ant-api03-",
        "dop_v1_",
        "shpat_",
        "shpss_",
        "SK",
        "hvs.",
        "dckr_pat_",
        "AGE-SECRET-KEY-1",
    ] {
        let key = format!("{prefix}{rest}");
        assert_eq!(netted(&format!("got {key}, bad")), "got [redacted], bad");
        assert_eq!(netted(&format!("/keys/{key}")), "/keys/[redacted]");
        assert_eq!(netted(&key), "[redacted]");
    }
    let storage = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5==;EndpointSuffix=b";
    assert_eq!(
        netted(storage),
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=[redacted];EndpointSuffix=b"
    );
}

#[test]
fn numbers_of_cards_are_masked_wherever_text_is() {
    for (raw, kept) in [
        ("4111111111111111", "[redacted]"),
        (
            "card 4111 1111 1111 1111 declined",
            "card [redacted] declined",
        ),
        ("/cards/3782-822463-10005", "/cards/[redacted]"),
        (
            "pan:4111111111111111;order:4111111111111112",
            "pan:[redacted];order:4111111111111112",
        ),
        ("took 5555555555554444", "took [redacted]"),
    ] {
        assert_eq!(netted(raw), kept);
        assert_eq!(netted(kept), kept, "a second pass changes nothing");
    }
    let encoded = encoded_value(&rules(), "n=4111+1111%201111%201111", true);
    assert_eq!(encoded.as_deref(), Some("n=[redacted]"));
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
        "ask-me-anything-about-our-skiing-trips and sk-ating",
        "donations, whoever, shopping-basket-of-ours-and-yours, doubled-and-redoubled",
        "SKU-0123456789abcdef-green-tea and ya-da-ya-da-ya-da-ya-da",
        "python-package-of-some-length, glass-half-full-or-empty, hvscroll",
        "AccountKey=7 and accountKey=customer-0123",
        "order 4111111111111112 at 1700000000000 of 0123456789012345",
        "550e8400-e29b-41d4-a716-446655440000",
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

#[test]
fn links_in_text_are_decoded_where_that_brings_something_to_light() {
    let kept = |text| value_with_links(&rules(), text, 1);
    for text in ["100% of a=1", "a%20b", "{\"a\":\"50%25\"}", "%%3D%3"] {
        assert_eq!(kept(text), None);
    }
    for (raw, expected) in [
        ("100% password=canary", "100% password=[redacted]"),
        (
            "to /x?next=%2Fy&token=canary",
            "to /x?next=%2Fy&token=[redacted]",
        ),
        (
            "/x?next=%2Fy%3Ftoken%3Dcanary",
            "/x%3Fnext=/y%3Ftoken=[redacted]",
        ),
        (
            "{\"a\":\"token%253Dcanary\"}",
            "{\"a\":\"token=[redacted]\"}",
        ),
    ] {
        assert_eq!(kept(raw).as_deref(), Some(expected));
        assert_eq!(kept(expected), None, "a second pass changes nothing");
    }
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
