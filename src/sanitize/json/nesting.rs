//! The objects and arrays that a scanner is in, without memory that grows with them.

/// Containers that are gone into; deeper values are masked. `serde_json` reads
/// one more, so that whoever uses it can read what was stored, the mark of truncation included.
pub(super) const MAX_DEPTH: usize = 126;

/// The open objects and arrays: the innermost one in full, a bit for each around it.
#[derive(Clone, Copy, Default)]
pub(super) struct Nesting {
    depth: usize,
    innermost: Container,
    outer: Outer,
}

/// What is known of an object or array that is open.
#[derive(Clone, Copy, Default)]
struct Container {
    is_object: bool,
    /// Something in it is kept already.
    is_filled: bool,
    /// Its elements stay where only what is allowed may.
    is_allowed: bool,
}

#[derive(Clone, Copy, Default)]
struct Outer {
    objects: u128,
    filled: u128,
    allowed: u128,
}

impl Nesting {
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether the innermost one is an object; nothing outside of all.
    #[inline]
    pub(super) fn is_object(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.innermost.is_object)
    }

    pub(super) fn is_filled(&self) -> bool {
        self.innermost.is_filled
    }

    #[inline]
    pub(super) fn fill(&mut self) {
        self.innermost.is_filled = true;
    }

    pub(super) fn is_allowed(&self) -> bool {
        self.innermost.is_allowed
    }

    /// Goes into an object or an array; the caller sees to [`MAX_DEPTH`].
    pub(super) fn open(&mut self, is_object: bool, is_allowed: bool) {
        let bit = 1 << self.depth;
        let set = |bits: &mut u128, value: bool| {
            *bits = if value { *bits | bit } else { *bits & !bit };
        };
        set(&mut self.outer.objects, self.innermost.is_object);
        set(&mut self.outer.filled, self.innermost.is_filled);
        set(&mut self.outer.allowed, self.innermost.is_allowed);
        self.depth += 1;
        self.innermost = Container {
            is_object,
            is_filled: false,
            is_allowed,
        };
    }

    /// Goes out of the innermost one.
    pub(super) fn close(&mut self) {
        self.close_to(self.depth - 1);
    }

    /// Goes out of all but the outermost `depth`, if there are more.
    pub(super) fn close_to(&mut self, depth: usize) {
        if depth < self.depth {
            let bit = 1 << depth;
            self.depth = depth;
            self.innermost = Container {
                is_object: self.outer.objects & bit != 0,
                is_filled: self.outer.filled & bit != 0,
                is_allowed: self.outer.allowed & bit != 0,
            };
        }
    }
}
