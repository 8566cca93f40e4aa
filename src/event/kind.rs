//! What sort of event a record tells of.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::limits;
use crate::Error;

/// The sort of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A request that the layer saw.
    #[default]
    Http,
    /// Something that a user did.
    Activity,
    /// A login, a logout, a change of credentials.
    Auth,
    /// Data was read.
    DataAccess,
    /// Data was created, updated or deleted.
    DataChange,
    /// The service called somebody else.
    Outbound,
    /// The service itself: a job, an error, a start.
    System,
    /// The trail's own word that events are missing.
    Gap,
    /// The trail was read.
    Read,
    /// A kind of the application's own; see [`Kind::custom`].
    Custom(Box<str>),
}

impl Kind {
    const NAMED: [Self; 9] = [
        Self::Http,
        Self::Activity,
        Self::Auth,
        Self::DataAccess,
        Self::DataChange,
        Self::Outbound,
        Self::System,
        Self::Gap,
        Self::Read,
    ];

    /// A kind by name: one of the crate's own, or the application's.
    ///
    /// # Errors
    /// If `name` is empty, longer than [`limits::KIND_BYTES`], or holds
    /// anything but `a-z`, `0-9`, `_`, `-` and `.`.
    pub fn custom(name: &str) -> Result<Self, Error> {
        if let Some(kind) = Self::NAMED.into_iter().find(|kind| kind.as_str() == name) {
            return Ok(kind);
        }
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.');
        if name.is_empty() || name.len() > limits::KIND_BYTES || !name.bytes().all(allowed) {
            return Err(Error::invalid_input(
                "kind",
                "not a kind: expected 1 to 32 characters of a-z, 0-9, '_', '-' and '.'",
            ));
        }
        Ok(Self::Custom(name.into()))
    }

    /// The name under which the kind is stored and filtered.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Http => "http",
            Self::Activity => "activity",
            Self::Auth => "auth",
            Self::DataAccess => "data_access",
            Self::DataChange => "data_change",
            Self::Outbound => "outbound",
            Self::System => "system",
            Self::Gap => "gap",
            Self::Read => "read",
            Self::Custom(name) => name,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::custom(text)
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Self::custom(&name).map_err(serde::de::Error::custom)
    }
}
