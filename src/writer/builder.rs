//! How an audit trail is described and started.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::auditor::{Auditor, Inner};
use super::batch::BatchLimits;
use super::budget::CaptureBudget;
use super::control::Control;
use super::deliver::Delivery;
use super::enrich::{ClientIp, Enricher};
use super::host;
use super::pipeline::Pipeline;
use super::queue::Queue;
use super::stats::Counters;
use super::worker::Writer;
use crate::event::{clock, limits};
use crate::store::AuditStore;
use crate::{Error, Policy, Sanitizer};

/// Describes an audit trail; made by [`Auditor::builder`].
#[must_use]
pub struct AuditorBuilder {
    store: Option<Arc<dyn AuditStore>>,
    sanitizer: Sanitizer,
    policy: Policy,
    client_ip: ClientIp,
    max_queue_size: usize,
    max_queue_bytes: usize,
    max_batch_size: usize,
    max_batch_bytes: usize,
    max_batch_delay: Duration,
    append_timeout: Duration,
    capture_budget: usize,
}

impl Default for AuditorBuilder {
    fn default() -> Self {
        Self {
            store: None,
            sanitizer: Sanitizer::default(),
            policy: Policy::default(),
            client_ip: ClientIp::default(),
            max_queue_size: 100_000,
            max_queue_bytes: 64 << 20,
            max_batch_size: 4_000,
            max_batch_bytes: 8 << 20,
            max_batch_delay: Duration::from_millis(200),
            append_timeout: Duration::from_secs(30),
            capture_budget: 32 << 20,
        }
    }
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

    /// Sets how many events may wait for the writer. Defaults to 100,000.
    /// When there are more, the newest are dropped and a gap event tells how
    /// many: too small a queue loses events in a burst or a short outage.
    pub fn max_queue_size(mut self, events: usize) -> Self {
        self.max_queue_size = events;
        self
    }

    /// Sets how many bytes of events may wait for the writer. Defaults to
    /// 64 MiB, at least 2 MiB. When there are more, the newest are dropped
    /// and a gap event tells how many. The memory is only used while the
    /// store is slow or away; the writer holds up to one shard's share (the
    /// limit divided by the cores, at most 16) and two batches besides.
    pub fn max_queue_bytes(mut self, bytes: usize) -> Self {
        self.max_queue_bytes = bytes;
        self
    }

    /// Sets how many records are stored at once. Defaults to 4,000. Small
    /// batches cost the store more for each record, large ones memory: two of
    /// them are held at a time.
    pub fn max_batch_size(mut self, records: usize) -> Self {
        self.max_batch_size = records;
        self
    }

    /// Sets how many bytes of events are stored at once. Defaults to 8 MiB.
    /// It bounds the memory of a batch where events are large.
    pub fn max_batch_bytes(mut self, bytes: usize) -> Self {
        self.max_batch_bytes = bytes;
        self
    }

    /// Sets how long a record may wait for its batch to fill. Defaults to
    /// 200 ms, at most an hour. A shorter delay shows records sooner and makes smaller batches.
    pub fn max_batch_delay(mut self, delay: Duration) -> Self {
        self.max_batch_delay = delay;
        self
    }

    /// Sets how long the store may take for a batch. Defaults to 30 s, at most an hour. After
    /// that the attempt counts as failed and is repeated; too short a time
    /// makes a slow store slower still.
    pub fn append_timeout(mut self, timeout: Duration) -> Self {
        self.append_timeout = timeout;
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
        self.capture_budget = bytes;
        self
    }

    /// Starts the trail, with the writer on a thread of its own.
    ///
    /// # Errors
    /// If there is no store, if a limit makes no sense, or if the system gives no thread.
    ///
    /// # Cancel safety
    /// Does not wait for anything.
    #[allow(clippy::unused_async)] // later stores and journals have to be waited for here
    pub async fn start(self) -> Result<Auditor, Error> {
        let (auditor, writer) = self.build()?;
        host::spawn(writer)?;
        Ok(auditor)
    }

    /// Makes the handle and the writer without running the latter. Nothing
    /// is stored until [`Writer::run`] runs.
    ///
    /// # Errors
    /// If there is no store, or if a limit makes no sense.
    pub fn build(self) -> Result<(Auditor, Writer), Error> {
        let store = self.store.ok_or_else(|| {
            Error::configuration("an audit trail needs a store: call AuditorBuilder::store")
        })?;
        let positive = [
            ("max_queue_size", self.max_queue_size),
            ("max_batch_size", self.max_batch_size),
            ("max_batch_bytes", self.max_batch_bytes),
            ("capture_budget", self.capture_budget),
        ];
        for (parameter, value) in positive {
            if value == 0 {
                return Err(Error::invalid_input(
                    parameter,
                    format!("{parameter} must be at least 1"),
                ));
            }
        }
        let durations = [
            ("max_batch_delay", self.max_batch_delay, Duration::ZERO),
            (
                "append_timeout",
                self.append_timeout,
                Duration::from_millis(1),
            ),
        ];
        for (parameter, value, least) in durations {
            if value < least || value > MAX_DURATION {
                return Err(Error::invalid_input(
                    parameter,
                    format!("{parameter} must be from {least:?} to {MAX_DURATION:?}"),
                ));
            }
        }
        if self.max_queue_bytes < MIN_QUEUE_BYTES {
            return Err(Error::invalid_input(
                "max_queue_bytes",
                format!(
                    "max_queue_bytes must be at least {MIN_QUEUE_BYTES}, so that any event fits"
                ),
            ));
        }
        // Here, rather than in the first request.
        clock::start();
        let queue = Arc::new(Queue::new(
            self.max_queue_size,
            self.max_queue_bytes,
            limits::EVENT_BYTES,
        ));
        let counters = Arc::new(Counters::default());
        let (commands, receiver) = mpsc::unbounded_channel();
        let (finish, finished) = watch::channel(false);
        let client_ip_header = self.client_ip.header_name().clone();
        let enricher = Enricher::new(self.client_ip);
        let pipeline = Arc::new(Pipeline::new(self.sanitizer, enricher));
        let auditor = Auditor::new(Inner {
            queue: Arc::clone(&queue),
            pipeline: Arc::clone(&pipeline),
            counters: Arc::clone(&counters),
            commands,
            finished,
            reader: store.reader(),
            quarantine: store.quarantine(),
            client_ip_header,
            capture_budget: CaptureBudget::new(self.capture_budget),
            control: Control::new(self.policy),
        });
        let writer = Writer {
            queue,
            pipeline,
            delivery: Delivery {
                store,
                counters,
                append_timeout: self.append_timeout,
                log: Arc::default(),
            },
            limits: BatchLimits {
                max_size: self.max_batch_size,
                max_bytes: self.max_batch_bytes,
                max_delay: self.max_batch_delay,
            },
            commands: receiver,
            finished: finish,
        };
        Ok((auditor, writer))
    }
}

/// No wait of the writer is longer.
const MAX_DURATION: Duration = Duration::from_secs(3600);

/// Room for the largest event there can be, with what marks its cut and its length.
const MIN_QUEUE_BYTES: usize = 2 * limits::EVENT_BYTES;

impl std::fmt::Debug for AuditorBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditorBuilder").finish_non_exhaustive()
    }
}
