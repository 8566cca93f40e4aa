//! What only HTTP/2 has, and how a request is put in it.

use tower_audit::Outcome::{AbortedBeforeHead, AbortedMidBody, Completed, Upgraded};

use super::cases::{Case, Plain, Upload, id};
use super::frames::{cancel, data, head, preface};
use super::site::Step::{self, Ended, Grant, HangUp, Seen, Send, Until};

/// The request on stream 1, and another one on stream 3 once it has ended.
pub(super) fn case(request: &Plain) -> Case {
    let (method, path, name) = (request.method, request.path, &*request.name);
    let mut bytes = preface();
    let is_empty = matches!(request.upload, Upload::None | Upload::Sized(""));
    let length = match request.upload {
        Upload::Sized(text) => text.len().to_string(),
        _ => String::new(),
    };
    let mut fields = vec![("te", "trailers"), ("accept-encoding", "gzip")];
    if !length.is_empty() {
        fields.push(("content-length", &length));
        fields.push(("content-type", "application/json"));
    }
    bytes.extend(ask(1, method, path, name, &fields, is_empty));
    match request.upload {
        Upload::None | Upload::Sized("") => {}
        Upload::Sized(text) => bytes.extend(data(1, text.as_bytes(), true)),
        Upload::Streamed(parts) => {
            bytes.extend(
                parts
                    .iter()
                    .flat_map(|part| data(1, part.as_bytes(), false)),
            );
            bytes.extend(data(1, b"", true));
        }
        Upload::WithTrailers(parts) => {
            bytes.extend(
                parts
                    .iter()
                    .flat_map(|part| data(1, part.as_bytes(), false)),
            );
            bytes.extend(head(1, &[("x-sum", "abc")], true));
        }
    }
    Case::new(
        name,
        request.outcome,
        vec![Send(bytes), Ended(1), get(3, "/sized"), Ended(3)],
    )
}

fn ask(
    stream: u32,
    method: &str,
    path: &str,
    name: &str,
    more: &[(&str, &str)],
    is_end: bool,
) -> Vec<u8> {
    let fields = [
        (":method", method),
        (":scheme", "http"),
        (":authority", "test"),
        (":path", path),
        ("x-request-id", &id(name)),
    ];
    head(stream, &[&fields[..], more].concat(), is_end)
}

fn get(stream: u32, path: &str) -> Step {
    Send(ask(stream, "GET", path, "another one", &[], true))
}

pub(super) fn scripts() -> Vec<Case> {
    let script = |name: &str, outcome, method: &str, path: &str, rest: &[Step]| {
        let first = [preface(), ask(1, method, path, name, &[], method == "GET")].concat();
        Case::new(name, outcome, [&[Send(first)], rest].concat())
    };
    let more = |text: &str| Send(data(1, text.as_bytes(), false));
    let end = || Send(data(1, b"", true));
    let cancel = || Send(cancel(1));
    let tunnel = head(
        1,
        &[
            (":method", "CONNECT"),
            (":authority", "test:80"),
            ("x-request-id", "a-tunnel"),
        ],
        false,
    );
    vec![
        script(
            "each event arrives before the next one is made",
            Completed,
            "GET",
            "/lockstep",
            &[
                Until("data: a\n\n"),
                Grant,
                Until("data: b\n\n"),
                Grant,
                Until("data: c\n\n"),
                Ended(1),
            ],
        ),
        script(
            "a request is answered while another one waits",
            Completed,
            "GET",
            "/lockstep",
            &[
                Until("data: a\n\n"),
                get(3, "/trailers"),
                Ended(3),
                Grant,
                Grant,
                Ended(1),
            ],
        ),
        script(
            "each part of an upload is answered before the next one is sent",
            Completed,
            "POST",
            "/echo",
            &[
                more("abc"),
                Until("abc"),
                more("def"),
                Until("def"),
                end(),
                Ended(1),
            ],
        ),
        script(
            "a body that goes on after the answer",
            Completed,
            "POST",
            "/ignores",
            &[more("abc"), Ended(1), get(3, "/sized"), Ended(3)],
        ),
        script(
            "a client that cancels before the head",
            AbortedBeforeHead,
            "GET",
            "/hangs",
            &[Seen, cancel(), Seen, get(3, "/sized"), Ended(3)],
        ),
        script(
            "a client that cancels in the middle of the answer",
            AbortedMidBody,
            "GET",
            "/stalls",
            &[Until("first"), cancel(), Seen, get(3, "/sized"), Ended(3)],
        ),
        script(
            "a client that cancels in the middle of its body",
            AbortedMidBody,
            "POST",
            "/witnesses",
            &[
                more("abc"),
                Seen,
                cancel(),
                Seen,
                Seen,
                get(3, "/sized"),
                Ended(3),
            ],
        ),
        script(
            "a client that cancels while its body comes back",
            AbortedMidBody,
            "POST",
            "/echo",
            &[
                more("abc"),
                Until("abc"),
                cancel(),
                get(3, "/sized"),
                Ended(3),
            ],
        ),
        script(
            "a client that hangs up before the head",
            AbortedBeforeHead,
            "GET",
            "/hangs",
            &[Seen, HangUp, Seen],
        ),
        script(
            "a client that hangs up in the middle of the answer",
            AbortedMidBody,
            "GET",
            "/stalls",
            &[Until("first"), HangUp, Seen],
        ),
        script(
            "a client that hangs up in the middle of its body",
            AbortedMidBody,
            "POST",
            "/witnesses",
            &[more("abc"), Seen, HangUp, Seen, Seen],
        ),
        script(
            "a client that breaks the protocol",
            AbortedBeforeHead,
            "GET",
            "/hangs",
            &[Seen, Send(data(5, b"who asked?", false)), Seen],
        ),
        Case::new(
            "a tunnel",
            Upgraded,
            vec![
                Send([preface(), tunnel].concat()),
                more("ping"),
                Until("PING"),
                end(),
                Ended(1),
                get(3, "/sized"),
                Ended(3),
            ],
        ),
    ]
}
