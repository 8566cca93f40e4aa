//! Zstandard (RFC 8878).

use std::io::Read;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::Decoded;

/// What RFC 9659 allows as a content coding.
const MAX_WINDOW_BYTES: u64 = 8 << 20;

/// An empty block that is the last one, and a checksum, which nobody compares.
const END: &[u8] = &[1, 0, 0, 0, 0, 0, 0];

/// The first frame; others after it count as cut.
pub(super) fn decode(encoded: &[u8], limit: usize) -> Option<Decoded> {
    let mut source = Source {
        rest: encoded,
        ran_out: false,
    };
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(MAX_WINDOW_BYTES);
    decoder.init(&mut source).ok()?;
    let enough = BlockDecodingStrategy::UptoBytes(limit + 1);
    let broken_off = match decoder.decode_blocks(&mut source, enough) {
        Ok(_) if decoder.is_finished() => !source.rest.is_empty(),
        Ok(_) => true,
        Err(_) if source.ran_out => true,
        Err(_) => return None,
    };
    if !decoder.is_finished() {
        // Before its end a decoder keeps back as much as its window holds.
        decoder
            .decode_blocks(END, BlockDecodingStrategy::All)
            .ok()?;
    }
    let mut bytes = Vec::new();
    let all = decoder.take(limit as u64 + 1).read_to_end(&mut bytes);
    all.ok()?;
    Some(Decoded::within(limit, bytes, broken_off))
}

/// Knows whether an error was for want of input.
struct Source<'a> {
    rest: &'a [u8],
    ran_out: bool,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.ran_out |= self.rest.len() < buffer.len();
        self.rest.read(buffer)
    }
}
