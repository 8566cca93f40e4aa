//! Where in a document the paths of the rules are.

use super::nesting::MAX_DEPTH;
use crate::sanitize::paths::{Active, Child, Paths};
use crate::sanitize::rules::StrategyId;

/// The way from a document's root to the value at hand, as the paths see it.
/// Costs nothing where there are none.
pub(super) struct Trail<'a> {
    paths: &'a Paths,
    /// What is known at each level; nothing if there are no paths.
    levels: Option<Box<[Level; MAX_DEPTH + 1]>>,
    depth: usize,
    /// Where the paths are in the value that comes next.
    next: Active,
}

#[derive(Clone, Copy, Default)]
struct Level {
    active: Active,
    /// The number of the next element.
    element: u32,
}

impl<'a> Trail<'a> {
    pub(super) fn new(paths: &'a Paths) -> Self {
        let root = paths.root();
        Self {
            paths,
            levels: (root != 0).then(|| Box::new([Level::default(); MAX_DEPTH + 1])),
            depth: 0,
            next: root,
        }
    }

    /// Goes to a member; says what the path stands for that ends there.
    pub(super) fn member(&mut self, name: &[u8]) -> Option<StrategyId> {
        let active = self.levels.as_ref()?[self.depth].active;
        self.go(active, Child::Member(name))
    }

    /// Goes to the next element; says what the path stands for that ends there.
    pub(super) fn element(&mut self) -> Option<StrategyId> {
        let level = &mut self.levels.as_mut()?[self.depth];
        let element = level.element;
        level.element = element.saturating_add(1);
        let active = level.active;
        self.go(active, Child::Element(element))
    }

    fn go(&mut self, active: Active, child: Child<'_>) -> Option<StrategyId> {
        let (next, found) = self.paths.child(active, child);
        self.next = next;
        found
    }

    /// Goes into the value at hand.
    pub(super) fn open(&mut self, depth: usize) {
        self.depth = depth;
        if let Some(levels) = &mut self.levels {
            levels[depth] = Level {
                active: self.next,
                element: 0,
            };
        }
    }

    /// Goes out again.
    pub(super) fn close(&mut self, depth: usize) {
        self.depth = depth;
    }
}
