//! The handle to a running audit trail.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::budget::CaptureBudget;
use super::builder::AuditorBuilder;
use super::condition::Condition;
use super::control::Control;
use super::losses::Loss;
use super::pipeline::Pipeline;
use super::progress::Durable;
use super::queue::{Frames, Queue};
use super::sinks::SinkTallies;
use super::stats::{Counters, Stats};
use super::worker::Command;
use crate::event::{Event, Record, limits};
use crate::store::{AuditManager, AuditQuarantine, AuditReader};
use crate::{Error, EventId, Policy, Sanitizer};

/// The handle to a running audit trail. Clones are cheap and share the trail.
///
/// When the last handle is gone (a layer holds one), the writer stores what
/// is pending and ends, as long as the process lives. To be sure of that
/// call [`Auditor::shutdown`] before `main` returns.
#[derive(Clone)]
pub struct Auditor {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) queue: Arc<Queue>,
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) counters: Arc<Counters>,
    pub(super) condition: Arc<Condition>,
    /// Where requests wait for their records to be durable.
    pub(super) durable: Option<Durable>,
    pub(super) commands: mpsc::UnboundedSender<Command>,
    pub(super) finished: watch::Receiver<bool>,
    pub(super) reader: Option<Arc<dyn AuditReader>>,
    pub(super) manager: Option<Arc<dyn AuditManager>>,
    pub(super) quarantine: Option<Arc<dyn AuditQuarantine>>,
    pub(super) client_ip_header: HeaderName,
    pub(super) capture_budget: Arc<CaptureBudget>,
    pub(super) control: Control,
    pub(super) sinks: SinkTallies,
}

/// How long a writer may take to give up; longer than that, its store blocks its thread.
const ABORT_TIME: Duration = Duration::from_secs(1);

impl Auditor {
    /// Starts to describe an audit trail.
    pub fn builder() -> AuditorBuilder {
        AuditorBuilder::default()
    }

    pub(super) fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Offers an event and returns the id under which its record will be found,
    /// unless the [clock was far off](crate::docs::operations#clocks) just then.
    ///
    /// Never waits: if the queue is full the event is dropped and counted,
    /// and a gap event will tell of it. While the trail is
    /// [paused](Self::pause) the event is not recorded, and not counted.
    #[allow(clippy::needless_pass_by_value)] // the raw data ends here
    pub fn record(&self, event: Event) -> EventId {
        if !self.is_paused() {
            self.push(event.as_bytes(), Loss::QueueFull);
        }
        event.id()
    }

    pub(crate) fn push(&self, frame: &[u8], loss: Loss) {
        self.inner.queue.push(frame, loss);
    }

    /// Where requests wait for their records to be durable, if they have to.
    pub(crate) fn durable(&self) -> Option<&Durable> {
        self.inner.durable.as_ref()
    }

    /// The queue, to set room apart in it.
    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.inner.queue
    }

    /// What a value that became a [pseudonym](crate::Strategy::Pseudonym) is
    /// stored as, and therefore what to search for: one text for each key, that of the
    /// key in use first. Empty if there is no key.
    pub fn pseudonym(&self, value: &str) -> Vec<String> {
        self.inner.pipeline.sanitizer().pseudonyms(value)
    }

    /// What the digest of a whole body is stored as, where a layer [makes
    /// one](crate::AuditLayer::digest_bodies), and therefore what to search for: one text for each
    /// key, that of the key in use first. Empty if there is no key.
    pub fn body_digests(&self, body: &[u8]) -> Vec<String> {
        self.inner.pipeline.sanitizer().body_digests(body)
    }

    pub(crate) fn sanitizer(&self) -> &Sanitizer {
        self.inner.pipeline.sanitizer()
    }

    /// An auditor with the same rules whose events only the other half sees.
    pub(crate) fn aside(&self) -> (Self, Aside) {
        let queue = Arc::new(Queue::new(1, limits::EVENT_BYTES * 2, limits::EVENT_BYTES));
        let auditor = Self::new(Inner {
            queue: Arc::clone(&queue),
            pipeline: Arc::clone(&self.inner.pipeline),
            counters: Arc::default(),
            condition: Arc::default(),
            durable: None,
            commands: mpsc::unbounded_channel().0,
            finished: watch::channel(true).1,
            reader: None,
            manager: None,
            quarantine: None,
            client_ip_header: self.inner.client_ip_header.clone(),
            capture_budget: Arc::new(CaptureBudget::new(limits::BODY_BYTES * 2)),
            control: Control::new(Policy::default()),
            sinks: SinkTallies::none(),
        });
        let pipeline = Arc::clone(&self.inner.pipeline);
        (auditor, Aside { queue, pipeline })
    }

    /// The header in which proxies tell the client's address.
    pub(crate) fn client_ip_header(&self) -> &HeaderName {
        &self.inner.client_ip_header
    }

    /// What the bodies of requests in flight may hold together.
    pub(crate) fn capture_budget(&self) -> &CaptureBudget {
        &self.inner.capture_budget
    }

    /// Waits until everything that was offered before the call is settled:
    /// stored, in quarantine, or counted as dropped. Waits for as long as the store fails.
    ///
    /// # Errors
    /// If the writer has ended, and left something to the journal or did not end in order.
    ///
    /// # Cancel safety
    /// Dropping the future stops the waiting and nothing else.
    pub async fn flush(&self) -> Result<(), Error> {
        let (caller, stored) = oneshot::channel();
        let ended = || Error::closed("the audit writer ended before everything was stored");
        if self.inner.commands.send(Command::Flush(caller)).is_err() {
            let mut finished = self.inner.finished.clone();
            let in_order = finished.wait_for(|finished| *finished).await.is_ok();
            // Some may be left to the journal.
            return if in_order && self.stats().pending == 0 {
                Ok(())
            } else {
                Err(ended())
            };
        }
        stored.await.map_err(|_| ended())
    }

    /// Refuses events from now on, and waits until everything that was
    /// offered before is stored, at most for `timeout` and a second. What is not stored
    /// by then is left to the journal, for the next process; without one, or where it has no room, it
    /// is given up, and counted as dropped. May be called again.
    ///
    /// What is left of `timeout` then is for the [sinks](crate::Sink), to take what is
    /// buffered for them. One that does not is no error; its [numbers](Self::sinks) tell.
    ///
    /// # Errors
    /// If something had to be given up, or if the writer has failed or does not react.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the trail closed, and the writer goes on
    /// storing what is pending.
    pub async fn shutdown(&self, timeout: Duration) -> Result<Stats, Error> {
        let started = Instant::now();
        self.inner.queue.close();
        let mut finished = self.inner.finished.clone();
        let in_time = tokio::time::timeout(timeout, finished.wait_for(|finished| *finished))
            .await
            .is_ok();
        if !in_time {
            // If nobody receives it, the writer has ended just now.
            let _ = self.inner.commands.send(Command::Abort);
        }
        tokio::time::timeout(ABORT_TIME, finished.wait_for(|finished| *finished))
            .await
            .map_err(|_| Error::timed_out("the audit writer does not react"))?
            .map_err(|_| Error::internal("the audit writer has failed"))?;
        let left = timeout.saturating_sub(started.elapsed());
        self.inner.sinks.ended(left).await;
        let stats = self.stats();
        if stats.dropped_shutdown_timeout > 0 {
            return Err(Error::timed_out(format!(
                "{} audit events could not be stored before the shutdown's timeout",
                stats.dropped_shutdown_timeout
            )));
        }
        Ok(stats)
    }

    /// What became of the events so far.
    pub fn stats(&self) -> Stats {
        let inner = &self.inner;
        let settled = inner.counters.snapshot(&inner.queue);
        settled.with(&inner.condition, &inner.capture_budget)
    }

    /// What the store lets somebody in charge do to stored records, if anything.
    /// Whoever uses it directly records that by hand.
    pub fn manager(&self) -> Option<Arc<dyn AuditManager>> {
        self.inner.manager.clone()
    }

    /// The store's reading side, if it has one.
    pub fn reader(&self) -> Option<Arc<dyn AuditReader>> {
        self.inner.reader.clone()
    }
}

/// Where the event of an auditor goes that stores nothing.
pub(crate) struct Aside {
    queue: Arc<Queue>,
    pipeline: Arc<Pipeline>,
}

impl Aside {
    /// The record of the one event that was offered.
    pub(crate) fn record(&self) -> Record {
        let mut frames = self.queue.take(0, Frames::default());
        let frame = frames.next().expect("an event was offered");
        self.pipeline.record(frame)
    }
}

impl fmt::Debug for Auditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auditor")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
