//! What a sink has to do.

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::{Error, Record};

/// Takes copies of records, beside the store; added by [`AuditorBuilder::sink`](crate::AuditorBuilder::sink).
///
/// A sink gets each record once, when the writer takes it in, whatever becomes
/// of it in the store: gap events too, but neither what an earlier process has left
/// in a journal nor what is requeued from a quarantine. Events that are lost before the writer has seen
/// them reach no sink. Within one sink records come in the order in which they go to the store.
///
/// The store never waits for a sink. Each has a [buffer](crate::AuditorBuilder::sink_buffer)
/// and a thread of its own, where it may block. When the buffer is full, or the
/// sink fails or panics, that costs the sink its copy, and [`Auditor::sinks`](crate::Auditor::sinks) counts it.
///
/// There are sinks to begin with:
///
/// - closures: `impl FnMut(&Record)`, on their own thread;
/// - [`tokio::sync::mpsc::Sender<Record>`], which needs no thread: what the channel has no room for is dropped;
/// - [`TracingSink`](crate::TracingSink), an event of `tracing` for each record.
///
/// ```
/// use tower_audit::{Auditor, Error, MemoryStore, Record, Sink};
///
/// /// Sends one line of JSON for each record.
/// struct Lines(std::net::TcpStream);
///
/// impl Sink for Lines {
///     fn send(&mut self, record: &Record) -> Result<(), Error> {
///         use std::io::Write;
///
///         let mut line = serde_json::to_vec(record)
///             .map_err(|error| Error::internal("no JSON can be made of it").caused_by(error))?;
///         line.push(b'\n');
///         self.0
///             .write_all(&line)
///             .map_err(|error| Error::unavailable("the line was not sent").caused_by(error))
///     }
/// }
///
/// # fn build(stream: std::net::TcpStream) -> Result<(), Error> {
/// let (sender, mut tail) = tokio::sync::mpsc::channel(1_000);
/// let builder = Auditor::builder()
///     .store(MemoryStore::new())
///     .sink("lines", Lines(stream))
///     .sink("tail", sender)
///     .sink("failures", |record: &Record| {
///         if !record.success {
///             eprintln!("{} {:?}", record.id, record.action);
///         }
///     });
/// # Ok(())
/// # }
/// ```
///
/// # Security
/// Records are sanitized, and still hold what people did. Whoever reads a sink reads the trail.
pub trait Sink: Send + 'static {
    /// Takes a copy of the record. It may block: its own buffer fills up meanwhile, and nothing else waits.
    ///
    /// # Errors
    /// If it could not take it. The copy counts as dropped then, and is not sent again.
    fn send(&mut self, record: &Record) -> Result<(), Error>;

    /// Whether it never waits for anything: it is called on the writer's thread then.
    #[doc(hidden)]
    fn never_waits(&self) -> bool {
        false
    }
}

impl<F: FnMut(&Record) + Send + 'static> Sink for F {
    fn send(&mut self, record: &Record) -> Result<(), Error> {
        self(record);
        Ok(())
    }
}

impl Sink for mpsc::Sender<Record> {
    fn send(&mut self, record: &Record) -> Result<(), Error> {
        match self.try_reserve() {
            Ok(room) => {
                room.send(record.clone());
                Ok(())
            }
            Err(TrySendError::Full(())) => Err(Error::unavailable("the channel is full")),
            Err(TrySendError::Closed(())) => Err(Error::closed("nobody receives any more")),
        }
    }

    fn never_waits(&self) -> bool {
        true
    }
}
