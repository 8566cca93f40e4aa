//! Decoding on its own.

use crate::sanitize::Coding;

/// At most `limit` bytes of a body in this content coding, as they are decoded for a
/// record; nothing if it is in another one, or if nothing comes out.
///
/// For fuzzers, which would otherwise test a whole exchange.
pub fn decode_body(content_encoding: &str, encoded: &[u8], limit: usize) -> Option<Vec<u8>> {
    let coding = Coding::of(content_encoding.as_bytes())?;
    let decoded = coding.decode(encoded, limit)?;
    Some(decoded.bytes)
}
