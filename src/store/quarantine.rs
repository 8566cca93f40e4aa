//! Where records wait that the store refuses for good.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::query::{Page, PageRequest};
use crate::{Error, EventId, Record, Timestamp};

/// Keeps the records that a store refuses, beside those that it takes, until
/// somebody has them stored after all or decides to discard them.
///
/// # The contract
/// - A record is known by its id, and held at most once.
/// - Whatever happens, a record that was put here is here or among the stored
///   ones until it is discarded: [`requeue`](Self::requeue) is one transaction.
/// - What the store refuses in its own columns has to find a place here, so
///   the record is kept as text; its JSON holds no NUL.
/// - How much is held is bounded. A quarantine that is full says so, and the writer drops the record.
/// - Records come back as they were given.
///
/// A store that keeps documents may keep a [`Quarantined`] as it is: it can
/// be serialized, and read back.
#[async_trait]
pub trait AuditQuarantine: Send + Sync + 'static {
    /// Takes a record. One that is held already stays as it is, and counts as held.
    ///
    /// Called by the writer, and again after an error, since nothing is known then.
    ///
    /// # Errors
    /// One that [is transient](Error::is_transient) has the writer try again.
    /// After any other the record is dropped and counted, so that one record
    /// does not hold up all others.
    ///
    /// # Cancel safety
    /// The writer may drop the future when it takes too long, and tries again.
    async fn put(&self, refused: &Quarantined) -> Result<Admission, Error>;

    /// A page of what is held, the newest record first.
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long.
    ///
    /// # Cancel safety
    /// Dropping the future gives the query up; nothing else depends on it.
    async fn list(&self, page: &PageRequest) -> Result<Page<Quarantined>, Error>;

    /// How many records are held.
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long.
    ///
    /// # Cancel safety
    /// Dropping the future gives the query up; nothing else depends on it.
    async fn count(&self) -> Result<u64, Error>;

    /// Stores those of these records that are held, as a
    /// [retry](super::Batch::is_retry) does, and holds them no longer: all of
    /// them or none, in one transaction. Returns the ids of those that were held.
    ///
    /// # Errors
    /// [`Error::rejected`] if the store still refuses one of them.
    ///
    /// # Cancel safety
    /// All of them are moved, or none.
    async fn requeue(&self, ids: &[EventId]) -> Result<Vec<EventId>, Error>;

    /// Writes down that the store has refused a record once more, as
    /// [`Quarantined::refused_again`] does. Does nothing if the record is not held.
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long.
    ///
    /// # Cancel safety
    /// The refusal is written down, or not.
    async fn note_refusal(&self, id: EventId, refusal: &Error) -> Result<(), Error>;

    /// Deletes records for good. Returns the ids of those that were held.
    ///
    /// # Errors
    /// If the store cannot be reached or takes too long.
    ///
    /// # Cancel safety
    /// All of them are deleted, or none.
    async fn discard(&self, ids: &[EventId]) -> Result<Vec<EventId>, Error>;
}

/// What a quarantine says to one more record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Admission {
    /// The record is held.
    Held,
    /// There is no room for it.
    Full,
}

/// A record that the store refuses, and how often and why it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Quarantined {
    /// Why, as the store's own code: a SQLSTATE, for example, or `rejected` if it told none.
    pub reason: String,
    /// Why, in a sentence. Like all errors of stores it has no data of the record.
    pub message: String,
    /// How often it was tried to store the record.
    pub attempts: u32,
    /// When the store refused it for the first time.
    pub first_refused_at: Timestamp,
    /// When the store refused it for the last time.
    pub last_refused_at: Timestamp,
    /// The record, sanitized like any other.
    pub record: Record,
}

impl Quarantined {
    /// A record that was refused just now, by the last one of so many attempts.
    pub fn new(record: Record, refusal: &Error, attempts: u32) -> Self {
        let now = Timestamp::now();
        Self {
            reason: reason(refusal).to_owned(),
            message: refusal.to_string(),
            attempts,
            first_refused_at: now,
            last_refused_at: now,
            record,
        }
    }

    /// Adds one more attempt that ended like this, just now.
    pub fn refused_again(&mut self, refusal: &Error) {
        reason(refusal).clone_into(&mut self.reason);
        self.message = refusal.to_string();
        self.attempts = self.attempts.saturating_add(1);
        self.last_refused_at = Timestamp::now();
    }
}

impl From<&Quarantined> for EventId {
    fn from(quarantined: &Quarantined) -> Self {
        quarantined.record.id
    }
}

/// What a refusal is counted by.
pub(crate) fn reason(refusal: &Error) -> &str {
    refusal.reason().unwrap_or(refusal.code())
}

/// The record as the text that a quarantine's table keeps.
pub(super) fn to_text(record: &Record) -> String {
    serde_json::to_string(record).expect("a record can be written as json")
}

/// The record of such a text, unless somebody has altered it into something else.
#[cfg(any(test, feature = "postgres", feature = "sqlite"))]
pub(super) fn from_text(text: &str) -> Option<Record> {
    // What is wrong with it is not told: that may quote the text.
    serde_json::from_str(text).ok()
}

/// What a list says of a text that is no record.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(super) fn unreadable(id: impl std::fmt::Display) -> Error {
    Error::internal(format!("the quarantined record {id} cannot be read"))
}

/// What a requeue says of it: the others can be stored without it.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(super) fn refused_as_unreadable() -> Error {
    Error::rejected(None, "a quarantined record cannot be read").because("unreadable")
}

/// How much a quarantine holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capacity {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            records: 10_000,
            bytes: 256 << 20,
        }
    }
}

impl Capacity {
    /// Whether a record of so many bytes fits beside so many others.
    pub(super) fn has_room(self, bytes: usize, held: usize, held_bytes: usize) -> bool {
        held < self.records && held_bytes.saturating_add(bytes) <= self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Fields;

    #[test]
    fn a_text_holds_no_nul_and_comes_back() {
        let mut fields = Fields::new(EventId::now());
        fields.path = Some("a\0b".to_owned());
        fields.sample_weight = 48.137_154_321_987;
        let record = Record::seal(fields);
        let text = to_text(&record);
        assert!(!text.contains('\0'), "{text}");
        assert_eq!(from_text(&text).unwrap(), record);
    }

    #[test]
    fn the_text_of_an_earlier_version_can_be_read() {
        let record = from_text(include_str!("quarantine/v1.json")).unwrap();
        assert_eq!(record.action.as_deref(), Some("order.cancel"));
        assert_eq!(
            (record.status, record.latitude),
            (Some(200), Some(48.137_154_321_987))
        );
        let details = record.details.as_ref().unwrap();
        assert_eq!(details.as_str(), r#"{"z": 1.0, "a":1e400}"#);
    }

    #[test]
    fn room_ends_by_count_and_by_bytes() {
        let capacity = Capacity {
            records: 2,
            bytes: 10,
        };
        assert!(capacity.has_room(10, 0, 0) && capacity.has_room(5, 1, 5));
        assert!(!capacity.has_room(1, 2, 2) && !capacity.has_room(6, 1, 5));
    }
}
