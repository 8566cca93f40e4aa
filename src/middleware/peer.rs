//! The address at the other end of the connection.

use std::net::SocketAddr;

use http::Extensions;

use super::routing;

/// The address at the other end of the connection, as a request extension.
///
/// With the feature `axum` an Axum `ConnectInfo<SocketAddr>` comes before it.
/// Without either, a record has neither `peer_ip` nor `client_ip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

pub(super) fn of(extensions: &Extensions) -> Option<SocketAddr> {
    routing::peer(extensions).or_else(|| extensions.get().map(|PeerAddr(address)| *address))
}
