//! Without Axum nobody tells what a router would know.

use std::any::Any;
use std::error::Error as StdError;
use std::net::SocketAddr;

use http::{Extensions, Uri};

pub(super) fn original_uri(_: &Extensions) -> Option<&Uri> {
    None
}

pub(super) fn matched_route(_: &Extensions) -> Option<&str> {
    None
}

pub(super) fn peer(_: &Extensions) -> Option<SocketAddr> {
    None
}

pub(super) fn error(_: &dyn Any) -> Option<&(dyn StdError + 'static)> {
    None
}
