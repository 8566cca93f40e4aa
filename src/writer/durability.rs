//! What a trail survives.

use std::fmt;
use std::time::Duration;

use crate::Error;

/// Which losses a trail is safe against, and what that costs.
///
/// The window is what is lost at most when the process is killed (`kill -9`,
/// out of memory, a panic that aborts).
///
/// | | safe against | window |
/// |---|---|---|
/// | `Memory` | a slow store | the queue, and two batches |
/// | `Spill` | an outage of the store too, with an orderly shutdown | the queue, and two batches |
/// | `Journal` | the end of the process too | what the writer has not read from the queue yet: some milliseconds |
/// | `Synced` | a loss of power too, up to the interval | the same |
/// | `Strict` | a loss of power too | nothing, for requests that were answered |
///
/// All but `Memory` need a directory: see [`AuditorBuilder::journal`](crate::AuditorBuilder::journal).
/// What is lost to the trail by a full queue, and what happens then, is [`Overflow`](crate::Overflow)'s matter.
///
/// [`docs::operations`](crate::docs::operations) says what that means in practice, and how to run a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Nothing is written to disk. The default without a directory.
    #[default]
    Memory,
    /// Records are written to disk when the store does not keep up, and what is pending at the shutdown.
    Spill,
    /// Every record is written to disk before it is offered to the store;
    /// the system decides when it reaches the medium. The default with a directory.
    Journal,
    /// As `Journal`, and what was written is synced (`fdatasync`) at this interval, from 1 ms to an hour.
    Synced(Duration),
    /// What is known of a request is written and synced before its handler
    /// runs, and again before the response's head leaves: at the cost of two waits for the disk per request, which
    /// requests at the same time share. A request whose record cannot be written is
    /// answered with `503 Service Unavailable`, at the latest after 10 s.
    ///
    /// Where the disk fails between the two waits, the handler has run and what it
    /// did stands, although the answer is 503; that one does not ask to be
    /// repeated. Make such requests idempotent.
    ///
    /// If the process ends before a request does, its record has the note
    /// `unfinished`, and says as much as was known. Events that are recorded by hand are
    /// synced as soon as that can be, but nobody waits for it.
    Strict,
}

impl Durability {
    /// # Errors
    /// If the interval makes no sense.
    pub(super) fn check(self) -> Result<(), Error> {
        let shortest = Duration::from_millis(1);
        let longest = Duration::from_secs(3600);
        match self {
            Self::Synced(interval) if interval < shortest || interval > longest => {
                let message = format!(
                    "the interval of the durability {self} must be from {shortest:?} to {longest:?}"
                );
                Err(Error::invalid_input("durability", message))
            }
            _ => Ok(()),
        }
    }

    /// Whether records are written to disk before they are offered to the store.
    pub(super) fn writes_ahead(self) -> bool {
        matches!(self, Self::Journal | Self::Synced(_) | Self::Strict)
    }

    /// How often what was written is synced.
    pub(super) fn sync_interval(self) -> Option<Duration> {
        match self {
            Self::Synced(interval) => Some(interval),
            Self::Strict => Some(Duration::ZERO),
            Self::Memory | Self::Spill | Self::Journal => None,
        }
    }
}

impl fmt::Display for Durability {
    /// `memory`, `spill`, `journal`, `synced:1s` or `strict`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Spill => f.write_str("spill"),
            Self::Journal => f.write_str("journal"),
            Self::Synced(interval) => write!(f, "synced:{interval:?}"),
            Self::Strict => f.write_str("strict"),
        }
    }
}
