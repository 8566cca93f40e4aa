//! A point in time with the precision that the store keeps.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;

/// A UTC time in whole microseconds since 1970-01-01T00:00:00Z.
///
/// Shown and parsed as RFC 3339 (`2024-02-29T12:00:00.000001Z`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time now, truncated to microseconds.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// The time that lies `micros` microseconds after the start of 1970 (before it, if negative).
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the start of 1970.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The start of the UTC day that this time falls into.
    #[must_use]
    pub const fn start_of_day(self) -> Self {
        Self(self.0 - self.0.rem_euclid(MICROS_PER_DAY))
    }

    /// This time moved by whole days, backwards if negative.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(MICROS_PER_DAY)))
    }

    /// This time moved on by `duration`.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// This time moved back by `duration`.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros))
    }
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => micros(after),
            Err(before) => -micros(before.duration()),
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time:.6}"),
            // Outside the years that RFC 3339 can write.
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // As it is written outside the years that RFC 3339 can write, so that
        // a record of a badly set clock does not spoil the list it is on.
        if let Some(Ok(micros)) = text.strip_suffix("us").map(str::parse) {
            return Ok(Self(micros));
        }
        let time: jiff::Timestamp = text.parse().map_err(|_| {
            Error::invalid_input(
                "time",
                "not a time: expected RFC 3339, for example 2024-02-29T12:00:00Z",
            )
        })?;
        Ok(Self(time.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_six_digits_and_read_back() {
        let time = Timestamp::from_micros(1_709_208_000_000_001);
        assert_eq!(time.to_string(), "2024-02-29T12:00:00.000001Z");
        assert_eq!(
            "2024-02-29T12:00:00.000001Z".parse::<Timestamp>().unwrap(),
            time
        );
        assert_eq!(
            "2024-02-29T13:00:00.000001+01:00"
                .parse::<Timestamp>()
                .unwrap(),
            time
        );
    }

    #[test]
    fn every_time_is_read_back_as_it_was_written() {
        for micros in [i64::MIN, -1, 0, 253_402_300_800_000_000, i64::MAX] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
        }
    }

    #[test]
    fn a_day_starts_at_midnight_also_before_1970() {
        assert_eq!(
            Timestamp::from_micros(-1).start_of_day().as_micros(),
            -MICROS_PER_DAY
        );
        assert_eq!(
            Timestamp::from_micros(MICROS_PER_DAY + 5)
                .start_of_day()
                .as_micros(),
            MICROS_PER_DAY
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "yesterday", "2024-02-30T00:00:00Z", "2024-02-29"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
