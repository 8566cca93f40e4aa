//! Why something could not be done, from the operating system's word.

use std::io::{self, ErrorKind};

use super::segments::{Appended, Part};
use crate::Error;

/// Not all records were appended.
#[derive(Debug)]
pub(crate) struct AppendError {
    /// What was appended before: the first records of those that were given.
    pub(crate) accepted: Appended,
    pub(super) is_full: bool,
    pub(super) error: Error,
}

/// Some records may not outlive a loss of power.
#[derive(Debug)]
pub(crate) struct SyncError {
    /// The records. Appending them again puts them into another segment; those
    /// here stay owed to theirs until they are settled.
    pub(crate) suspect: Vec<Part>,
    pub(super) error: Error,
}

impl AppendError {
    /// Whether there is no room: the budget is used up, or the disk or the quota is.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether the first record that was not accepted is too large for any journal.
    pub(crate) fn is_too_large(&self) -> bool {
        self.error.is_rejected()
    }

    pub(crate) fn into_error(self) -> Error {
        self.error
    }
}

impl SyncError {
    pub(crate) fn into_error(self) -> Error {
        self.error
    }
}

/// Whether there was no room for what should be written.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}

/// Files or rights are not as they should be, unless the disk is full.
pub(super) fn set_up(error: io::Error, message: &'static str) -> Error {
    if is_full(&error) {
        Error::unavailable("there is no room for the journal").caused_by(error)
    } else {
        Error::configuration(message).caused_by(error)
    }
}
