//! How an audit trail is described and started.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::auditor::{Auditor, Inner};
use super::batch::BatchLimits;
use super::budget::CaptureBudget;
use super::condition::Condition;
use super::control::Control;
use super::deliver::Delivery;
use super::durability::Durability;
use super::enrich::{ClientIp, Enricher};
use super::host;
use super::metrics::Metrics;
use super::pipeline::Pipeline;
use super::progress;
use super::queue::Queue;
use super::settings::Settings;
use super::sinks::{Sink, Sinks};
use super::spool::Spool;
use super::stats::Counters;
use super::worker::Writer;
use crate::event::{clock, limits};
use crate::journal::{self, Journal, Recovery};
use crate::store::AuditStore;
use crate::{Error, EventId, Policy, Sanitizer};

/// Describes an audit trail; made by [`Auditor::builder`].
#[must_use]
#[derive(Default)]
pub struct AuditorBuilder {
    store: Option<Arc<dyn AuditStore>>,
    sanitizer: Sanitizer,
    pub(super) policy: Policy,
    pub(super) client_ip: ClientIp,
    pub(super) settings: Settings,
    pub(super) journal: Option<PathBuf>,
    pub(super) durability: Option<Durability>,
    pub(super) sinks: Vec<(String, Box<dyn Sink>)>,
}

impl AuditorBuilder {
    /// Sets where records are kept. There is no default.
    pub fn store(mut self, store: impl AuditStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Sets what is masked. Defaults to [`Sanitizer::default`].
    ///
    /// # Security
    /// The sanitizer is the only thing between a request's secrets and the store.
    pub fn sanitizer(mut self, sanitizer: Sanitizer) -> Self {
        self.sanitizer = sanitizer;
        self
    }

    /// Sets which requests are recorded, how much of them, and how often.
    /// Defaults to all of all. [`Auditor::set_policy`] swaps it later.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the networks (CIDR) or addresses of the proxies that stand
    /// before the service. Defaults to none: `client_ip` is the peer's address.
    ///
    /// # Errors
    /// If one of them is neither a network nor an address.
    ///
    /// # Security
    /// Whoever connects from such an address can claim any client address.
    /// Name your own proxies only, never `0.0.0.0/0`.
    pub fn trust_proxies<'a>(
        mut self,
        networks: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        self.client_ip = self.client_ip.trust(networks)?;
        Ok(self)
    }

    /// Sets the one header in which the proxies tell the client's address:
    /// `x-forwarded-for`, `forwarded`, or one like `x-real-ip` that holds an
    /// address. Defaults to `x-forwarded-for`.
    ///
    /// # Errors
    /// If it is not the name of a header.
    ///
    /// # Security
    /// Choose the header that your proxy sets or appends to. Any other one comes from the client.
    pub fn client_ip_header(mut self, name: &str) -> Result<Self, Error> {
        self.client_ip = self.client_ip.header(name)?;
        Ok(self)
    }

    /// Sets a directory for the trail's journal, which outlives an outage of
    /// the store and the end of the process; see [`Durability`] for what, exactly. Defaults
    /// to none. Several processes may share it: each has a sub-directory of
    /// its own in it, and takes over what others have left that are gone.
    ///
    /// It is made if it is missing, with the rights `0700`, and wants a local disk that survives a restart.
    ///
    /// # Security
    /// Sanitized records stand in its files as plain text until they are stored.
    pub fn journal(mut self, directory: impl Into<PathBuf>) -> Self {
        self.journal = Some(directory.into());
        self
    }

    /// Sets what the trail survives. Defaults to [`Durability::Journal`]
    /// where there is a directory for the [journal](Self::journal), otherwise to [`Durability::Memory`].
    /// Too weak a mode loses in a kill or an outage what its table says; too
    /// strong a one makes the disk busy, and with [`Durability::Strict`] requests wait for it.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }

    /// Sets how many bytes the journal of this process may take on disk,
    /// with what it has taken over from others. Defaults to 1 GiB, at least
    /// 16 MiB. From three quarters of it on, what waits there only is written
    /// without its bodies. When it is full, records wait in the queue again, and then it is
    /// as [`Overflow`](crate::Overflow) says.
    pub fn journal_max_bytes(mut self, bytes: u64) -> Self {
        self.settings.journal_max_bytes = bytes;
        self
    }

    /// Sets how many bytes the journal leaves free on its file system, more or
    /// less: with fewer it counts as full. Defaults to 256 MiB. Too few let the
    /// journal take the disk from others; too many make it count as full for ever.
    pub fn journal_min_free_bytes(mut self, bytes: u64) -> Self {
        self.settings.journal_min_free_bytes = bytes;
        self
    }

    /// Sets how many events may wait for the writer. Defaults to 100,000.
    /// When there are more, the newest are dropped and a gap event tells how
    /// many, or as [`Overflow`](crate::Overflow) says: too small a queue loses events in a burst or a short outage.
    pub fn max_queue_size(mut self, events: usize) -> Self {
        self.settings.max_queue_size = events;
        self
    }

    /// Sets how many bytes of events may wait for the writer. Defaults to
    /// 64 MiB, at least 2 MiB. From three quarters of it on, records
    /// are taken without their bodies; when there are more, it is as with [`max_queue_size`](Self::max_queue_size). The memory is only used while the
    /// store is slow or away; the writer holds up to one shard's share (the
    /// limit divided by the cores, at most 16) and two batches besides.
    pub fn max_queue_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_queue_bytes = bytes;
        self
    }

    /// Sets how many records are stored at once. Defaults to 4,000, at least 1. Small
    /// batches cost the store more for each record, large ones memory: two of
    /// them are held at a time.
    pub fn max_batch_size(mut self, records: usize) -> Self {
        self.settings.max_batch_size = records;
        self
    }

    /// Sets how many bytes of events are stored at once. Defaults to 8 MiB, at least 1.
    /// It bounds the memory of a batch where events are large; one event is
    /// always stored, however large.
    pub fn max_batch_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_batch_bytes = bytes;
        self
    }

    /// Sets how long a record may wait for its batch to fill. Defaults to
    /// 200 ms, at most an hour. A shorter delay shows records sooner and makes smaller batches;
    /// a longer one loses more with a kill in [`Durability::Memory`].
    pub fn max_batch_delay(mut self, delay: Duration) -> Self {
        self.settings.max_batch_delay = delay;
        self
    }

    /// Sets how long the store may take for a batch. Defaults to 30 s, from 1 ms to an hour. After
    /// that the attempt counts as failed and is repeated; too short a time
    /// makes a slow store slower still.
    pub fn append_timeout(mut self, timeout: Duration) -> Self {
        self.settings.append_timeout = timeout;
        self
    }

    /// Sets how many bytes of bodies the requests in flight may hold together
    /// for their records, over all layers of this trail. Defaults to 32 MiB,
    /// which is room for 2,000 bodies at the layers' own limits.
    ///
    /// While it is spent, a body that arrives leaves only its size, and one
    /// that is being captured is cut; their records have the note
    /// `capture_budget_spent`, and [`Stats`](crate::Stats) counts them. Too
    /// small a budget loses bodies of a busy service in that way; the memory
    /// is only used while bodies are under way.
    pub fn capture_budget(mut self, bytes: usize) -> Self {
        self.settings.capture_budget = bytes;
        self
    }

    /// Starts the trail, with the writer on a thread of its own.
    ///
    /// # Errors
    /// As for [`build`](Self::build), or if the system gives no thread.
    ///
    /// # Cancel safety
    /// There is nothing to cancel: it does not yield. It blocks its thread
    /// while the journal's directory is opened.
    #[allow(clippy::unused_async)] // so that a store may be waited for here one day
    pub async fn start(self) -> Result<Auditor, Error> {
        let (auditor, writer) = self.build()?;
        host::spawn(writer)?;
        Ok(auditor)
    }

    /// Makes the handle and the writer without running the latter. Nothing
    /// is stored until [`Writer::run`] runs.
    ///
    /// # Errors
    /// If there is no store, if a limit makes no sense, if the journal's
    /// directory is missing, or cannot be used, or if two sinks have one name
    /// or the system gives them no thread.
    pub fn build(self) -> Result<(Auditor, Writer), Error> {
        let store = self.store.ok_or_else(|| {
            Error::configuration("an audit trail needs a store: call AuditorBuilder::store")
        })?;
        self.settings.check()?;
        let durability = self.durability.unwrap_or(match self.journal {
            Some(_) => Durability::Journal,
            None => Durability::Memory,
        });
        let journal = open_journal(self.journal, durability, &self.settings)?;
        let (sinks, sink_tallies) = Sinks::start(self.sinks, self.settings.sink_buffer)?;
        let condition = Arc::<Condition>::default();
        // Here, rather than in the first request.
        clock::start();
        let queue = Arc::new(Queue::new(
            self.settings.max_queue_size,
            self.settings.max_queue_bytes,
            limits::EVENT_BYTES,
        ));
        let counters = Arc::new(Counters::default());
        let (progress, durable) = progress::channel(queue.shard_count());
        let is_strict = durability == Durability::Strict;
        let (commands, receiver) = mpsc::unbounded_channel();
        let (finish, finished) = watch::channel(false);
        let client_ip_header = self.client_ip.header_name().clone();
        let enricher = Enricher::new(self.client_ip);
        let pipeline = Arc::new(Pipeline::new(self.sanitizer, enricher));
        let auditor = Auditor::new(Inner {
            queue: Arc::clone(&queue),
            pipeline: Arc::clone(&pipeline),
            counters: Arc::clone(&counters),
            condition: Arc::clone(&condition),
            durable: is_strict.then_some(durable),
            commands,
            finished,
            reader: store.reader(),
            manager: store.manager(),
            quarantine: store.quarantine(),
            client_ip_header,
            capture_budget: Arc::new(CaptureBudget::new(self.settings.capture_budget)),
            control: Control::new(self.policy),
            sinks: sink_tallies,
        });
        let writer = Writer {
            metrics: Metrics::new(&auditor.inner, &self.settings),
            queue,
            pipeline,
            delivery: Delivery {
                store,
                counters,
                append_timeout: self.settings.append_timeout,
                log: Arc::default(),
                condition: Arc::clone(&condition),
            },
            limits: BatchLimits {
                max_size: self.settings.max_batch_size,
                max_bytes: self.settings.max_batch_bytes,
                max_delay: self.settings.max_batch_delay,
            },
            spool: Spool::new(
                journal,
                durability,
                self.settings.journal_max_bytes,
                condition,
            ),
            progress: is_strict.then_some(progress),
            sinks,
            commands: receiver,
            finished: finish,
        };
        Ok((auditor, writer))
    }
}

/// Opens the journal, if there is to be one.
fn open_journal(
    directory: Option<PathBuf>,
    durability: Durability,
    settings: &Settings,
) -> Result<Option<(Journal, Recovery)>, Error> {
    durability.check()?;
    if durability == Durability::Memory {
        return Ok(None);
    }
    let Some(directory) = directory else {
        return Err(Error::configuration(format!(
            "the durability {durability} needs a directory: call AuditorBuilder::journal, or set AUDIT_JOURNAL_DIR"
        )));
    };
    let writer = EventId::now().as_uuid();
    let journal = Journal::open(journal::Settings {
        max_bytes: settings.journal_max_bytes,
        min_free_bytes: settings.journal_min_free_bytes,
        syncs: durability.sync_interval().is_some(),
        ..journal::Settings::new(directory, writer)
    })?;
    Ok(Some(journal))
}

impl std::fmt::Debug for AuditorBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditorBuilder").finish_non_exhaustive()
    }
}
