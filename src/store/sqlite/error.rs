//! What SQLite's errors mean for the writer.

use rusqlite::ErrorCode;

use super::place::Place;
use crate::Error;

/// Turns SQLite's errors into the crate's.
pub(super) trait Classify<T> {
    /// Says in one sentence what is wrong with the database, and in the error's class what to do about it.
    fn classify(self, place: &Place) -> Result<T, Error>;
}

impl<T> Classify<T> for rusqlite::Result<T> {
    fn classify(self, place: &Place) -> Result<T, Error> {
        self.map_err(|error| classify(error, place))
    }
}

/// SQLite's class of an error, if SQLite and not its binding made it.
pub(super) fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    match error {
        rusqlite::Error::SqlInputError { error, .. } => Some(error.code),
        error => error.sqlite_error_code(),
    }
}

/// Why SQLite refuses the row, if it does, and not the statement or the moment.
pub(super) fn rejection(error: &rusqlite::Error) -> Option<&'static str> {
    match code(error)? {
        ErrorCode::ConstraintViolation => Some("constraint"),
        ErrorCode::TooBig => Some("too_big"),
        ErrorCode::TypeMismatch => Some("type_mismatch"),
        _ => None,
    }
}

fn classify(error: rusqlite::Error, place: &Place) -> Error {
    let unavailable = |what| Error::unavailable(format!("{place} {what}"));
    let configuration = |what| Error::configuration(format!("{place} {what}"));
    let told = match code(&error) {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            unavailable("is locked by another connection")
        }
        Some(ErrorCode::FileLockingProtocolFailed) => unavailable("cannot be locked"),
        Some(ErrorCode::SystemIoFailure) => unavailable("cannot be read or written"),
        Some(ErrorCode::DiskFull) => unavailable("cannot grow: the disk is full"),
        Some(ErrorCode::OutOfMemory) => unavailable("needs more memory than there is"),
        Some(ErrorCode::OperationInterrupted) => {
            Error::timed_out(format!("{place} did not answer in time"))
        }
        Some(ErrorCode::NotADatabase) => configuration("is not an sqlite database"),
        Some(ErrorCode::DatabaseCorrupt) => configuration("is damaged"),
        Some(ErrorCode::CannotOpen) => configuration("cannot be opened"),
        Some(ErrorCode::ReadOnly) => configuration("cannot be written to: it is read-only"),
        Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            configuration("cannot be used: permission denied")
        }
        // SQLITE_ERROR: the statement does not go with the tables.
        Some(ErrorCode::Unknown | ErrorCode::SchemaChanged) => {
            configuration("does not have the tables of an audit trail any more")
        }
        _ => Error::internal(format!("{place} gave an answer that makes no sense")),
    };
    told.caused_by(error)
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn the_class_of_an_error_says_what_the_writer_shall_do() {
        let expected = [
            (ffi::SQLITE_BUSY, "unavailable"),
            (ffi::SQLITE_BUSY_SNAPSHOT, "unavailable"),
            (ffi::SQLITE_LOCKED, "unavailable"),
            (ffi::SQLITE_PROTOCOL, "unavailable"),
            (ffi::SQLITE_IOERR_FSYNC, "unavailable"),
            (ffi::SQLITE_FULL, "unavailable"),
            (ffi::SQLITE_NOMEM, "unavailable"),
            (ffi::SQLITE_INTERRUPT, "timed_out"),
            (ffi::SQLITE_NOTADB, "configuration"),
            (ffi::SQLITE_CORRUPT, "configuration"),
            (ffi::SQLITE_CANTOPEN, "configuration"),
            (ffi::SQLITE_READONLY, "configuration"),
            (ffi::SQLITE_PERM, "configuration"),
            (ffi::SQLITE_AUTH, "configuration"),
            (ffi::SQLITE_ERROR, "configuration"),
            (ffi::SQLITE_MISUSE, "internal"),
        ];
        for (code, class) in expected {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(rejection(&error), None, "{code}");
            assert_eq!(classify(error, &Place::Memory).code(), class, "{code}");
        }
        for (code, reason) in [
            (ffi::SQLITE_CONSTRAINT_PRIMARYKEY, "constraint"),
            (ffi::SQLITE_CONSTRAINT_TRIGGER, "constraint"),
            (ffi::SQLITE_TOOBIG, "too_big"),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(rejection(&error), Some(reason), "{code}");
        }
    }
}
