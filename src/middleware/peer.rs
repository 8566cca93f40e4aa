//! The address at the other end of the connection.

use std::net::SocketAddr;

use http::Extensions;

/// The address at the other end of the connection, as a request extension.
///
/// With the feature `axum` an Axum `ConnectInfo<SocketAddr>` comes before it.
/// Without either, a record has neither `peer_ip` nor `client_ip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

pub(super) fn of(extensions: &Extensions) -> Option<SocketAddr> {
    #[cfg(feature = "axum")]
    if let Some(axum::extract::ConnectInfo(address)) =
        extensions.get::<axum::extract::ConnectInfo<SocketAddr>>()
    {
        return Some(*address);
    }
    extensions.get().map(|PeerAddr(address)| *address)
}
