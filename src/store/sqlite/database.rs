//! The connections: one that writes, and a few that read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::error::Classify;
use super::place::{FileId, Place};
use crate::Error;

/// The most queries at once.
const MAX_READERS: usize = 4;
/// The steps of SQLite's machine between two looks at the clock: some ten microseconds.
const STEPS: i32 = 1000;

pub(super) struct Database {
    shared: Arc<Shared>,
    turns: Arc<Semaphore>,
}

struct Shared {
    place: Place,
    /// Closed before the writer, for the last connection is the one that
    /// moves the log into the file, and one that only reads cannot.
    idle_readers: Mutex<Vec<Connection>>,
    /// `None` after an error that left its state in doubt. In memory it is also the reader.
    writer: Mutex<Option<Connection>>,
    /// The file that the connections were opened on.
    file: Mutex<FileId>,
}

impl Database {
    pub(super) async fn open(place: Place) -> Result<Self, Error> {
        let shared = blocking(move || {
            Ok(Shared {
                writer: Mutex::new(Some(place.writer()?)),
                file: Mutex::new(place.file_id()),
                idle_readers: Mutex::default(),
                place,
            })
        });
        Ok(Self {
            shared: Arc::new(shared.await?),
            turns: Arc::new(Semaphore::new(MAX_READERS)),
        })
    }

    pub(super) fn place(&self) -> &Place {
        &self.shared.place
    }

    /// Runs `work` with the connection that writes. It is run to its end even
    /// if the future is dropped.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &Place) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let shared = Arc::clone(&self.shared);
        blocking(move || shared.write(work)).await
    }

    /// Runs `work` with a connection that reads. SQLite stops it when
    /// `timeout` is over, or as soon as the future is dropped.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        timeout: Duration,
        work: impl FnOnce(&Connection, &Place) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let deadline = Instant::now().checked_add(timeout);
        let turn = tokio::time::timeout(timeout, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| Error::timed_out(format!("{} did not answer in time", self.place())))?
            .expect("the semaphore is never closed");
        let asker = Asker::default();
        let gone = Arc::clone(&asker.gone);
        let stop = move || {
            gone.load(Ordering::Relaxed) || deadline.is_some_and(|end| Instant::now() >= end)
        };
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let _turn = turn;
            shared.read(stop, work)
        })
        .await
    }
}

impl Shared {
    fn write<T>(
        &self,
        work: impl FnOnce(&mut Connection, &Place) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut writer = lock(&self.writer);
        self.let_go_of_a_lost_file(&mut writer);
        let connection = match &mut *writer {
            Some(connection) => connection,
            none => {
                let connection = none.insert(self.place.writer()?);
                *lock(&self.file) = self.place.file_id();
                connection
            }
        };
        let result = work(connection, &self.place);
        let in_doubt = matches!(&result, Err(error) if !error.is_rejected());
        if in_doubt && matches!(self.place, Place::File(_)) {
            *writer = None;
        }
        result
    }

    /// A file that was deleted or replaced would take records and keep
    /// none, without an error: a new one is made in its place.
    fn let_go_of_a_lost_file(&self, writer: &mut Option<Connection>) {
        if writer.is_some() && *lock(&self.file) != self.place.file_id() {
            tracing::error!(
                "{} was deleted or replaced; records go into a new file",
                self.place
            );
            *writer = None;
            lock(&self.idle_readers).clear();
        }
    }

    fn read<T>(
        &self,
        stop: impl FnMut() -> bool + Send + 'static,
        work: impl FnOnce(&Connection, &Place) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let path = match &self.place {
            Place::File(path) => path,
            Place::Memory => {
                let mut writer = lock(&self.writer);
                let connection = writer
                    .as_mut()
                    .expect("a database in memory has one connection for all its life");
                return self.limited(connection, stop, work);
            }
        };
        let idle = lock(&self.idle_readers).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.place.reader(path)?,
        };
        let result = self.limited(&mut connection, stop, work);
        // After an error a new connection is cheaper than a doubt.
        if result.is_ok() {
            lock(&self.idle_readers).push(connection);
        }
        result
    }

    /// Runs `work`, whose queries end early when `stop` says so.
    fn limited<T>(
        &self,
        connection: &mut Connection,
        stop: impl FnMut() -> bool + Send + 'static,
        work: impl FnOnce(&Connection, &Place) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let limited = Limited(connection);
        limited
            .0
            .progress_handler(STEPS, Some(stop))
            .classify(&self.place)?;
        work(limited.0, &self.place)
    }
}

/// A connection whose queries are stopped early; without that again when dropped.
struct Limited<'a>(&'a mut Connection);

impl Drop for Limited<'_> {
    fn drop(&mut self) {
        // Taking a handler away needs no memory, so it cannot fail.
        self.0.progress_handler(0, None::<fn() -> bool>).ok();
    }
}

/// Whoever waits for an answer; gone when dropped.
#[derive(Default)]
struct Asker {
    gone: Arc<AtomicBool>,
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(if error.is_panic() {
            Error::internal("a call to the audit database panicked")
        } else {
            Error::unavailable("the runtime is shutting down")
        })
    })
}

/// A transaction is rolled back when a panic unwinds it, so a connection is sound after one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
