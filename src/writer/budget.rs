//! How many bytes of bodies may be held while their requests are in flight.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The bytes that all captures of a trail may hold together.
///
/// Who reserves gives back; nothing else keeps track. The counters guard no
/// other memory, so relaxed ordering is enough.
#[derive(Debug)]
pub(crate) struct CaptureBudget {
    limit: usize,
    held: AtomicUsize,
    refused: AtomicU64,
}

impl CaptureBudget {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            held: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Sets `bytes` apart, all of them or none; says which.
    pub(crate) fn reserve(&self, bytes: usize) -> bool {
        // Never above the limit, not even for a moment: others would be refused then.
        let taken = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken)
            .is_ok()
    }

    /// Gives back what was reserved.
    pub(crate) fn release(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Counts a body that is not kept, or not any further.
    pub(crate) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed) as u64
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_never_exceeds_the_limit_and_can_be_given_back() {
        let budget = CaptureBudget::new(10);
        assert!(budget.reserve(6) && !budget.reserve(5) && budget.reserve(4));
        assert!(!budget.reserve(usize::MAX) && budget.held() == 10);
        budget.release(6);
        assert!(budget.reserve(5) && budget.held() == 9);
    }

    #[test]
    fn many_threads_keep_to_the_limit() {
        let budget = CaptureBudget::new(1_000);
        std::thread::scope(|scope| {
            for bytes in 1..5 {
                let budget = &budget;
                scope.spawn(move || {
                    for _ in 0..10_000 {
                        if budget.reserve(100 * bytes) {
                            assert!(budget.held() <= 1_000);
                            budget.release(100 * bytes);
                        }
                    }
                });
            }
        });
        assert_eq!(budget.held(), 0);
    }
}
