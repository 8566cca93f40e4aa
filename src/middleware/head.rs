//! The head of a request: what is written down of it, and what a policy is asked with.

use http::{HeaderName, Request, Version};

use super::peer;
use super::routing;
use crate::event::{Frame, Tag, limits};
use crate::policy::Head;

/// Writes down what the head tells.
pub(super) fn put<B>(frame: &mut Frame, request: &Request<B>, client_ip_header: &HeaderName) {
    frame.name(Tag::Method, request.method().as_str());
    put_target(frame, request);
    frame.bytes(Tag::HttpVersion, version(request.version()).as_bytes());
    if let Some(peer) = peer::of(request.extensions()) {
        frame.peer(peer.ip());
    }
    if !frame.headers(Tag::RequestHeaders, request.headers()) {
        frame.forwarded(request.headers(), client_ip_header);
    }
}

/// What a policy asks of a head.
pub(super) fn of<B>(request: &Request<B>) -> Head<'_> {
    let extensions = request.extensions();
    let uri = routing::original_uri(extensions).unwrap_or(request.uri());
    Head {
        method: request.method(),
        path: uri.path(),
        route: routing::matched_route(extensions),
        headers: request.headers(),
    }
}

fn put_target<B>(frame: &mut Frame, request: &Request<B>) {
    let extensions = request.extensions();
    let uri = routing::original_uri(extensions).unwrap_or(request.uri());
    frame.text(Tag::Path, uri.path(), limits::PATH_BYTES);
    if let Some(query) = uri.query() {
        frame.text(Tag::Query, query, limits::QUERY_BYTES);
        if query.len() > limits::QUERY_BYTES {
            frame.mark(Tag::QueryCut);
        }
    }
    if let Some(authority) = uri.authority() {
        frame.name(Tag::Host, authority.as_str());
    }
    if let Some(route) = routing::matched_route(extensions) {
        frame.text(Tag::Route, route, limits::PATH_BYTES);
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "unknown",
    }
}
