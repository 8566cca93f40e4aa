//! The writer's loop: the one place where queue, batches, disk and store meet.

mod dispatch;
mod end;
mod intake;
mod staged;
mod syncing;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use self::dispatch::InFlight;
use self::syncing::Syncing;
use super::batch::{BatchBuilder, BatchLimits};
use super::deliver::Delivery;
use super::flush::Flushes;
use super::log_limit::LogLimit;
use super::losses::Losses;
use super::metrics::Metrics;
use super::pipeline::Pipeline;
use super::progress::Progress;
use super::queue::{Frames, Queue};
use super::sinks::Sinks;
use super::spool::{Owed, Spool};
use crate::Record;
use crate::journal::Adopted;

/// What a handle asks of the writer.
pub(super) enum Command {
    /// Answer once everything that is queued now is settled.
    Flush(oneshot::Sender<()>),
    /// Leave whatever is not stored yet to the journal, or give it up.
    Abort,
}

/// The background half of an [`Auditor`](crate::Auditor): the loop that stores what is offered.
///
/// [`AuditorBuilder::start`](crate::AuditorBuilder::start) runs it on a
/// thread of its own. Who takes it from
/// [`AuditorBuilder::build`](crate::AuditorBuilder::build) runs it where they like,
/// for example in a test with paused time.
pub struct Writer {
    pub(super) queue: Arc<Queue>,
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) delivery: Delivery,
    pub(super) limits: BatchLimits,
    pub(super) spool: Spool,
    /// Tells requests that wait for it what is durable, where that is asked for.
    pub(super) progress: Option<Progress>,
    pub(super) sinks: Sinks,
    pub(super) metrics: Metrics,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) finished: watch::Sender<bool>,
}

/// How often a busy writer looks into the queue.
const TICK: Duration = Duration::from_millis(10);
/// How often the store gets to prepare for what will come.
const MAINTAIN_EVERY: Duration = Duration::from_secs(3600);
/// How often the journal is searched for what processes have left that are gone.
const ADOPT_EVERY: Duration = Duration::from_secs(60);

impl Writer {
    /// Runs until every handle is dropped or [`Auditor::shutdown`](crate::Auditor::shutdown)
    /// is called, and everything offered until then is settled, left to the journal or given up.
    ///
    /// # Panics
    /// Outside of a tokio runtime with a timer.
    ///
    /// # Cancel safety
    /// Not cancel safe: what was neither stored nor written to the journal is lost with the future.
    pub async fn run(self) {
        let finished = self.finished.clone();
        // However it ends, nobody shall wait for it, and what comes later counts as lost.
        let _closes = Closes(Arc::clone(&self.queue));
        // With the loop the sinks' buffers are closed and the last metrics told, before anybody hears of the end.
        Loop::new(self).run().await;
        finished.send_replace(true);
    }
}

/// Closes the queue when it goes.
struct Closes(Arc<Queue>);

impl Drop for Closes {
    fn drop(&mut self) {
        if !self.0.is_closed() {
            tracing::error!("the audit writer has ended before its time");
            self.0.close();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// A running writer.
struct Loop {
    writer: Writer,
    /// The frames of a shard that are being read, and the shard's number.
    reading: Frames,
    shard: usize,
    /// How many frames of each shard were read.
    read: Vec<u64>,
    /// How many records were taken in, and how many of them are settled.
    taken: u64,
    settled: u64,
    /// Records that neither memory nor disk has room for; nothing more is read before they have found some.
    held: Vec<Record>,
    batch: BatchBuilder,
    in_flight: Option<InFlight>,
    syncing: Option<Syncing>,
    /// Early words on disk of events that are still to come, by the random
    /// bits of their ids, which stay when an event gets another time.
    staged: HashMap<u64, Owed>,
    /// Early words that others have replaced, until those are durable.
    replaced: Owed,
    /// What has replaced them may be what the last sync has lost: only the next one tells.
    sync_failed: bool,
    /// Earlier processes whose end is to be told.
    unclean: Vec<Adopted>,
    flushes: Flushes,
    losses: Losses,
    losses_told_at: Option<Instant>,
    /// Apart from that of the store, whose failures would leave no line for what they cost.
    loss_log: LogLimit,
    handles_gone: bool,
    closed: bool,
    aborted: bool,
}

impl Loop {
    fn new(writer: Writer) -> Self {
        let shards = writer.queue.shard_count();
        Self {
            batch: BatchBuilder::new(writer.limits),
            read: vec![0; shards],
            reading: Frames::default(),
            shard: 0,
            taken: 0,
            settled: 0,
            held: Vec::new(),
            in_flight: None,
            syncing: None,
            staged: HashMap::new(),
            replaced: Owed::default(),
            sync_failed: false,
            unclean: Vec::new(),
            flushes: Flushes::default(),
            losses: Losses::default(),
            losses_told_at: None,
            loss_log: LogLimit::default(),
            handles_gone: false,
            closed: false,
            aborted: false,
            writer,
        }
    }

    async fn run(&mut self) {
        let mut maintain_at = Instant::now();
        let mut adopt_at = Instant::now();
        loop {
            self.keep_home();
            if adopt_at <= Instant::now() {
                self.adopt();
                adopt_at = Instant::now() + ADOPT_EVERY;
            }
            if maintain_at <= Instant::now() {
                self.maintain();
                maintain_at = Instant::now() + MAINTAIN_EVERY;
            }
            // Before reading: what comes after the closing was never accepted,
            // so once the queue is closed, one look that finds nothing is the last.
            self.closed = self.writer.queue.is_closed();
            let more = self.read_slice();
            self.dispatch(more);
            self.sync();
            if self.aborted || (self.closed && !more && self.is_done()) {
                break;
            }
            let at_the_latest = if self.writer.spool.is_there() {
                maintain_at.min(adopt_at)
            } else {
                maintain_at
            };
            self.wait(more, at_the_latest).await;
        }
        self.end().await;
    }

    /// Waits for whatever there is to do next. `more` says that there are frames to be read at once.
    async fn wait(&mut self, more: bool, at_the_latest: Instant) {
        let idle = self.is_idle();
        if idle {
            self.writer.spool.tidy();
        }
        self.writer.spool.measure();
        self.writer.metrics.tell(idle);
        let at_the_latest = self
            .writer
            .metrics
            .tell_at(idle)
            .map_or(at_the_latest, |time| time.min(at_the_latest));
        let next = self.next_look(idle).min(at_the_latest);
        // Frames wait in the queue while nothing has room for them; one that
        // gets half full asks for the disk.
        let listens = !more && (self.room().is_some() || self.writer.spool.is_open());
        tokio::select! {
            biased;
            command = self.writer.commands.recv(), if !self.handles_gone => self.obey(command),
            losses = dispatch::settle(&mut self.in_flight) => self.settle(losses),
            synced = syncing::synced(&mut self.syncing) => self.synced(synced),
            () = tokio::task::yield_now(), if more => {}
            () = woken(&self.writer.queue, idle), if listens => {}
            () = sleep_until(next), if !more => {}
        }
    }

    /// Whether there is nothing to do before a producer or a handle asks for something.
    fn is_idle(&self) -> bool {
        self.batch.is_empty()
            && self.in_flight.is_none()
            && self.held.is_empty()
            && !self.writer.spool.is_behind()
    }

    /// When to look again at the latest, if nobody asks before.
    fn next_look(&mut self, idle: bool) -> Instant {
        let now = Instant::now();
        let far = now + MAINTAIN_EVERY;
        let mut next = self.writer.spool.sync_at().unwrap_or(far);
        if !idle && self.room().is_some() {
            next = next.min(now + TICK);
            if self.in_flight.is_none() {
                next = next.min(self.batch.deadline().unwrap_or(far));
            }
        }
        // Once that time is over, only what is held asks for another attempt.
        let is_of_use = |time: &Instant| !idle && (*time > now || !self.held.is_empty());
        if let Some(retry_at) = self.writer.spool.retry_at().filter(is_of_use) {
            next = next.min(retry_at.max(now));
        }
        next
    }

    fn obey(&mut self, command: Option<Command>) {
        match command {
            Some(Command::Flush(caller)) => {
                self.flushes.add(self.writer.queue.accepted(), caller);
            }
            Some(Command::Abort) => self.aborted = true,
            // Every handle is gone: what is queued is all there will be.
            None => {
                self.handles_gone = true;
                self.writer.queue.close();
            }
        }
    }

    /// Whether everything that was read is settled and told.
    fn is_done(&self) -> bool {
        self.is_idle() && self.reading.is_empty() && self.losses.is_empty()
    }

    fn maintain(&self) {
        let store = Arc::clone(&self.writer.delivery.store);
        tokio::spawn(async move {
            if let Err(error) = store.maintain().await {
                tracing::warn!(code = error.code(), %error, "upkeep of the audit store failed");
            }
        });
    }

    /// Takes over what processes have left on disk that are gone.
    fn adopt(&mut self) {
        let is_telling = self.in_flight.as_ref().is_some_and(InFlight::is_telling);
        if is_telling || !self.unclean.is_empty() {
            return;
        }
        self.unclean = self.writer.spool.adopt();
        if self.unclean.is_empty() {
            self.writer.spool.recovery_noted();
        }
    }

    /// Looks whether somebody has removed the journal's directory: what was only
    /// there is lost then, and what is in memory too is written to the new one.
    fn keep_home(&mut self) {
        let Some(records) = self.writer.spool.keep_home() else {
            return;
        };
        self.tell_failure();
        self.lose_from_disk(records);
        self.disown();
        if self.writer.spool.writes_ahead() {
            self.write_again();
        }
    }

    /// Forgets that anything in memory is on disk, too.
    fn disown(&mut self) {
        let owed = self.batch.take_owed();
        self.writer.spool.settle(&owed);
        if let Some(in_flight) = &mut self.in_flight {
            let owed = std::mem::take(&mut in_flight.owed);
            self.writer.spool.settle(&owed);
        }
    }
}

/// Waits until a producer asks for the writer. One that was idle lets the
/// first frames gather for a moment, since others will follow.
async fn woken(queue: &Queue, idle: bool) {
    queue.woken(idle).await;
    if idle && !queue.take_urgent() {
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = queue.woken(false) => {}
        }
    }
}
