//! What is kept of a body while it passes.

use std::io::IoSlice;

use bytes::Buf;

/// The start of a body.
#[derive(Default)]
pub(super) struct BodyCapture {
    kept: Vec<u8>,
    limit: usize,
    cut: bool,
}

impl BodyCapture {
    /// Keeps at most `limit` bytes; none for 0. Nothing is allocated until bytes come.
    pub(super) fn of(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Sees a piece of the body without consuming it.
    pub(super) fn see(&mut self, data: &impl Buf) {
        let length = data.remaining();
        let room = self.limit - self.kept.len();
        if self.cut || length == 0 || self.limit == 0 {
            return;
        }
        let copied = self.copy(data, room);
        self.cut = copied < length;
    }

    fn copy(&mut self, data: &impl Buf, room: usize) -> usize {
        let chunk = data.chunk();
        if chunk.len() == data.remaining() {
            let copied = chunk.len().min(room);
            self.kept.extend_from_slice(&chunk[..copied]);
            return copied;
        }
        let before = self.kept.len();
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let count = data.chunks_vectored(&mut slices);
        for slice in &slices[..count] {
            let room = room - (self.kept.len() - before);
            self.kept.extend_from_slice(&slice[..slice.len().min(room)]);
        }
        self.kept.len() - before
    }

    /// The bytes that were kept.
    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Whether there was more than was kept.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }
}

impl std::fmt::Debug for BodyCapture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BodyCapture")
            .field("kept_bytes", &self.kept.len())
            .finish_non_exhaustive()
    }
}

/// Parts of one piece of data that are looked at.
const MAX_SLICES: usize = 16;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn capture(limit: usize, pieces: &[&'static [u8]]) -> BodyCapture {
        let mut capture = BodyCapture::of(limit);
        for piece in pieces {
            capture.see(&Bytes::from_static(piece));
        }
        capture
    }

    #[test]
    fn a_short_body_is_kept_whole() {
        let capture = capture(5, &[b"ab", b"", b"cde"]);
        assert_eq!((capture.kept(), capture.is_cut()), (&b"abcde"[..], false));
    }

    #[test]
    fn a_long_body_is_cut() {
        let capture = capture(5, &[b"abc", b"def", b"ghi"]);
        assert_eq!((capture.kept(), capture.is_cut()), (&b"abcde"[..], true));
    }

    #[test]
    fn without_a_limit_nothing_is_kept_or_cut() {
        let capture = capture(0, &[b"abc"]);
        assert_eq!((capture.kept(), capture.is_cut()), (&b""[..], false));
    }

    #[test]
    fn data_in_several_parts_is_kept_in_order() {
        let mut capture = BodyCapture::of(5);
        capture.see(&Bytes::from_static(b"abc").chain(Bytes::from_static(b"defg")));
        assert_eq!((capture.kept(), capture.is_cut()), (&b"abcde"[..], true));
    }
}
