//! Whatever is wrong at the start is told in one clear sentence.

use super::program::run;

#[test]
fn a_wrong_setting_is_one_clear_sentence_and_no_panic() {
    for (name, value, expected) in [
        ("PORT", "many", "PORT must be a number"),
        ("AUDIT_PASSWORD", "", "AUDIT_PASSWORD is empty"),
        (
            "AUDIT_QUEUE_BYTES",
            "hunter2",
            "AUDIT_QUEUE_BYTES must be a size such as 64MiB",
        ),
        ("AUDIT_PASSWORD", "hunter2\r", "AUDIT_PASSWORD must not"),
        (
            "AUDIT_DATABASE_URL",
            "mysql://localhost/x",
            "AUDIT_DATABASE_URL must be",
        ),
        (
            "AUDIT_DATABASE_URL",
            "sqlite:/nowhere/at/all.db",
            "/nowhere/at/all.db",
        ),
        (
            "AUDIT_DATABASE_URL",
            "sqlite:",
            "AUDIT_DATABASE_URL must be",
        ),
        ("AUDIT_DATABASE_URL", "postgres://u:hunter2@[broken", "url"),
        (
            "AUDIT_DATABASE_URL",
            "postgres://u:hunter2@127.0.0.1:1/x",
            "127.0.0.1",
        ),
        (
            "AUDIT_DATABASE_URL",
            "postgres://u:hunter2@no-such-host.invalid/x",
            "no-such-host.invalid",
        ),
        (
            "AUDIT_DATABASE_URL",
            "postgres://u:hunter2@127.0.0.1/x?sslmode=maybe",
            "sslmode",
        ),
    ] {
        let output = run(&[("PORT", "0"), (name, value)]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}={value}: {text}");
        assert!(output.stdout.is_empty(), "{name}={value}");
        assert_eq!(text.lines().count(), 1, "{name}={value}: {text}");
        assert!(
            text.to_lowercase().contains(&expected.to_lowercase()),
            "{name}={value}: {text}"
        );
        assert!(
            !text.contains("panicked") && !text.contains("hunter2"),
            "{name}={value}: {text}"
        );
    }
}

#[test]
fn a_port_in_use_is_told_with_what_to_do() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let output = run(&[("PORT", &port)]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains(&format!("port {port} cannot be used, set PORT")),
        "{text}"
    );
}
