//! An hour of ids.

use std::ops::Range;

use crate::{EventId, Timestamp};

pub(in crate::store) const HOUR_US: i64 = 3_600_000_000;

/// An hour in UTC, as the number of those since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::store) struct Hour(pub(in crate::store) i32);

impl Hour {
    /// The hour whose ids this one is among, be it a UUID of version 7 or not.
    pub(in crate::store) fn of(id: EventId) -> Self {
        let hour = Self::of_time(id.timestamp());
        // Other versions may sort before the first id of their own time.
        if id < hour.first_id() {
            return Self(hour.0 - 1);
        }
        hour
    }

    pub(in crate::store) fn of_time(time: Timestamp) -> Self {
        // Ids have times up to the year 10889.
        Self(time.as_micros().div_euclid(HOUR_US) as i32)
    }

    /// The hours that lie in a range of ids with all of theirs.
    pub(in crate::store) fn within(ids: &Range<EventId>) -> Range<Self> {
        let first = Self::of(ids.start);
        let first = if first.first_id() == ids.start {
            first
        } else {
            first.next()
        };
        first..Self::of(ids.end)
    }

    pub(in crate::store) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    pub(in crate::store) fn start(self) -> Timestamp {
        Timestamp::from_micros(i64::from(self.0) * HOUR_US)
    }

    pub(in crate::store) fn first_id(self) -> EventId {
        EventId::lower_bound(self.start())
    }

    /// Its ids.
    pub(in crate::store) fn ids(self) -> Range<EventId> {
        self.first_id()..self.next().first_id()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    proptest! {
        #[test]
        fn the_hour_of_any_id_has_it(bits in any::<u128>()) {
            let id = EventId::from(Uuid::from_u128(bits));
            let hour = Hour::of(id);
            // Before the first hour and after the last one there are no bounds.
            if hour.0 >= 0 && id < EventId::lower_bound(Timestamp::from_micros(i64::MAX)) {
                prop_assert!(hour.ids().contains(&id));
            }
        }

        #[test]
        fn the_hours_of_a_range_lie_in_it(from in 0..1_000_i64, minutes in 0..1_000_i64) {
            let time = |minute: i64| EventId::lower_bound(Timestamp::from_micros(minute * HOUR_US / 60));
            let ids = time(from)..time(from + minutes);
            let hours = Hour::within(&ids);
            let expected = (from + 59) / 60..(from + minutes) / 60;
            prop_assert_eq!(i64::from(hours.start.0)..i64::from(hours.end.0), expected);
        }
    }
}
