//! Heads that mean harm.

use super::frames::{head, preface};

/// A name, whether the server passes it on, and what is sent.
pub(super) type Head = (&'static str, bool, Vec<u8>);

/// Turns text around where it is shown.
const BIDI: &str = "\u{202e}gnp.exe\u{2066}\u{2069}";
/// Colours a terminal: by one character, as C1 has it.
const CSI: &str = "\u{9b}31m";

pub(super) fn http1() -> Vec<Head> {
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: test\r\n").into_bytes();
    let with = |line: &[u8]| [&get("/sized?page=1"), line, b"\r\n\r\n"].concat();
    let x = |count| "x".repeat(count);
    let lines = |count, line: &dyn Fn(usize) -> String| -> Vec<u8> {
        let lines: String = (0..count).map(line).collect();
        with(lines.trim_end().as_bytes())
    };
    vec![
        (
            "a long user agent",
            true,
            with(format!("user-agent: {}", x(65_536)).as_bytes()),
        ),
        (
            "a long header that is not kept",
            true,
            with(format!("x-long: {}", x(65_536)).as_bytes()),
        ),
        (
            "a long request id",
            true,
            with(format!("x-request-id: {}", x(65_536)).as_bytes()),
        ),
        (
            "a long trace",
            true,
            with(format!("traceparent: 00-{}", x(65_536)).as_bytes()),
        ),
        (
            "many hops",
            true,
            with(format!("x-forwarded-for: {}", "192.0.2.1, ".repeat(10_000)).as_bytes()),
        ),
        (
            "many cookies",
            true,
            with(format!("cookie: {}", "a=1; ".repeat(10_000)).as_bytes()),
        ),
        (
            "many lines of one header",
            true,
            lines(10_000, &|_| "accept: a\r\n".to_owned()),
        ),
        (
            "many headers",
            true,
            lines(10_000, &|number| format!("x-{number}: a\r\n")),
        ),
        (
            "more headers than hyper takes",
            false,
            lines(11_000, &|number| format!("x-{number}: a\r\n")),
        ),
        (
            "a long name of a header",
            true,
            with(format!("{}: a", x(60_000)).as_bytes()),
        ),
        ("a folded line", false, with(b"accept: a\r\n set-cookie: b")),
        (
            "a line that ends in the middle",
            true,
            with(b"accept: a\nset-cookie: b"),
        ),
        (
            "a carriage return alone",
            false,
            with(b"accept: a\rset-cookie: b"),
        ),
        (
            "an escape sequence",
            false,
            with(b"user-agent: \x1b[31mred"),
        ),
        (
            "an escape sequence in one character",
            true,
            with(format!("user-agent: {CSI}red").as_bytes()),
        ),
        ("a tab", true, with(b"user-agent: a\tb")),
        ("a delete", false, with(b"user-agent: a\x7fb")),
        (
            "text turned around",
            true,
            with(format!("user-agent: {BIDI}").as_bytes()),
        ),
        (
            "a request id turned around",
            true,
            with(format!("x-request-id: {BIDI}").as_bytes()),
        ),
        (
            "a referer turned around",
            true,
            with(format!("referer: http://test/{BIDI}{CSI}?{BIDI}").as_bytes()),
        ),
        (
            "a type turned around",
            true,
            with(format!("content-type: text/{BIDI}{CSI}").as_bytes()),
        ),
        (
            "a cookie turned around",
            true,
            with(format!("cookie: {BIDI}{CSI}=1").as_bytes()),
        ),
        ("a NUL in a header", false, with(b"user-agent: a\0b")),
        (
            "no UTF-8 in a header",
            true,
            with(b"user-agent: a\xff\xfeb"),
        ),
        ("a header without a name", false, with(b": a")),
        ("a space before the colon", false, with(b"accept : a")),
        (
            "two lengths",
            false,
            with(b"content-length: 1\r\ncontent-length: 2"),
        ),
        (
            "a length and chunks",
            true,
            with(b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"),
        ),
        ("two hosts", true, with(b"host: other")),
        (
            "a host turned around",
            true,
            format!("GET /sized HTTP/1.1\r\nhost: {BIDI}{CSI}\r\n\r\n").into_bytes(),
        ),
        (
            "a long host",
            true,
            format!("GET /sized HTTP/1.1\r\nhost: {}\r\n\r\n", x(60_000)).into_bytes(),
        ),
        (
            "a path turned around",
            true,
            [get(&format!("/{BIDI}")), b"\r\n".to_vec()].concat(),
        ),
        (
            "a path that colours",
            true,
            [get(&format!("/{CSI}?{CSI}={CSI}")), b"\r\n".to_vec()].concat(),
        ),
        (
            "lines in a path",
            true,
            [
                get("/a%0d%0aset-cookie:%20x?b=%0D%0Ac&%1b[31m=%00"),
                b"\r\n".to_vec(),
            ]
            .concat(),
        ),
        (
            "a NUL in a path",
            false,
            [get("/a\0b"), b"\r\n".to_vec()].concat(),
        ),
        (
            "an encoded NUL in a path",
            true,
            [get("/a%00b?c=%00"), b"\r\n".to_vec()].concat(),
        ),
        (
            "an escape in a path",
            false,
            [get("/\x1b[31m"), b"\r\n".to_vec()].concat(),
        ),
        (
            "no UTF-8 in a path",
            false,
            b"GET /\xff\xfe HTTP/1.1\r\nhost: test\r\n\r\n".to_vec(),
        ),
        (
            "no UTF-8 in an encoded path",
            true,
            [get("/%ff%fe?a=%ff"), b"\r\n".to_vec()].concat(),
        ),
        (
            "a long path",
            true,
            [get(&format!("/{}", x(60_000))), b"\r\n".to_vec()].concat(),
        ),
        (
            "a long query",
            true,
            [
                get(&format!("/sized?{}", "a=b&".repeat(15_000))),
                b"\r\n".to_vec(),
            ]
            .concat(),
        ),
        (
            "a target that is too long",
            false,
            [get(&format!("/{}", x(70_000))), b"\r\n".to_vec()].concat(),
        ),
        (
            "a path out of its root",
            true,
            [get("/../..//./etc/passwd"), b"\r\n".to_vec()].concat(),
        ),
        (
            "a target with a host",
            true,
            [get("http://ada:secret@other/sized?a=1"), b"\r\n".to_vec()].concat(),
        ),
        (
            "a target that is a host",
            true,
            [get("other:80"), b"\r\n".to_vec()].concat(),
        ),
        (
            "a target that is a star",
            true,
            b"OPTIONS * HTTP/1.1\r\nhost: test\r\n\r\n".to_vec(),
        ),
        (
            "a target that is nothing",
            false,
            b"GET  HTTP/1.1\r\nhost: test\r\n\r\n".to_vec(),
        ),
        (
            "a long method",
            true,
            format!(
                "{} /sized HTTP/1.1\r\nhost: test\r\n\r\n",
                "A".repeat(5_000)
            )
            .into_bytes(),
        ),
        (
            "a version that is none",
            false,
            b"GET /sized HTTP/9.9\r\nhost: test\r\n\r\n".to_vec(),
        ),
        ("no host", true, b"GET /sized HTTP/1.1\r\n\r\n".to_vec()),
    ]
}

pub(super) fn http2() -> Vec<Head> {
    let ask = |path: &str, more: &[(&str, &str)]| {
        let fields = [
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "test"),
            (":path", path),
        ];
        [preface(), head(1, &[&fields[..], more].concat(), true)].concat()
    };
    let x = |count| "x".repeat(count);
    vec![
        ("a long path", true, ask(&format!("/{}", x(10_000)), &[])),
        (
            "a long header",
            true,
            ask("/sized", &[("user-agent", &x(10_000))]),
        ),
        (
            "more than a head may hold",
            false,
            ask("/sized", &[("x-a", &x(16_000)), ("x-b", &x(300))]),
        ),
        (
            "a path turned around",
            true,
            ask(&format!("/{BIDI}{CSI}"), &[]),
        ),
        (
            "text turned around",
            true,
            ask("/sized", &[("user-agent", BIDI), ("referer", CSI)]),
        ),
        (
            "a NUL in a header",
            false,
            ask("/sized", &[("user-agent", "a\0b")]),
        ),
        (
            "a line in a header",
            false,
            ask("/sized", &[("user-agent", "a\r\nb: c")]),
        ),
        (
            "a name in capitals",
            false,
            ask("/sized", &[("User-Agent", "a")]),
        ),
        (
            "a header of a connection",
            false,
            ask("/sized", &[("connection", "close")]),
        ),
        ("a path that is a star", true, ask("*", &[])),
    ]
}
