//! What somebody in charge may do to stored records.

use async_trait::async_trait;

use crate::{Error, EventId};

/// Changes stored records on behalf of somebody in charge.
///
/// Nothing else in this crate changes a record once it is stored. Who may do
/// so, and to which records, is decided before: a store does as it is told.
#[async_trait]
pub trait AuditManager: Send + Sync + 'static {
    /// Sets whether somebody should look at a record, and why; without a
    /// flag there is no reason. Returns whether there is such a record.
    ///
    /// `reason` is sanitized already.
    ///
    /// # Errors
    /// If the store cannot be reached, takes too long or may not do this.
    ///
    /// # Cancel safety
    /// The flag is set, or not.
    async fn set_flag(&self, id: EventId, flag: Flag<'_>) -> Result<bool, Error>;

    /// Deletes records for good: all of them or none, in one transaction.
    /// Returns how many there were.
    ///
    /// # Errors
    /// If the store cannot be reached, takes too long or may not do this.
    ///
    /// # Cancel safety
    /// All of them are deleted, or none.
    async fn delete(&self, ids: &[EventId]) -> Result<u64, Error>;
}

/// Whether somebody should look at a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag<'a> {
    /// Somebody should, for this reason if one is known.
    Up(Option<&'a str>),
    /// Nobody has to any more.
    Down,
}

impl<'a> Flag<'a> {
    /// Whether it is up.
    pub const fn is_up(self) -> bool {
        matches!(self, Self::Up(_))
    }

    /// Why it is up.
    pub const fn reason(self) -> Option<&'a str> {
        match self {
            Self::Up(reason) => reason,
            Self::Down => None,
        }
    }
}
