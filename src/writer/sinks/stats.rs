//! What became of the copies.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::Error;
use crate::writer::log_limit::LogLimit;

/// A snapshot of what became of the copies that were made for one [`Sink`](crate::Sink).
///
/// `sent + dropped + panicked + buffered` is the number of records that the
/// writer has taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkStats {
    /// The sink's name.
    pub name: String,
    /// Copies that the sink has taken.
    pub sent: u64,
    /// Copies that it lost because its buffer was full, or that it did not take.
    pub dropped: u64,
    /// Copies that it panicked over.
    pub panicked: u64,
    /// Copies that wait for it, and the one that it has in hand.
    pub buffered: u64,
}

/// The numbers of all sinks, and whether their threads have ended.
#[derive(Clone)]
pub(in crate::writer) struct SinkTallies {
    pub(super) tallies: Arc<[Arc<SinkTally>]>,
    /// Closed once the last of the threads has ended.
    pub(super) threads: watch::Receiver<()>,
}

impl SinkTallies {
    pub(in crate::writer) fn none() -> Self {
        Self {
            tallies: Arc::default(),
            threads: watch::channel(()).1,
        }
    }

    pub(in crate::writer) fn snapshot(&self) -> Vec<SinkStats> {
        self.tallies.iter().map(|tally| tally.snapshot()).collect()
    }

    /// Waits until the sinks have got what is buffered for them, once the
    /// writer has ended, but not for longer than that.
    pub(in crate::writer) async fn ended(&self, at_most: Duration) {
        let mut threads = self.threads.clone();
        if timeout(at_most, threads.changed()).await.is_err() {
            tracing::warn!("audit sinks did not take everything before the shutdown's timeout");
        }
    }
}

/// The numbers of one sink. The writer counts what it puts into the buffer, the sink's thread the rest.
#[derive(Debug, Default)]
pub(in crate::writer) struct SinkTally {
    name: String,
    taken: AtomicU64,
    sent: AtomicU64,
    /// Of those taken, copies that the sink refused.
    refused: AtomicU64,
    panicked: AtomicU64,
    /// Copies that there was no room for.
    overflowed: AtomicU64,
    log: LogLimit,
}

impl SinkTally {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    pub(super) fn take(&self) {
        self.taken.fetch_add(1, Ordering::Release);
    }

    pub(super) fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Release);
    }

    pub(super) fn refused(&self, error: &Error) {
        self.refused.fetch_add(1, Ordering::Release);
        if self.log.is_due() {
            tracing::warn!(sink = self.name, code = error.code(), %error, "an audit sink loses copies of records");
        }
    }

    pub(super) fn panicked(&self) {
        self.panicked.fetch_add(1, Ordering::Release);
        if self.log.is_due() {
            // What it panicked with may hold data of a record.
            tracing::error!(sink = self.name, "an audit sink panicked");
        }
    }

    pub(super) fn overflowed(&self) {
        self.overflowed.fetch_add(1, Ordering::Release);
        if self.log.is_due() {
            tracing::warn!(
                sink = self.name,
                "an audit sink does not keep up and loses copies of records"
            );
        }
    }

    pub(super) fn buffered(&self) -> u64 {
        // What is done with is read before what was taken: a copy between the
        // two reads counts as buffered, never as less than none.
        let done = [&self.sent, &self.refused, &self.panicked]
            .map(|number| number.load(Ordering::Acquire));
        self.taken.load(Ordering::Acquire) - done.iter().sum::<u64>()
    }

    fn snapshot(&self) -> SinkStats {
        let read = |number: &AtomicU64| number.load(Ordering::Acquire);
        let (sent, refused, panicked) =
            (read(&self.sent), read(&self.refused), read(&self.panicked));
        SinkStats {
            name: self.name.clone(),
            sent,
            dropped: refused + read(&self.overflowed),
            panicked,
            buffered: read(&self.taken) - (sent + refused + panicked),
        }
    }
}
