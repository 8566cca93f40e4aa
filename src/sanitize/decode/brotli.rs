//! Brotli (RFC 7932).

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::Decoded;

pub(super) fn decode(encoded: &[u8], limit: usize) -> Option<Decoded> {
    let alloc = StandardAlloc::default;
    // Strict: windows beyond RFC 7932 are refused.
    let mut state = BrotliState::new_strict(alloc(), alloc(), alloc());
    let mut bytes = vec![0; limit + 1];
    let (mut available_in, mut available_out) = (encoded.len(), bytes.len());
    let (mut read, mut written, mut total) = (0, 0, 0);
    let result = BrotliDecompressStream(
        &mut available_in,
        &mut read,
        encoded,
        &mut available_out,
        &mut written,
        &mut bytes,
        &mut total,
        &mut state,
    );
    let broken_off = match result {
        BrotliResult::ResultSuccess => available_in > 0,
        BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => true,
        BrotliResult::ResultFailure => return None,
    };
    bytes.truncate(written);
    Some(Decoded::within(limit, bytes, broken_off))
}
