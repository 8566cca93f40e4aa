//! Which bodies are worth capturing.

use http::{HeaderMap, header};

use super::settings::Settings;
use crate::sanitize;

/// How the sanitizer can read a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Plain,
    /// After it has been decoded.
    Decoded,
}

/// How the sanitizer could make something of the body, if it could.
pub(super) fn reading(headers: &HeaderMap, settings: &Settings) -> Option<Reading> {
    let content_type = headers.get(header::CONTENT_TYPE)?;
    if !sanitize::readable_content_type(content_type.as_bytes()) {
        return None;
    }
    let codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let mut codings = codings
        .map(|coding| coding.as_bytes().trim_ascii())
        .filter(|coding| !sanitize::is_identity(coding));
    let Some(coding) = codings.next() else {
        return Some(Reading::Plain);
    };
    if codings.next().is_some() {
        return None;
    }
    let is_known = settings.decode && sanitize::Coding::of(coding).is_some();
    is_known.then_some(Reading::Decoded)
}
