//! How long to wait before the next attempt.

use std::time::Duration;

/// Doubles from a tenth of a second up to half a minute, with a random part
/// so that several instances do not come back all at once.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);

impl Backoff {
    /// The wait after one more failure: between half of the step and all of it.
    pub(super) fn next(&mut self) -> Duration {
        let step = FIRST
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        step.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute_and_stay_there() {
        let mut backoff = Backoff::default();
        assert!(backoff.next() <= FIRST);
        for _ in 0..100 {
            backoff.next();
        }
        let wait = backoff.next();
        assert!(wait >= LONGEST / 2 && wait <= LONGEST);
    }
}
