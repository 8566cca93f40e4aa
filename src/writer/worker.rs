//! The writer's loop: the one place where queue, batches and store meet.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::batch::{BatchBuilder, BatchLimits};
use super::deliver::Delivery;
use super::flush::Flushes;
use super::losses::{Loss, Losses};
use super::pipeline::Pipeline;
use super::queue::{Frames, Queue};
use crate::event::{Event, Timestamp};

/// What a handle asks of the writer.
pub(super) enum Command {
    /// Answer once everything that is queued now is stored.
    Flush(oneshot::Sender<()>),
    /// Give up whatever is not stored yet.
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
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) finished: watch::Sender<bool>,
}

/// How often a busy writer looks into the queue.
const TICK: Duration = Duration::from_millis(10);
/// How often the store gets to prepare for what will come.
const MAINTAIN_EVERY: Duration = Duration::from_secs(3600);
/// Frames that are read in one go; then others on the thread get their turn.
const SLICE: usize = 16;
/// The time for that, should frames be large ones.
const SLICE_TIME: Duration = Duration::from_millis(5);

type InFlight = Pin<Box<dyn Future<Output = Losses> + Send>>;

impl Writer {
    /// Runs until every handle is dropped or [`Auditor::shutdown`](crate::Auditor::shutdown)
    /// is called, and everything offered until then is stored or given up.
    ///
    /// # Panics
    /// Outside of a tokio runtime with a timer.
    ///
    /// # Cancel safety
    /// Not cancel safe: what was not stored yet is lost with the future.
    pub async fn run(self) {
        let finished = self.finished.clone();
        Loop::new(self).run().await;
        finished.send_replace(true);
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
    batch: BatchBuilder,
    in_flight: Option<(InFlight, u64)>,
    /// The number of the batch that is being gathered.
    batch_number: u64,
    flushes: Flushes,
    losses: Losses,
    handles_gone: bool,
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
            in_flight: None,
            batch_number: 0,
            flushes: Flushes::default(),
            losses: Losses::default(),
            handles_gone: false,
            aborted: false,
            writer,
        }
    }

    async fn run(&mut self) {
        let mut maintain_at = Instant::now();
        loop {
            if maintain_at <= Instant::now() {
                self.maintain();
                maintain_at = Instant::now() + MAINTAIN_EVERY;
            }
            // Before reading: what comes after the closing was never accepted,
            // so once the queue is closed, one look that finds nothing is the last.
            let closed = self.writer.queue.is_closed();
            let more = self.read_slice();
            self.dispatch(closed, more);
            if self.aborted || (closed && self.is_done()) {
                break;
            }
            self.wait(more, maintain_at).await;
        }
        self.give_up_the_rest();
        self.answer_the_rest();
    }

    /// Waits for whatever there is to do next. `more` says that there are frames to be read at once.
    async fn wait(&mut self, more: bool, maintain_at: Instant) {
        let idle = self.batch.is_empty() && self.in_flight.is_none();
        let may_read = !self.batch.is_full();
        let now = Instant::now();
        let next = match self.batch.deadline() {
            Some(deadline) if self.in_flight.is_none() => deadline.min(now + TICK),
            _ => now + TICK,
        };
        tokio::select! {
            biased;
            command = self.writer.commands.recv(), if !self.handles_gone => self.obey(command),
            losses = settle(&mut self.in_flight) => self.settled(losses),
            () = tokio::task::yield_now(), if more => {}
            // Frames wait in the queue while a full batch waits for the store.
            () = woken(&self.writer.queue, idle), if may_read && !more => {}
            () = sleep_until(next), if !idle && may_read && !more => {}
            () = sleep_until(maintain_at), if idle => {}
        }
    }

    /// Reads some frames into the batch; says whether there are more that fit.
    fn read_slice(&mut self) -> bool {
        self.note_losses();
        let slice_end = Instant::now() + SLICE_TIME;
        for _ in 0..SLICE {
            if self.batch.is_full() {
                return false;
            }
            if Instant::now() > slice_end {
                break;
            }
            if self.reading.is_empty() && !self.take_next_shard() {
                self.flushes.read(&self.read, self.batch_number);
                return false;
            }
            self.read_frame();
        }
        self.flushes.read(&self.read, self.batch_number);
        true
    }

    /// Takes the frames of the next shard that has any.
    fn take_next_shard(&mut self) -> bool {
        let shards = self.read.len();
        for _ in 0..shards {
            self.shard = (self.shard + 1) % shards;
            self.reading = self
                .writer
                .queue
                .take(self.shard, std::mem::take(&mut self.reading));
            if !self.reading.is_empty() {
                return true;
            }
        }
        false
    }

    fn read_frame(&mut self) {
        let Some(frame) = self.reading.next() else {
            return;
        };
        self.read[self.shard] += 1;
        let pipeline = &self.writer.pipeline;
        // A bug in a rule costs this one event, never the writer.
        let record = catch_unwind(AssertUnwindSafe(|| pipeline.record(frame)));
        match record {
            Ok(record) => self.batch.push(record, frame.len(), Instant::now()),
            Err(_) => {
                self.writer.delivery.counters.dropped(Loss::Unreadable, 1);
                self.losses.add(Loss::Unreadable, 1, Timestamp::now());
            }
        }
    }

    /// Writes down what was lost, once the store takes records again.
    fn note_losses(&mut self) {
        if self.in_flight.is_some() || self.batch.is_full() {
            return;
        }
        self.losses.merge(self.writer.queue.take_losses());
        if self.losses.is_empty() {
            return;
        }
        if self.writer.delivery.log.is_due() {
            tracing::error!("audit events were lost; a gap event in the trail tells how many");
        }
        for event in std::mem::take(&mut self.losses).gap_events() {
            self.push_own(event);
        }
    }

    fn push_own(&mut self, event: Event) {
        self.writer.delivery.counters.own_event();
        let record = self.writer.pipeline.own_record(event);
        self.batch.push(record, 0, Instant::now());
    }

    /// Sends the batch off if it is due and none is under way.
    fn dispatch(&mut self, closed: bool, more: bool) {
        if self.in_flight.is_some() {
            return;
        }
        if self.batch.is_empty() {
            self.flushes.settled(self.batch_number + 1);
            return;
        }
        let urgent = !more && (closed || self.flushes.is_urgent());
        if urgent || self.batch.is_due(Instant::now()) {
            let delivery = self.writer.delivery.clone().deliver(self.batch.take());
            self.in_flight = Some((Box::pin(delivery), self.batch_number));
            self.batch_number += 1;
        }
    }

    fn settled(&mut self, losses: Losses) {
        if let Some((_, number)) = self.in_flight.take() {
            self.flushes.settled(number + 1);
        }
        self.losses.merge(losses);
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
        self.in_flight.is_none()
            && self.batch.is_empty()
            && self.reading.is_empty()
            && self.losses.is_empty()
    }

    /// Answers who has asked for a flush in the meantime: nothing is pending any more.
    fn answer_the_rest(&mut self) {
        if self.aborted {
            // They are told by their channel's end that not everything was stored.
            return;
        }
        self.writer.commands.close();
        while let Ok(command) = self.writer.commands.try_recv() {
            if let Command::Flush(caller) = command {
                // A caller that does not wait any more misses nothing.
                let _ = caller.send(());
            }
        }
    }

    /// Counts what is still pending as lost.
    fn give_up_the_rest(&mut self) {
        self.in_flight = None;
        for shard in 0..self.read.len() {
            self.writer.queue.take(shard, Frames::default());
        }
        let counters = &self.writer.delivery.counters;
        let pending = counters.snapshot(&self.writer.queue).pending;
        if pending > 0 {
            counters.dropped(Loss::ShutdownTimeout, pending);
            tracing::error!(
                pending,
                "audit events were lost at the end of the shutdown's time"
            );
        }
    }

    fn maintain(&self) {
        let store = Arc::clone(&self.writer.delivery.store);
        tokio::spawn(async move {
            if let Err(error) = store.maintain().await {
                tracing::warn!(code = error.code(), %error, "upkeep of the audit store failed");
            }
        });
    }
}

/// Waits for the batch under way, if there is one.
async fn settle(in_flight: &mut Option<(InFlight, u64)>) -> Losses {
    match in_flight {
        Some((delivery, _)) => delivery.await,
        None => std::future::pending().await,
    }
}

/// Waits until a producer asks for the writer. One that was idle lets the
/// first frames gather for a moment, since others will follow.
async fn woken(queue: &Queue, idle: bool) {
    queue.woken(idle).await;
    if idle {
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = queue.woken(false) => {}
        }
    }
}
