//! What only HTTP/1 has, and how a request is put in it.

use tower_audit::Outcome::{AbortedBeforeHead, AbortedMidBody, BodyError, Completed, Upgraded};

use super::cases::{Case, Plain, Upload, id};
use super::site::Step::{self, Finish, Grant, HangUp, Seen, Until};

/// Without and with another request that follows on the same connection.
pub(super) fn cases(request: &Plain) -> Vec<Case> {
    [("1.1", ""), ("1.0", ""), ("1.0", "connection: keep-alive\r\n")]
        .into_iter()
        // Before 1.1 there were no chunks.
        .filter(|(version, _)| {
            *version == "1.1" || matches!(request.upload, Upload::None | Upload::Sized(_))
        })
        .map(|(version, connection)| {
            let name = format!("{} over {version}, {connection:?}", request.name);
            let mut text = format!(
                "{} {} HTTP/{version}\r\nhost: test\r\n{connection}x-request-id: {}\r\nte: trailers\r\naccept-encoding: gzip\r\n",
                request.method, request.path, id(&name)
            );
            text.push_str(&body(request.upload));
            text.push_str("GET /sized HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
            Case::new(&name, request.outcome, vec![send(&text)])
        })
        .collect()
}

/// The rest of a head, and the body.
fn body(upload: Upload) -> String {
    let chunks = |parts: &[&str]| -> String {
        let chunk = |part: &&str| format!("{:x}\r\n{part}\r\n", part.len());
        parts.iter().map(chunk).collect()
    };
    let json = "content-type: application/json\r\n";
    match upload {
        Upload::None => "\r\n".to_owned(),
        Upload::Sized(text) => format!("{json}content-length: {}\r\n\r\n{text}", text.len()),
        Upload::Streamed(parts) => {
            let chunks = chunks(parts);
            format!("{json}transfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
        }
        Upload::WithTrailers(parts) => {
            let chunks = chunks(parts);
            format!(
                "trailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\nx-sum: abc\r\n\r\n"
            )
        }
    }
}

fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

pub(super) fn scripts() -> Vec<Case> {
    let script = |name: &str, outcome, head: &str, rest: &[Step]| {
        let first = send(&format!(
            "{head}\r\nhost: test\r\nx-request-id: {}\r\n",
            id(name)
        ));
        Case::new(name, outcome, [&[first], rest].concat())
    };
    let follow = || send("GET /sized HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    let large = format!(
        "content-length: 200000\r\nconnection: close\r\n\r\n{}",
        "y".repeat(200_000)
    );
    vec![
        script(
            "each event arrives before the next one is made",
            Completed,
            "GET /lockstep HTTP/1.1",
            &[
                send("connection: close\r\n\r\n"),
                Until("data: a\n\n"),
                Grant,
                Until("data: b\n\n"),
                Grant,
                Until("data: c\n\n"),
            ],
        ),
        script(
            "each part of an upload is answered before the next one is sent",
            Completed,
            "POST /echo HTTP/1.1",
            &[
                send("transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"),
                Until("abc\r\n"),
                send("3\r\ndef\r\n"),
                Until("def\r\n"),
                send("0\r\n\r\n"),
                Until("0\r\n\r\n"),
                follow(),
            ],
        ),
        script(
            "a connection is used again after an answer was read",
            Completed,
            "GET /streamed HTTP/1.1",
            &[send("\r\n"), Until("0\r\n\r\n"), follow()],
        ),
        script(
            "a body is waited for when it is read",
            Completed,
            "POST /observes HTTP/1.1",
            &[
                send("expect: 100-continue\r\ncontent-length: 3\r\n\r\n"),
                Until("100 Continue\r\n\r\n"),
                send("abc"),
                Until("3 bytes"),
                follow(),
            ],
        ),
        script(
            "a body is not asked for when it is not read",
            Completed,
            "POST /ignores HTTP/1.1",
            &[
                send("expect: 100-continue\r\ncontent-length: 3\r\n\r\n"),
                Until("no thanks"),
                send("abc"),
                follow(),
            ],
        ),
        script(
            "an expectation that nobody knows",
            Completed,
            "POST /observes HTTP/1.1",
            &[
                send("expect: miracles\r\ncontent-length: 3\r\n\r\nabc"),
                follow(),
            ],
        ),
        script(
            "a large body that is read",
            Completed,
            "POST /observes HTTP/1.1",
            &[send(&large)],
        ),
        script(
            "a large body that comes back",
            Completed,
            "POST /echo HTTP/1.1",
            &[send(&large)],
        ),
        script(
            "a large body that is not read",
            Completed,
            "POST /ignores HTTP/1.1",
            &[send(&large)],
        ),
        script(
            "a large body that is refused",
            Completed,
            "POST /refuses HTTP/1.1",
            &[send(&large)],
        ),
        script(
            "a body that is none",
            Completed,
            "POST /observes HTTP/1.1",
            &[send("transfer-encoding: chunked\r\n\r\nnonsense\r\n\r\n")],
        ),
        script(
            "a body that is none comes back",
            BodyError,
            "POST /echo HTTP/1.1",
            &[send("transfer-encoding: chunked\r\n\r\nnonsense\r\n\r\n")],
        ),
        script(
            "a connection that leaves HTTP",
            Upgraded,
            "GET /upgrade HTTP/1.1",
            &[
                send("connection: upgrade\r\nupgrade: capitals\r\n\r\n"),
                Until("\r\n\r\n"),
                send("ping"),
                Until("PING"),
                send("pong"),
                Until("PONG"),
                Finish,
            ],
        ),
        script(
            "a connection whose client leaves HTTP at once",
            Upgraded,
            "GET /upgrade HTTP/1.1",
            &[
                send("connection: upgrade\r\nupgrade: capitals\r\n\r\nping"),
                Until("PING"),
                Finish,
            ],
        ),
        script(
            "a tunnel",
            Upgraded,
            "CONNECT test:80 HTTP/1.1",
            &[
                send("\r\n"),
                Until("\r\n\r\n"),
                send("ping"),
                Until("PING"),
                Finish,
            ],
        ),
        script(
            "a client that hangs up before the head",
            AbortedBeforeHead,
            "GET /hangs HTTP/1.1",
            &[send("\r\n"), Seen, HangUp, Seen],
        ),
        script(
            "a client that hangs up in the middle of the answer",
            AbortedMidBody,
            "GET /stalls HTTP/1.1",
            &[send("\r\n"), Until("first"), HangUp, Seen],
        ),
        script(
            "a client that hangs up in the middle of its body",
            AbortedMidBody,
            "POST /witnesses HTTP/1.1",
            &[
                send("content-length: 9\r\n\r\nabc"),
                Seen,
                HangUp,
                Seen,
                Seen,
            ],
        ),
        script(
            "a client that hangs up between two chunks",
            AbortedMidBody,
            "POST /witnesses HTTP/1.1",
            &[
                send("transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"),
                Seen,
                HangUp,
                Seen,
                Seen,
            ],
        ),
        script(
            "a client that hangs up while its body comes back",
            AbortedMidBody,
            "POST /echo HTTP/1.1",
            &[send("content-length: 9\r\n\r\nabc"), Until("abc"), HangUp],
        ),
    ]
}
