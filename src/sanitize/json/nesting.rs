//! The objects and arrays that a scanner is in, without memory that grows with them.

/// Containers that are gone into; deeper values are masked. `serde_json` reads
/// one more, so that whoever uses it can read what was stored, the mark of truncation included.
pub(super) const MAX_DEPTH: usize = 126;

/// The open objects and arrays, a bit each, the innermost one's lowest.
#[derive(Clone, Copy, Default)]
pub(super) struct Nesting {
    depth: usize,
    objects: u128,
    /// Something in it is kept already.
    filled: u128,
    /// Its elements stay where only what is allowed may.
    allowed: u128,
}

impl Nesting {
    #[inline]
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether the innermost one is an object; nothing outside of all.
    #[inline]
    pub(super) fn is_object(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.objects & 1 != 0)
    }

    #[inline]
    pub(super) fn is_filled(&self) -> bool {
        self.filled & 1 != 0
    }

    #[inline]
    pub(super) fn fill(&mut self) {
        self.filled |= 1;
    }

    #[inline]
    pub(super) fn is_allowed(&self) -> bool {
        self.allowed & 1 != 0
    }

    /// Goes into an object or an array; the caller sees to [`MAX_DEPTH`].
    #[inline]
    pub(super) fn open(&mut self, is_object: bool, is_allowed: bool) {
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(is_object);
        self.filled <<= 1;
        self.allowed = self.allowed << 1 | u128::from(is_allowed);
    }

    /// Goes out of the innermost one.
    #[inline]
    pub(super) fn close(&mut self) {
        self.depth -= 1;
        self.objects >>= 1;
        self.filled >>= 1;
        self.allowed >>= 1;
    }

    /// Goes out of all but the outermost `depth`, if there are more.
    pub(super) fn close_to(&mut self, depth: usize) {
        while depth < self.depth {
            self.close();
        }
    }
}
