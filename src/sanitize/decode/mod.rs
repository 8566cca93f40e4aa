//! Bodies out of their content coding: gzip, Brotli and Zstandard.
//!
//! Only what was captured is decoded, on the writer's thread, and no further
//! than a limit and [`MAX_RATIO`] allow, so that a small bomb stays small.
//! The windows of the decoders are bounded too, to 8 MiB for Zstandard (RFC
//! 9659), 16 MiB for Brotli (RFC 7932) and 32 KiB for gzip. Of a stream that
//! breaks off comes what its whole blocks hold.

mod brotli;
mod gzip;
#[cfg(test)]
mod tests;
mod zstd;

use std::panic::catch_unwind;

/// Bytes that may come out for each one that goes in.
const MAX_RATIO: usize = 100;

/// A content coding that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Brotli,
    Zstd,
}

/// What came out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) bytes: Vec<u8>,
    /// There was more, or might have been.
    pub(super) cut: bool,
}

impl Coding {
    /// The coding of a `content-encoding`; none if there are several.
    pub(crate) fn of(content_encoding: &[u8]) -> Option<Self> {
        let is = |name: &str| content_encoding.eq_ignore_ascii_case(name.as_bytes());
        match () {
            () if is("gzip") || is("x-gzip") => Some(Self::Gzip),
            () if is("br") => Some(Self::Brotli),
            () if is("zstd") => Some(Self::Zstd),
            () => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// At most `limit` bytes of what is encoded. Nothing if it is not in this
    /// coding, or if nothing comes out.
    pub(crate) fn decode(self, encoded: &[u8], limit: usize) -> Option<Decoded> {
        let limit = limit.min(encoded.len().saturating_mul(MAX_RATIO));
        let decode = match self {
            Self::Gzip => gzip::decode,
            Self::Brotli => brotli::decode,
            Self::Zstd => zstd::decode,
        };
        // Whoever finds input that makes a decoder panic must not get rid of their record by it.
        let decoded = catch_unwind(|| decode(encoded, limit)).ok()??;
        let is_empty = decoded.bytes.is_empty();
        (!is_empty).then_some(decoded)
    }
}

impl Decoded {
    /// From one byte more than allowed, should there be as many.
    fn within(limit: usize, mut bytes: Vec<u8>, broken_off: bool) -> Self {
        let cut = broken_off || bytes.len() > limit;
        bytes.truncate(limit);
        Self { bytes, cut }
    }
}
