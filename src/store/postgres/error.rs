//! What the database's errors mean here.
//!
//! An error about a row quotes the row in its message, its detail and its
//! context. So nothing of those is passed on, and `tokio_postgres` errors
//! that hold them are not chained either; what is left is the SQLSTATE, a
//! constraint's name and a line number.

use std::io;

use deadpool_postgres::PoolError;
use tokio_postgres::Config;
use tokio_postgres::config::Host;
use tokio_postgres::error::{DbError, SqlState};

use super::values::OutOfRange;
use crate::Error;

/// Why a batch was not stored.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no partition for a record. Nothing was stored.
    MissingPartition,
    /// One of the records is stored already, says this part of the answer. Nothing was stored.
    Known(String),
    /// Somebody has repaired the rollups of an hour, and what the connection
    /// knows of them is no longer so. Nothing was stored.
    Repaired,
    /// Anything else, ready for the caller.
    Other(Error),
}

impl Failure {
    /// The same for a statement that leaves known ids alone: what it meets
    /// twice is another value, which somebody else wants to be unique.
    pub(super) fn but_known_ids(self) -> Self {
        match self {
            Self::Known(place) => {
                let message = format!("the database refused a record ({place})");
                let reason = SqlState::UNIQUE_VIOLATION.code();
                Self::Other(Error::rejected(None, message).because(reason.to_owned()))
            }
            failure @ (Self::MissingPartition | Self::Repaired | Self::Other(_)) => failure,
        }
    }

    pub(super) fn out_of_range(OutOfRange(column): OutOfRange, index: usize) -> Self {
        let message = format!("a value is out of the range of the column {column}");
        let reason = SqlState::NUMERIC_VALUE_OUT_OF_RANGE.code();
        Self::Other(Error::rejected(Some(index), message).because(reason.to_owned()))
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(refusal) = error.as_db_error() else {
            return Self::Other(lost(error));
        };
        let sqlstate = refusal.code().code();
        let line = refusal.where_().and_then(line);
        // Every other check has a name; what a trigger raises in its place need not.
        if *refusal.code() == SqlState::CHECK_VIOLATION && refusal.constraint().is_none() {
            return Self::MissingPartition;
        }
        let mut place = format!("SQLSTATE {sqlstate}");
        if let Some(constraint) = refusal.constraint() {
            place.push_str(&format!(", constraint {constraint}"));
        }
        if let Some(line) = line {
            place.push_str(&format!(", line {line}"));
        }
        if *refusal.code() == SqlState::UNIQUE_VIOLATION {
            return Self::Known(place);
        }
        Self::Other(match class(sqlstate) {
            Class::Again => {
                Error::unavailable(format!("the database could not store a batch ({place})"))
            }
            Class::Timeout => {
                Error::timed_out(format!("the database gave up storing a batch ({place})"))
            }
            Class::Poison => Error::rejected(
                line.and_then(|line| line.checked_sub(1)),
                format!("the database refused a record ({place})"),
            )
            .because(sqlstate.to_owned()),
            Class::Configuration => Error::configuration(format!(
                "the database does not let the writer store records ({place})"
            )),
        })
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            // What is wrong is something else, and stays so.
            Failure::MissingPartition => Self::rejected(
                None,
                "the database refused a record (SQLSTATE 23514), although its day has a partition",
            )
            .because("23514"),
            // A first attempt met rows of its own: the next one does not mind.
            Failure::Known(place) => {
                Self::unavailable(format!("the database could not store a batch ({place})"))
            }
            Failure::Repaired => Self::unavailable("the rollups of an hour were changed by others"),
            Failure::Other(error) => error,
        }
    }
}

/// What an error means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Again,
    Timeout,
    Poison,
    Configuration,
}

/// The class of a SQLSTATE. What is unknown is tried again, so that nothing is given up by mistake.
fn class(sqlstate: &str) -> Class {
    match (sqlstate, sqlstate.get(..2).unwrap_or_default()) {
        ("57014", _) => Class::Timeout,
        // Of a table that upkeep makes: another process was faster.
        ("23505", _) => Class::Again,
        // The binary format does not fit the columns: no record is to blame.
        ("22P03" | "22P04", _) => Class::Again,
        (_, "22" | "23" | "54") => Class::Poison,
        // P0 is what triggers raise.
        (_, "0A" | "28" | "3D" | "3F" | "42" | "44" | "P0") => Class::Configuration,
        _ => Class::Again,
    }
}

/// The line in `COPY events, line 38, column path`, in any language of the
/// server. The outermost context is the last one; those before may quote data.
fn line(context: &str) -> Option<usize> {
    let copy = context
        .rsplit('\n')
        .find_map(|line| line.strip_prefix("COPY events, "))?;
    let place = copy.split(',').next()?;
    if place.contains(['"', ':']) {
        return None;
    }
    place.split_whitespace().find_map(|word| word.parse().ok())
}

/// The error of a statement that is not about rows: upkeep, or a query.
pub(super) fn statement(error: tokio_postgres::Error) -> Error {
    let Some(refusal) = error.as_db_error() else {
        return lost(error);
    };
    let sqlstate = refusal.code().code();
    match class(sqlstate) {
        Class::Again => Error::unavailable(format!(
            "the database could not execute a statement (SQLSTATE {sqlstate})"
        )),
        Class::Timeout => Error::timed_out(format!(
            "the database took too long for a statement (SQLSTATE {sqlstate})"
        )),
        Class::Poison => Error::internal(format!(
            "the database refused a statement (SQLSTATE {sqlstate})"
        )),
        // Names of tables and rights: what the reader of the message has to know.
        Class::Configuration => Error::configuration(format!(
            "the database refused a statement: {} (SQLSTATE {sqlstate})",
            refusal.message()
        )),
    }
}

/// The connection broke, or the protocol did.
fn lost(error: tokio_postgres::Error) -> Error {
    let lost = Error::unavailable("the connection to the database was lost");
    match error
        .into_source()
        .map(|source| source.downcast::<io::Error>())
    {
        Some(Ok(cause)) => lost.caused_by(cause),
        _ => lost,
    }
}

/// The error of opening a connection; `None` stands for a server that fell silent.
pub(super) fn connecting(failure: Option<tokio_postgres::Error>, config: &Config) -> Error {
    let place = place(config);
    let Some(error) = failure else {
        return Error::timed_out(format!(
            "the database server at {place} does not answer in time"
        ));
    };
    if let Some(refusal) = error.as_db_error() {
        return refused(refusal, config);
    }
    let what = error.to_string();
    match error.into_source() {
        Some(cause) => match cause.downcast::<io::Error>() {
            // How rustls puts a certificate that it does not like.
            Ok(cause) if cause.kind() == io::ErrorKind::InvalidData => Error::configuration(
                format!("no secure connection to the database server at {place}: {cause}"),
            )
            .caused_by(cause),
            Ok(cause) => Error::unavailable(format!(
                "cannot reach the database server at {place}: {cause}"
            ))
            .caused_by(cause),
            Err(cause) => Error::configuration(format!(
                "cannot connect to the database server at {place}: {what}: {cause}"
            )),
        },
        None => Error::unavailable(format!(
            "cannot reach the database server at {place}: {what}"
        )),
    }
}

fn refused(refusal: &DbError, config: &Config) -> Error {
    let place = place(config);
    let user = config.get_user().unwrap_or("of this process");
    let database = config.get_dbname().unwrap_or(user);
    let code = refusal.code();
    let sqlstate = code.code();
    let reason = if *code == SqlState::INVALID_PASSWORD {
        format!("refuses the password of user {user}")
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        format!("has no database {database}")
    } else if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
        // Its rules in `pg_hba.conf` tell encrypted connections from plain ones.
        format!("does not let user {user} into database {database} this way")
    } else {
        format!("refuses a connection to database {database}")
    };
    let message = format!("the database server at {place} {reason} (SQLSTATE {sqlstate})");
    match class(sqlstate) {
        Class::Configuration => Error::configuration(message),
        Class::Again | Class::Timeout | Class::Poison => Error::unavailable(message),
    }
}

/// The error of getting a connection out of the readers' pool.
pub(super) fn pool(error: PoolError, config: &Config) -> Error {
    match error {
        PoolError::Backend(error) => connecting(Some(error), config),
        PoolError::Timeout(_) => Error::timed_out("no connection for readers became free in time"),
        PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
            Error::internal("the pool of connections for readers cannot be used")
        }
    }
}

/// Where a connection goes: `host:port`, several of them separated by commas.
fn place(config: &Config) -> String {
    let ports = config.get_ports();
    let one = |(index, host): (usize, &Host)| {
        let port = ports.get(index).or(ports.first()).unwrap_or(&5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            #[cfg(unix)]
            Host::Unix(directory) => format!("{}:{port}", directory.display()),
        }
    };
    let places: Vec<String> = config.get_hosts().iter().enumerate().map(one).collect();
    places.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_say_what_the_writer_shall_do() {
        for (class_of, codes) in [
            (
                Class::Again,
                &[
                    "08006", "57P01", "57P03", "53300", "53100", "40001", "55P03", "23505",
                    "XX000", "",
                ][..],
            ),
            (
                Class::Poison,
                &["22021", "22P02", "23502", "23514", "54000", "54001"],
            ),
            (
                Class::Configuration,
                &["42501", "42P01", "28P01", "3D000", "3F000"],
            ),
            (Class::Timeout, &["57014"]),
        ] {
            for code in codes {
                assert_eq!(class(code), class_of, "{code}");
            }
        }
    }

    #[test]
    fn the_line_is_found_in_any_language_and_never_in_data() {
        assert_eq!(line("COPY events, line 38"), Some(38));
        assert_eq!(line("COPY events, line 38, column path: \"7\""), Some(38));
        assert_eq!(line("PL/pgSQL function f()\nCOPY events, line 3"), Some(3));
        assert_eq!(line("COPY events, Zeile 2, Spalte path"), Some(2));
        assert_eq!(line("COPY events, column path: \"7\""), None);
        assert_eq!(line("COPY events, column path, \"7\""), None);
        assert_eq!(line("unnamed portal parameter $5"), None);
    }

    #[test]
    fn a_place_has_host_and_port() {
        let config: Config = "host=a,b port=1,2 user=u password=p".parse().unwrap();
        assert_eq!(place(&config), "a:1, b:2");
    }
}
