//! Where in a document the paths of the rules are.

use super::nesting::MAX_DEPTH;
use crate::sanitize::paths::{Active, Child, Paths};
use crate::sanitize::rules::StrategyId;

/// The way from a document's root to the value at hand, as the paths see it.
/// Costs nothing where there are none.
pub(super) struct Trail<'a> {
    paths: &'a Paths,
    /// What is known of each value on the way; nothing if there are no paths.
    places: Option<Box<[Place; MAX_DEPTH + 1]>>,
    depth: usize,
    /// Where the paths are in the value that comes next.
    next: Active,
}

#[derive(Clone, Copy, Default)]
struct Place {
    active: Active,
    /// The number of the next element.
    element: u32,
}

impl<'a> Trail<'a> {
    pub(super) fn new(paths: &'a Paths) -> Self {
        let root = paths.root();
        Self {
            paths,
            places: (root != 0).then(|| Box::new([Place::default(); MAX_DEPTH + 1])),
            depth: 0,
            next: root,
        }
    }

    /// Goes to a member; says what the path stands for that ends there.
    #[inline]
    pub(super) fn member(&mut self, name: &[u8]) -> Option<StrategyId> {
        let active = self.places.as_ref()?[self.depth].active;
        self.go(active, Child::Member(name))
    }

    /// Goes to the next element; says what the path stands for that ends there.
    #[inline]
    pub(super) fn element(&mut self) -> Option<StrategyId> {
        let place = &mut self.places.as_mut()?[self.depth];
        let element = place.element;
        place.element = element.saturating_add(1);
        let active = place.active;
        self.go(active, Child::Element(element))
    }

    #[inline(never)]
    fn go(&mut self, active: Active, child: Child<'_>) -> Option<StrategyId> {
        let (next, found) = self.paths.child(active, child);
        self.next = next;
        found
    }

    /// Goes into the value at hand.
    #[inline]
    pub(super) fn open(&mut self, depth: usize) {
        self.depth = depth;
        if let Some(places) = &mut self.places {
            places[depth] = Place {
                active: self.next,
                element: 0,
            };
        }
    }

    /// Goes out again.
    #[inline]
    pub(super) fn close(&mut self, depth: usize) {
        self.depth = depth;
    }
}
