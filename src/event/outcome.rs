//! How an exchange ended.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// How an HTTP exchange ended. Every exchange has exactly one outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The whole response was handed over, whatever its status.
    Completed,
    /// The inner service returned an error instead of a response.
    ServiceError,
    /// The response body failed after the head was sent.
    BodyError,
    /// The exchange was given up before there was a response: the client
    /// hung up, or a layer further out stopped waiting.
    AbortedBeforeHead,
    /// The exchange was given up after the head and before the end of the body,
    /// or the client went away in the middle of its own.
    AbortedMidBody,
    /// The service or the response body panicked.
    Panicked,
    /// A timeout inside the layer fired: a `408` response, or an error that says so.
    TimedOut,
    /// The connection left HTTP (`101`, or a successful `CONNECT`).
    Upgraded,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::Completed,
        Self::ServiceError,
        Self::BodyError,
        Self::AbortedBeforeHead,
        Self::AbortedMidBody,
        Self::Panicked,
        Self::TimedOut,
        Self::Upgraded,
    ];

    /// The name under which the outcome is stored and filtered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::ServiceError => "service_error",
            Self::BodyError => "body_error",
            Self::AbortedBeforeHead => "aborted_before_head",
            Self::AbortedMidBody => "aborted_mid_body",
            Self::Panicked => "panicked",
            Self::TimedOut => "timed_out",
            Self::Upgraded => "upgraded",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::as_str).join(", ");
                Error::invalid_input(
                    "outcome",
                    format!("unknown outcome: expected one of {names}"),
                )
            })
    }
}
