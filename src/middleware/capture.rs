//! What is kept of a body while it passes.

use std::io::IoSlice;

use bytes::Buf;

use crate::writer::CaptureBudget;

/// The start of a body, held within a budget.
///
/// Whoever owns it has to call [`BodyCapture::end`], and to release as much.
#[derive(Default)]
pub(super) struct BodyCapture {
    /// Has no more capacity than was reserved.
    kept: Vec<u8>,
    reserved: usize,
    limit: usize,
    cut: bool,
    refused: bool,
}

/// The least that is reserved at once.
const STEP: usize = 1024;

impl BodyCapture {
    /// Keeps at most `limit` bytes; none for 0. Nothing is allocated until bytes come.
    pub(super) fn of(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Sees a piece of the body without consuming it; says whether it wants to see more.
    pub(super) fn see(&mut self, data: &impl Buf, budget: &CaptureBudget) -> bool {
        let length = data.remaining();
        if !self.cut && length > 0 && self.limit > 0 {
            let wanted = length.min(self.limit - self.kept.len());
            let room = self.room(wanted, budget);
            self.cut = self.copy(data, room) < length;
        }
        !self.cut && self.limit > 0
    }

    /// Makes room for as much of `wanted` as the budget allows.
    fn room(&mut self, wanted: usize, budget: &CaptureBudget) -> usize {
        let needed = self.kept.len() + wanted;
        if needed > self.reserved {
            // Room for what may follow, if there is; otherwise for this alone.
            let roomy = needed.max(2 * self.reserved).max(STEP).min(self.limit);
            let target = [roomy, needed]
                .into_iter()
                .find(|target| budget.reserve(target - self.reserved));
            let Some(target) = target else {
                self.refused = true;
                budget.refuse();
                return self.reserved - self.kept.len();
            };
            self.reserved = target;
            self.kept.reserve_exact(target - self.kept.len());
        }
        wanted
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

    /// Ends the capture: frees what it kept, and says how much is to be
    /// released. Keeps nothing any more.
    #[must_use]
    pub(super) fn end(&mut self) -> usize {
        self.kept = Vec::new();
        self.limit = 0;
        std::mem::take(&mut self.reserved)
    }

    /// The bytes that were kept.
    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Whether there was more than was kept.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether that was because the budget was spent.
    pub(super) fn is_refused(&self) -> bool {
        self.refused
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

    const PLENTY: usize = 1 << 20;

    fn capture(limit: usize, budget: usize, pieces: &[&'static [u8]]) -> BodyCapture {
        let budget = CaptureBudget::new(budget);
        let mut capture = BodyCapture::of(limit);
        for piece in pieces {
            let wants_more = capture.see(&Bytes::from_static(piece), &budget);
            assert_eq!(wants_more, limit > 0 && !capture.is_cut());
            assert!(capture.kept.capacity() <= capture.reserved);
        }
        capture
    }

    fn kept(capture: &BodyCapture) -> (&[u8], bool, bool) {
        (capture.kept(), capture.is_cut(), capture.is_refused())
    }

    #[test]
    fn a_short_body_is_kept_whole() {
        let capture = capture(5, PLENTY, &[b"ab", b"", b"cde"]);
        assert_eq!(kept(&capture), (&b"abcde"[..], false, false));
    }

    #[test]
    fn a_long_body_is_cut() {
        let capture = capture(5, PLENTY, &[b"abc", b"def", b"ghi"]);
        assert_eq!(kept(&capture), (&b"abcde"[..], true, false));
    }

    #[test]
    fn without_a_limit_nothing_is_kept_or_cut() {
        let capture = capture(0, PLENTY, &[b"abc"]);
        assert_eq!(kept(&capture), (&b""[..], false, false));
    }

    #[test]
    fn data_in_several_parts_is_kept_in_order() {
        let mut capture = BodyCapture::of(5);
        let data = Bytes::from_static(b"abc").chain(Bytes::from_static(b"defg"));
        assert!(!capture.see(&data, &CaptureBudget::new(PLENTY)));
        assert_eq!(kept(&capture), (&b"abcde"[..], true, false));
    }

    #[test]
    fn a_spent_budget_cuts_at_what_was_reserved() {
        let piece = &[b'x'; 600][..];
        let capture = capture(PLENTY, 1_500, &[piece, piece, piece, piece]);
        assert_eq!(kept(&capture), (&[b'x'; 1_200][..], true, true));
        let nothing = self::capture(PLENTY, 500, &[piece, piece]);
        assert_eq!(kept(&nothing), (&b""[..], true, true));
    }

    #[test]
    fn the_end_frees_and_tells_what_was_reserved_once() {
        let mut capture = capture(PLENTY, PLENTY, &[&[b'x'; 1_025]]);
        assert_eq!((capture.end(), capture.end()), (1_025, 0));
        let budget = CaptureBudget::new(PLENTY);
        assert!(!capture.see(&Bytes::from_static(b"late"), &budget));
        assert_eq!(capture.end(), 0);
    }
}
