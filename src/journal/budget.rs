//! How much may still be written. Plain arithmetic.

/// The two bounds: of the journal's own bytes, and of what stays free beside it.
#[derive(Debug)]
pub(super) struct Budget {
    max_bytes: u64,
    min_free_bytes: u64,
    /// What was free when it was looked at, less what was written since; `None` if nobody tells.
    free: Option<u64>,
    /// What may be written before it is looked at again.
    until_look: u64,
}

/// How much is written between two looks at the file system.
const LOOK_EVERY_BYTES: u64 = 4 * 1024 * 1024;

impl Budget {
    pub(super) fn new(max_bytes: u64, min_free_bytes: u64) -> Self {
        Self {
            max_bytes,
            min_free_bytes,
            free: None,
            until_look: 0,
        }
    }

    /// The bytes that may be written now, beside `used` ones that are there.
    /// `look` tells what is free; it is asked rarely, but each time while little is.
    pub(super) fn available(&mut self, used: u64, look: impl FnOnce() -> Option<u64>) -> u64 {
        let is_scarce = self
            .free
            .is_some_and(|free| free < self.min_free_bytes.saturating_add(LOOK_EVERY_BYTES));
        if self.until_look == 0 || is_scarce {
            self.free = look();
            self.until_look = LOOK_EVERY_BYTES;
        }
        let beside = self
            .free
            .map_or(u64::MAX, |free| free.saturating_sub(self.min_free_bytes));
        self.max_bytes.saturating_sub(used).min(beside)
    }

    pub(super) fn wrote(&mut self, bytes: u64) {
        self.until_look = self.until_look.saturating_sub(bytes);
        self.free = self.free.map(|free| free.saturating_sub(bytes));
    }

    /// Looks at the file system again before the next bytes.
    pub(super) fn look_again(&mut self) {
        self.until_look = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn the_smaller_bound_counts() {
        let mut budget = Budget::new(100, 50);
        assert_eq!(budget.available(30, || Some(MIB)), 70);
        assert_eq!(Budget::new(100, 50).available(30, || Some(60)), 10);
        assert_eq!(Budget::new(100, 50).available(130, || Some(60)), 0);
        assert_eq!(Budget::new(100, 50).available(0, || Some(40)), 0);
        assert_eq!(Budget::new(100, 50).available(0, || None), 100);
    }

    #[test]
    fn the_file_system_is_asked_rarely_while_there_is_much() {
        let mut budget = Budget::new(u64::MAX, 0);
        assert_eq!(budget.available(0, || Some(100 * MIB)), 100 * MIB);
        budget.wrote(MIB);
        assert_eq!(budget.available(0, || panic!("asked")), 99 * MIB);
        budget.wrote(4 * MIB);
        assert_eq!(budget.available(0, || Some(7 * MIB)), 7 * MIB);
        budget.look_again();
        assert_eq!(budget.available(0, || Some(9 * MIB)), 9 * MIB);
    }

    #[test]
    fn it_is_asked_each_time_while_there_is_little() {
        let mut budget = Budget::new(u64::MAX, 10 * MIB);
        for free in [9 * MIB, 11 * MIB, 13 * MIB] {
            let available = free.saturating_sub(10 * MIB);
            assert_eq!(budget.available(0, || Some(free)), available);
        }
    }
}
