//! The address at the other end of the connection.

use std::net::SocketAddr;

use http::Extensions;

/// The address at the other end of the connection, as a request extension.
///
/// Axum's `ConnectInfo<SocketAddr>` is found as well, with the feature
/// `axum`. Without either, a record has neither `peer_ip` nor `client_ip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

pub(super) fn of(extensions: &Extensions) -> Option<SocketAddr> {
    if let Some(PeerAddr(address)) = extensions.get() {
        return Some(*address);
    }
    #[cfg(feature = "axum")]
    if let Some(axum::extract::ConnectInfo(address)) =
        extensions.get::<axum::extract::ConnectInfo<SocketAddr>>()
    {
        return Some(*address);
    }
    None
}
