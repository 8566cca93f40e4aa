//! The objects and arrays that a scanner is in, without memory that grows with them.

/// Levels that are gone into; deeper values are masked. `serde_json` reads
/// one more, so that whoever uses it can read what was stored, the mark of truncation included.
pub(super) const MAX_DEPTH: usize = 126;

/// The open objects and arrays, a bit each.
#[derive(Clone, Copy, Default)]
pub(super) struct Nesting {
    depth: usize,
    objects: u128,
    /// In which of them something is kept already.
    filled: u128,
    /// Arrays whose elements stay where only what is allowed may.
    allowed: u128,
}

impl Nesting {
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether the innermost one is an object; nothing outside of all.
    pub(super) fn is_object(&self) -> Option<bool> {
        (self.depth > 0).then(|| self.objects & self.top() != 0)
    }

    pub(super) fn is_filled(&self) -> bool {
        self.filled & self.top() != 0
    }

    pub(super) fn fill(&mut self) {
        self.filled |= self.top();
    }

    pub(super) fn is_allowed(&self) -> bool {
        self.allowed & self.top() != 0
    }

    /// Goes into an object or an array; the caller sees to [`MAX_DEPTH`].
    pub(super) fn open(&mut self, is_object: bool, is_allowed: bool) {
        self.depth += 1;
        let top = self.top();
        let set = |bits: u128, bit: bool| if bit { bits | top } else { bits & !top };
        self.objects = set(self.objects, is_object);
        self.filled = set(self.filled, false);
        self.allowed = set(self.allowed, is_allowed);
    }

    pub(super) fn close(&mut self) {
        self.depth -= 1;
    }

    /// Leaves all but the outermost `depth`.
    pub(super) fn close_to(&mut self, depth: usize) {
        self.depth = depth;
    }

    fn top(&self) -> u128 {
        1 << self.depth.saturating_sub(1)
    }
}
