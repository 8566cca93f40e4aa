//! The one key: identity, order, partition and cursor.

use quanta::Instant;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Timestamp, clock};
use crate::Error;

/// The identity of an event: a UUID of version 7 (RFC 9562) whose time is
/// the event's `occurred_at`, to the microsecond.
///
/// Ids made by one process strictly increase, also when its clock is set
/// back by up to a day. When it is set back further it was wrong before, and ids go
/// on from the new time. The microseconds stand in `rand_a` as RFC 9562, section 6.2,
/// method 3 describes; the other 62 bits are random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(Uuid);

/// The newest time that an id of this process carries.
static NEWEST: AtomicI64 = AtomicI64::new(0);

/// How far ids may be ahead of the clock, to keep their order when it is set
/// back: a day. Without a bound one wrong second in the far future would
/// give its time to all that the process does from then on.
const MAX_LEAD_US: i64 = 86_400_000_000;

impl EventId {
    /// An id for something that happens now.
    pub fn now() -> Self {
        Self::of(Instant::now())
    }

    /// An id for something that happens at an instant of now.
    pub(crate) fn of(now: Instant) -> Self {
        let now = clock::time_of(now).as_micros();
        let mut newest = NEWEST.load(Ordering::Relaxed);
        loop {
            let next = next_time(now, newest);
            match NEWEST.compare_exchange_weak(newest, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Self::at(Timestamp::from_micros(next)),
                Err(current) => newest = current,
            }
        }
    }

    /// An id for something that happened at `time`. Ids of the same microsecond are in no order.
    pub fn at(time: Timestamp) -> Self {
        Self::with_low_bits(time, fastrand::u64(..) >> 2)
    }

    /// The smallest id of a time: all events at or after `time` have an id
    /// that is equal or greater, all earlier ones a smaller one.
    pub fn lower_bound(time: Timestamp) -> Self {
        Self::with_low_bits(time, 0)
    }

    fn with_low_bits(time: Timestamp, low: u64) -> Self {
        let micros = time.as_micros().clamp(0, MAX_MICROS) as u64;
        let (millis, fraction) = (micros / 1000, micros % 1000 * 4096 / 1000);
        let high = millis << 16 | 0x7000 | fraction;
        Self(Uuid::from_u64_pair(high, 0x8000_0000_0000_0000 | low))
    }

    /// The id at another time, with the same random bits.
    pub(crate) fn moved_to(self, time: Timestamp) -> Self {
        Self::with_low_bits(time, self.random_bits())
    }

    /// What stays the same when an id [is moved](Self::moved_to).
    pub(crate) const fn random_bits(self) -> u64 {
        self.0.as_u64_pair().1 << 2 >> 2
    }

    pub(crate) const fn from_bits(bits: u128) -> Self {
        Self(Uuid::from_u128(bits))
    }

    /// The next id in order, whether or not there is an event of it.
    pub(crate) const fn successor(self) -> Self {
        Self::from_bits(self.0.as_u128().saturating_add(1))
    }

    /// The id before this one in order, whether or not there is an event of it.
    pub(crate) const fn predecessor(self) -> Self {
        Self::from_bits(self.0.as_u128().saturating_sub(1))
    }

    /// The event's time.
    pub fn timestamp(self) -> Timestamp {
        let (high, _) = self.0.as_u64_pair();
        let fraction = (high & 0xfff) * 1000;
        let micros = fraction.div_ceil(4096).min(999);
        Timestamp::from_micros(((high >> 16) * 1000 + micros) as i64)
    }

    /// The id as a UUID.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

/// The time of the next id, in microseconds, after one of the time `newest`.
fn next_time(now: i64, newest: i64) -> i64 {
    // No id can be of a time before 1970.
    let now = now.max(0);
    if newest - now > MAX_LEAD_US {
        now
    } else {
        now.max(newest + 1)
    }
}

/// The last microsecond that 48 bits of milliseconds can express.
const MAX_MICROS: i64 = ((1 << 48) - 1) * 1000 + 999;

impl From<Uuid> for EventId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for EventId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Uuid::parse_str(text)
            .map(Self)
            .map_err(|_| Error::invalid_input("id", "not an event id: expected a UUID"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_time_survives_to_the_microsecond(micros in 0..=MAX_MICROS) {
            let time = Timestamp::from_micros(micros);
            prop_assert_eq!(EventId::at(time).timestamp(), time);
        }

        #[test]
        fn bounds_split_earlier_from_later(micros in 1..MAX_MICROS) {
            let bound = EventId::lower_bound(Timestamp::from_micros(micros));
            prop_assert!(EventId::at(Timestamp::from_micros(micros - 1)) < bound);
            prop_assert!(EventId::at(Timestamp::from_micros(micros)) >= bound);
            prop_assert_eq!(bound.as_uuid().get_version_num(), 7);
        }
    }

    #[test]
    fn the_order_is_kept_unless_the_clock_was_off_by_more_than_a_day() {
        let now = 1_700_000_000_000_000;
        for (now, newest, expected) in [
            (now, now - 1, now),
            (now, now, now + 1),
            (now, now + MAX_LEAD_US, now + MAX_LEAD_US + 1),
            (now, now + MAX_LEAD_US + 1, now),
            (0, 0, 1),
            (-5, 3, 4),
            (-5, now, 0),
        ] {
            assert_eq!(next_time(now, newest), expected, "{now} after {newest}");
        }
    }

    proptest! {
        #[test]
        fn a_moved_id_keeps_its_random_bits(from in 0..=MAX_MICROS, to in 0..=MAX_MICROS) {
            let id = EventId::at(Timestamp::from_micros(from));
            let moved = id.moved_to(Timestamp::from_micros(to));
            prop_assert_eq!(moved.random_bits(), id.random_bits());
            prop_assert_eq!(moved.timestamp().as_micros(), to);
            prop_assert_eq!(moved.moved_to(id.timestamp()), id);
        }
    }

    #[test]
    fn ids_of_one_process_strictly_increase_across_threads() {
        let threads: Vec<_> = (0..4)
            .map(|_| std::thread::spawn(|| (0..5_000).map(|_| EventId::now()).collect::<Vec<_>>()))
            .collect();
        let mut all = Vec::new();
        for thread in threads {
            let ids = thread.join().unwrap();
            assert!(ids.is_sorted());
            all.extend(ids);
        }
        all.sort();
        all.dedup_by_key(|id| id.timestamp());
        assert_eq!(all.len(), 20_000);
    }
}
