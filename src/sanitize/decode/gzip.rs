//! gzip (RFC 1952).

use std::io::{ErrorKind, Read};

use flate2::bufread::GzDecoder;

use super::Decoded;

/// The first member; others after it count as cut.
pub(super) fn decode(encoded: &[u8], limit: usize) -> Option<Decoded> {
    let mut rest = encoded;
    let mut bytes = Vec::new();
    // What was read before an error stays.
    let read = GzDecoder::new(&mut rest)
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes);
    let broken_off = match read {
        Ok(_) => !rest.is_empty(),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => true,
        Err(_) => return None,
    };
    Some(Decoded::within(limit, bytes, broken_off))
}
