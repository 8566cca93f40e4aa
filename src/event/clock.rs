//! The time now, cheaply and without jumps back.

use quanta::Instant;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};

use super::Timestamp;

/// The monotonic clock's zero, for this process.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);
/// What to add to the monotonic clock to get the system's; far off before the first look.
static OFFSET: AtomicI64 = AtomicI64::new(0);
/// When the system's clock has to be looked at again, on the monotonic clock.
static LOOK_AT: AtomicI64 = AtomicI64::new(i64::MIN);

/// How far a time may lag behind a change of the system's clock.
const LOOK_EVERY_US: i64 = 100_000;

/// The system's time at an instant of now, from the processor's counter alone for most calls.
pub(super) fn time_of(now: Instant) -> Timestamp {
    let elapsed = since_start(now);
    // Who sees the new time to look sees the new offset, too. A time to look
    // that is far off belongs to a counter that was set back meanwhile.
    let left = LOOK_AT.load(Ordering::Acquire).wrapping_sub(elapsed);
    if elapsed == 0 || !(1..=2 * LOOK_EVERY_US).contains(&left) {
        let looked = since_start(Instant::now());
        OFFSET.store(system_time().as_micros() - looked, Ordering::Relaxed);
        LOOK_AT.store(looked + LOOK_EVERY_US, Ordering::Release);
    }
    Timestamp::from_micros(elapsed + OFFSET.load(Ordering::Relaxed))
}

/// The system's time now, as cheaply.
pub(crate) fn now() -> Timestamp {
    time_of(Instant::now())
}

fn system_time() -> Timestamp {
    let time = Timestamp::now();
    #[cfg(test)]
    let time = time.plus_days(tests::DAYS_OFF.load(Ordering::Relaxed));
    time
}

/// Makes the clock ready, which takes up to 200 ms where its counter is hard to measure.
pub(crate) fn start() {
    time_of(Instant::now());
}

fn since_start(now: Instant) -> i64 {
    now.saturating_duration_since(*START).as_micros() as i64
}

#[cfg(test)]
mod tests;
