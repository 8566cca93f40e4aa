//! The time now, cheaply and without jumps back.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use super::Timestamp;

/// The monotonic clock's zero, for this process.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);
/// What to add to the monotonic clock to get the system's; far off before the first look.
static OFFSET: AtomicI64 = AtomicI64::new(0);
/// When the system's clock has to be looked at again, on the monotonic clock.
static LOOK_AT: AtomicI64 = AtomicI64::new(i64::MIN);

/// How far a time may lag behind a change of the system's clock.
const LOOK_EVERY_US: i64 = 100_000;

/// The system's time at an instant of now, from the monotonic clock alone for most calls.
///
/// Reading one clock instead of two is what a request gains by this.
pub(super) fn time_of(now: Instant) -> Timestamp {
    let elapsed = now.saturating_duration_since(*START).as_micros() as i64;
    if elapsed >= LOOK_AT.load(Ordering::Relaxed) {
        let time = Timestamp::now();
        OFFSET.store(time.as_micros() - elapsed, Ordering::Relaxed);
        LOOK_AT.store(elapsed + LOOK_EVERY_US, Ordering::Relaxed);
        return time;
    }
    Timestamp::from_micros(elapsed + OFFSET.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_the_system_s_give_or_take_the_cost_of_asking() {
        for _ in 0..1_000 {
            let before = Timestamp::now();
            let time = time_of(Instant::now());
            let after = Timestamp::now();
            let slack = LOOK_EVERY_US;
            assert!(time.as_micros() >= before.as_micros() - slack);
            assert!(time.as_micros() <= after.as_micros() + slack);
        }
    }
}
