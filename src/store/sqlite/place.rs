//! Where the database is, and how it is opened.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::{Classify, code};
use super::{functions, schema};
use crate::Error;

/// How long a connection waits for others to let go of their locks.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What the write-ahead log is cut to, once it has been copied into the file.
const LOG_BYTES: u32 = 64 * 1024 * 1024;

#[derive(Debug)]
pub(super) enum Place {
    Memory,
    File(PathBuf),
}

/// Device and number of a file; `None` where there is none, or no way to tell.
pub(super) type FileId = Option<(u64, u64)>;

impl Place {
    /// A file, whatever the process does to its working directory later.
    pub(super) fn file(path: PathBuf) -> Result<Self, Error> {
        if path == Path::new(":memory:") {
            return Err(Error::configuration(
                "':memory:' is not a file: use SqliteStore::in_memory instead",
            ));
        }
        let path = std::path::absolute(&path).map_err(|error| refused(&Self::File(path), error))?;
        Ok(Self::File(path))
    }

    /// How often to look for what other processes may have written.
    pub(super) fn poll(&self) -> Option<Duration> {
        match self {
            Self::Memory => None,
            Self::File(_) => Some(Duration::from_secs(2)),
        }
    }

    /// What tells the file that is there now from another one at the same path.
    pub(super) fn file_id(&self) -> FileId {
        match self {
            Self::Memory => None,
            #[cfg(unix)]
            Self::File(path) => {
                use std::os::unix::fs::MetadataExt;
                let metadata = std::fs::metadata(path).ok()?;
                Some((metadata.dev(), metadata.ino()))
            }
            #[cfg(not(unix))]
            Self::File(_) => None,
        }
    }

    /// A connection that may write, to a database with the newest schema.
    pub(super) fn writer(&self) -> Result<Connection, Error> {
        let mut connection = match self {
            Self::Memory => {
                let connection = Connection::open_in_memory().classify(self)?;
                functions::add(&connection).classify(self)?;
                connection
            }
            Self::File(path) => {
                create(path).map_err(|error| refused(self, error))?;
                open(path, OpenFlags::SQLITE_OPEN_READ_WRITE).classify(self)?
            }
        };
        // A file of another application is refused before anything about it changes.
        schema::check(&connection, self)?;
        prepare(&connection).classify(self)?;
        schema::migrate(&mut connection, self)?;
        Ok(connection)
    }

    /// A connection that can only read, to a file that a writer has prepared.
    pub(super) fn reader(&self, path: &Path) -> Result<Connection, Error> {
        let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY).classify(self)?;
        connection
            .pragma_update(None, "query_only", true)
            .classify(self)?;
        Ok(connection)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("the audit database in memory"),
            Self::File(path) => write!(f, "the audit database {}", path.display()),
        }
    }
}

/// Makes the file before SQLite would, because SQLite would let others read it.
fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn refused(place: &Place, error: io::Error) -> Error {
    let reason = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => "its directory does not exist",
        ErrorKind::InvalidInput => "no file can have this path",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "permission denied",
        ErrorKind::IsADirectory => "it is a directory",
        _ => "the system refuses it",
    };
    Error::configuration(format!("{place} cannot be opened: {reason}")).caused_by(error)
}

fn open(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    functions::add(&connection)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    // Works only before the first page is written, so it comes first: the
    // pages of deleted rows can then be given back to the file system.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    use_write_ahead_log(connection)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES, |_| Ok(()))
}

/// Readers and the writer then do not wait for each other.
fn use_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let result = connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()));
        match result {
            // Of several processes that switch at once SQLite turns all but
            // one away immediately, lest they wait for each other for ever.
            Err(error)
                if code(&error) == Some(ErrorCode::DatabaseBusy) && Instant::now() < deadline =>
            {
                thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
}
