//! What a layer captures.

use crate::Level;

/// Which response bodies are captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseBodies {
    /// None.
    Off,
    /// Those of responses with a status of 400 and above.
    #[default]
    OnFailure,
    /// All of them.
    Always,
}

/// The settings of a layer.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) request_bodies: bool,
    pub(super) response_bodies: ResponseBodies,
    pub(super) request_body_limit: usize,
    pub(super) response_body_limit: usize,
    /// Whether encoded bodies are captured, to be decoded.
    pub(super) decode: bool,
    /// Whether digests of whole bodies are made.
    pub(super) digest: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            request_bodies: true,
            response_bodies: ResponseBodies::default(),
            request_body_limit: 16 * 1024,
            response_body_limit: 16 * 1024,
            decode: false,
            digest: false,
        }
    }
}

impl Settings {
    /// How much of a response body is kept, at most.
    pub(super) fn response_limit(&self, status: http::StatusCode) -> usize {
        let wanted = match self.response_bodies {
            ResponseBodies::Off => false,
            ResponseBodies::OnFailure => status.as_u16() >= 400,
            ResponseBodies::Always => true,
        };
        if wanted { self.response_body_limit } else { 0 }
    }

    pub(super) fn request_limit(&self) -> usize {
        if self.request_bodies {
            self.request_body_limit
        } else {
            0
        }
    }

    /// The highest level that the layer can record.
    pub(super) fn level(&self) -> Level {
        match (self.request_bodies, self.response_bodies) {
            (false, ResponseBodies::Off) => Level::Metadata,
            (true, ResponseBodies::Off) => Level::Request,
            _ => Level::Full,
        }
    }
}
