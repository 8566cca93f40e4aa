//! What a full queue means for a request.

use std::fmt;
use std::time::Duration;

/// What happens to a request when the queue has no room for its record.
///
/// Before any of it, from three quarters of their bytes on, queue and journal take
/// records without their bodies; they have the note `bodies_left_out`.
///
/// [`Wait`](Self::Wait) and [`Reject`](Self::Reject) have room set apart
/// before the handler runs, so that the record of a request that was let in
/// is not dropped later; it is held until the response has ended. A record
/// that is larger than that room, 8 KiB, and finds no more keeps who, what and
/// how it ended; it has the note `details_left_out`.
///
/// Requests that are slow hold their room for as long: 8,000 at a time take
/// the whole of a queue of 64 MiB, and leave none for the records of others.
/// Where clients decide how slow they are, bound time and number of requests
/// by other layers.
///
/// The variants are in the order of how strict they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// The request is served, its record is dropped and counted, and a gap event tells of it.
    #[default]
    DropNewest,
    /// The request waits for room before its handler runs, at most for this
    /// long, and is then served as with [`DropNewest`](Self::DropNewest). Outside of
    /// a tokio runtime nothing is waited for.
    Wait(Duration),
    /// The request is answered with `503 Service Unavailable`, before its handler runs.
    ///
    /// # Security
    /// What must not happen without a record does not happen. Whoever can
    /// fill the queue can then keep others out, too.
    Reject,
}

impl fmt::Display for Overflow {
    /// `drop_newest`, `wait:500ms` or `reject`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DropNewest => f.write_str("drop_newest"),
            Self::Wait(longest) => write!(f, "wait:{longest:?}"),
            Self::Reject => f.write_str("reject"),
        }
    }
}
