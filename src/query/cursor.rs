//! Where a page ended.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::{Error, EventId};

/// Where a page ended and in which direction to go on.
///
/// To its user it is an opaque text that stays valid while records come and
/// go: it names a record's id, not a position. Inside, it is a version, a
/// direction and an id, in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub(crate) direction: Direction,
    pub(crate) id: EventId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    Older,
    Newer,
}

const VERSION: &str = "01";
const OLDER: &str = "00";
const NEWER: &str = "01";

impl Cursor {
    /// A cursor to the records that are older than `id`.
    pub const fn older_than(id: EventId) -> Self {
        Self {
            direction: Direction::Older,
            id,
        }
    }

    /// A cursor to the records that are newer than `id`.
    pub const fn newer_than(id: EventId) -> Self {
        Self {
            direction: Direction::Newer,
            id,
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Older => OLDER,
            Direction::Newer => NEWER,
        };
        write!(f, "{VERSION}{direction}{}", self.id.as_uuid().simple())
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).ok_or_else(|| {
            Error::invalid_input(
                "cursor",
                "not a cursor of this version: pass a next_cursor or prev_cursor as it was given, or leave it out to start at the newest",
            )
        })
    }
}

fn parse(text: &str) -> Option<Cursor> {
    let (direction, id) = text.strip_prefix(VERSION)?.split_at_checked(2)?;
    if id.len() != 32 {
        return None;
    }
    let id = EventId::from(Uuid::parse_str(id).ok()?);
    match direction {
        OLDER => Some(Cursor::older_than(id)),
        NEWER => Some(Cursor::newer_than(id)),
        _ => None,
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cursor_keeps_its_written_form() {
        let id = EventId::from(Uuid::from_u128(0x018f_3c5e_7b2a_7abc_9def_0123_4567_89ab));
        let text = "0100018f3c5e7b2a7abc9def0123456789ab";
        assert_eq!(Cursor::older_than(id).to_string(), text);
        assert_eq!(text.parse::<Cursor>().unwrap(), Cursor::older_than(id));
    }

    proptest! {
        #[test]
        fn cursors_survive_being_written(bits in any::<u128>(), newer in any::<bool>()) {
            let id = EventId::from(Uuid::from_u128(bits));
            let cursor = if newer { Cursor::newer_than(id) } else { Cursor::older_than(id) };
            prop_assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        }

        #[test]
        fn nonsense_is_refused_without_a_panic(text in ".{0,40}") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string(), text.to_ascii_lowercase());
            }
        }
    }
}
