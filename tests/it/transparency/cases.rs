//! What is asked of a site with the layer and of one without it.

use tower_audit::Outcome::{self, BodyError, Completed, Panicked, ServiceError, TimedOut};

use super::site::{Protocol, Step};
use super::{http1, http2};

/// One connection, and how its first request is recorded.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
    pub(super) outcome: Outcome,
}

impl Case {
    pub(super) fn new(name: &str, outcome: Outcome, steps: Vec<Step>) -> Self {
        Self {
            name: name.to_owned(),
            steps,
            outcome,
        }
    }
}

/// The id of the request that a case of this name is about.
pub(super) fn id(name: &str) -> String {
    name.replace(|sign: char| !sign.is_ascii_alphanumeric(), "-")
}

/// Answers, and the outcomes of `GET` and `HEAD`.
const ANSWERS: &[(&str, Outcome, Outcome)] = &[
    ("/empty", Completed, Completed),
    ("/sized", Completed, Completed),
    ("/streamed", Completed, Completed),
    ("/trickled", Completed, Completed),
    ("/empty-frames", Completed, Completed),
    ("/declared", Completed, Completed),
    ("/too-short", Completed, Completed),
    ("/large", Completed, Completed),
    ("/sse", Completed, Completed),
    ("/trailers", Completed, Completed),
    ("/only-trailers", Completed, Completed),
    ("/204", Completed, Completed),
    ("/205", Completed, Completed),
    ("/304", Completed, Completed),
    ("/404", Completed, Completed),
    ("/408", TimedOut, TimedOut),
    ("/500", Completed, Completed),
    ("/999", Completed, Completed),
    ("/refuses", Completed, Completed),
    ("/breaks", BodyError, Completed),
    ("/breaks-at-once", BodyError, Completed),
    ("/breaks-calmly", BodyError, Completed),
    ("/fails", ServiceError, ServiceError),
    ("/fails-calmly", ServiceError, ServiceError),
    ("/panics", Panicked, Panicked),
    ("/panics-late", Panicked, Completed),
];

/// Handlers that differ in what they do with a request's body.
const READERS: &[&str] = &[
    "/echo",
    "/observes",
    "/reads-a-frame",
    "/ignores",
    "/refuses",
    "/sized",
    "/empty",
];

/// A request's body.
#[derive(Clone, Copy)]
pub(super) enum Upload {
    None,
    Sized(&'static str),
    Streamed(&'static [&'static str]),
    WithTrailers(&'static [&'static str]),
}

const UPLOADS: &[(&str, Upload)] = &[
    ("nothing", Upload::Sized("")),
    (
        "a sized body",
        Upload::Sized(r#"{"user":"ada","password":"open sesame"}"#),
    ),
    (
        "a streamed body",
        Upload::Streamed(&[r#"{"user":"#, r#""ada"}"#]),
    ),
    ("an empty stream", Upload::Streamed(&[])),
    ("trailers", Upload::WithTrailers(&["abc", "def"])),
    ("only trailers", Upload::WithTrailers(&[])),
];

/// A request as each protocol can put it.
pub(super) struct Plain {
    pub(super) name: String,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) upload: Upload,
    pub(super) outcome: Outcome,
}

fn plain() -> Vec<Plain> {
    let mut all = Vec::new();
    let sized = Upload::Sized("{}");
    for &(path, get, head) in ANSWERS {
        for (method, upload, outcome) in [
            ("GET", Upload::None, get),
            ("HEAD", Upload::None, head),
            ("POST", sized, get),
        ] {
            all.push(Plain {
                name: format!("{method} {path}"),
                method,
                path,
                upload,
                outcome,
            });
        }
    }
    for &path in READERS {
        for &(name, upload) in UPLOADS {
            all.push(Plain {
                name: format!("POST {path} with {name}"),
                method: "POST",
                path,
                upload,
                outcome: Completed,
            });
        }
    }
    all
}

pub(super) fn of(protocol: Protocol) -> Vec<Case> {
    let mut cases = Vec::new();
    for request in plain() {
        match protocol {
            Protocol::Http1 => cases.extend(http1::cases(&request)),
            Protocol::Http2 => cases.push(http2::case(&request)),
        }
    }
    cases.extend(match protocol {
        Protocol::Http1 => http1::scripts(),
        Protocol::Http2 => http2::scripts(),
    });
    cases
}
