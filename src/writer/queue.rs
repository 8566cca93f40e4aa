//! The bounded hand-off from request threads to the writer: bytes, not boxes.
//!
//! A producer locks one shard, copies one frame into its open block and
//! unlocks. The writer takes the blocks of a shard, reads them at leisure and
//! gives them back. Blocks never grow, so no producer ever waits for a buffer
//! to be moved, and the bound is exact.

mod frames;
mod room;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

pub(super) use frames::Frames;
pub(crate) use room::Room;

use self::frames::LENGTH_BYTES;
use self::room::ROOM_BYTES;
use super::losses::{Loss, Losses};
use crate::event::{Timestamp, lean};

/// Frames in flight between many producers and one consumer.
#[derive(Debug)]
pub(crate) struct Queue {
    shards: Box<[Padded]>,
    max_shard_bytes: usize,
    max_shard_events: usize,
    /// From so many bytes on, a shard takes frames without their bodies only.
    high_water: usize,
    closed: AtomicBool,
    idle: AtomicBool,
    /// A producer waits for the consumer, so it shall not wait for more.
    urgent: AtomicBool,
    /// Wakes the consumer.
    wake: Notify,
    /// Wakes whoever waits for room.
    freed: Notify,
}

/// Keeps shards of different threads on different cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded(Mutex<Shard>);

#[derive(Default)]
struct Shard {
    frames: Frames,
    /// How many frames have room set apart for them.
    rooms: usize,
    offered: u64,
    accepted: u64,
    lost: [u64; Loss::ALL.len()],
    new_losses: Losses,
    closed: bool,
}

/// How full the queue is, and what it has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gauge {
    pub(super) offered: u64,
    pub(super) lost: [u64; Loss::ALL.len()],
    pub(super) queued: u64,
    pub(super) queued_bytes: u64,
}

impl Queue {
    /// A queue of at most `max_events` frames and `max_bytes` bytes over all
    /// shards. Each shard holds at least one frame of `max_frame_bytes`.
    pub(super) fn new(max_events: usize, max_bytes: usize, max_frame_bytes: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let roomy = max_bytes / (max_frame_bytes + LENGTH_BYTES);
        // Two frames at least in a shard: a strict request adds a provisional one before its own.
        let shards = cores.min(MAX_SHARDS).min(roomy).min(max_events / 2).max(1);
        Self {
            shards: (0..shards).map(|_| Padded::default()).collect(),
            max_shard_bytes: max_bytes / shards,
            max_shard_events: max_events / shards,
            high_water: max_bytes / shards / 4 * 3,
            closed: AtomicBool::new(false),
            idle: AtomicBool::new(false),
            urgent: AtomicBool::new(false),
            wake: Notify::new(),
            freed: Notify::new(),
        }
    }

    /// Adds a frame, or counts it as lost for this reason. Never waits for the consumer.
    pub(crate) fn push(&self, frame: &[u8], loss: Loss) {
        if self.place(frame, self.high_water) {
            return;
        }
        // Once more without bodies, up to the hard limit.
        let lean = lean::without_bodies(frame);
        if !self.place(&lean, usize::MAX) {
            let own = self.shards_from_own().next().unwrap_or_default();
            self.lock(own).lose(loss);
            self.wake_if(true);
        }
    }

    /// Asks for the consumer on behalf of a producer that waits for it.
    fn wake_urgently(&self) {
        self.urgent.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// Whether a producer waits for the consumer, since the last call.
    pub(super) fn take_urgent(&self) -> bool {
        self.urgent.swap(false, Ordering::Relaxed)
    }

    /// Puts a frame into a shard that holds less than so many bytes and has
    /// room. Says whether the frame is settled, which it also is if the queue was closed.
    fn place(&self, frame: &[u8], high_water: usize) -> bool {
        for index in self.shards_from_own() {
            let shard = self.lock(index);
            let is_low = shard.frames.bytes < high_water;
            if shard.closed || (is_low && self.fits(&shard, frame.len())) {
                self.put(shard, frame);
                return true;
            }
        }
        false
    }

    /// Puts a frame into a shard that has room for it.
    fn put(&self, mut shard: MutexGuard<'_, Shard>, frame: &[u8]) {
        if shard.closed {
            shard.lose(Loss::Closed);
            return;
        }
        shard.frames.push(frame);
        shard.offered += 1;
        shard.accepted += 1;
        let half_full = self.is_over_half(&shard);
        drop(shard);
        self.wake_if(half_full);
    }

    /// Whether a frame of so many bytes finds room beside what is set apart.
    fn fits(&self, shard: &Shard, length: usize) -> bool {
        let bytes = shard.frames.bytes + shard.rooms * ROOM_BYTES;
        shard.frames.count + shard.rooms < self.max_shard_events
            && bytes + LENGTH_BYTES + length <= self.max_shard_bytes
    }

    /// Every shard, this thread's own one first.
    fn shards_from_own(&self) -> impl Iterator<Item = usize> + use<> {
        let count = self.shards.len();
        let own = thread_number() % count;
        (own..count).chain(0..own)
    }

    // The consumer sets `idle` and then locks every shard to look for frames.
    // A producer that came too late for that look took its lock afterwards,
    // so it sees the flag; no wake-up is lost although the load is relaxed.
    fn wake_if(&self, half_full: bool) {
        if half_full
            || (self.idle.load(Ordering::Relaxed) && self.idle.swap(false, Ordering::Relaxed))
        {
            self.wake.notify_one();
        }
    }

    /// Refuses frames from now on. What is queued stays.
    pub(super) fn close(&self) {
        for index in 0..self.shards.len() {
            self.lock(index).closed = true;
        }
        self.closed.store(true, Ordering::Release);
        self.wake.notify_one();
        self.freed.notify_waiters();
    }

    /// Whether no shard accepts frames any more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Whether a shard is half full, beside what is set apart in it.
    pub(super) fn is_half_full(&self) -> bool {
        (0..self.shards.len()).any(|index| self.is_over_half(&self.lock(index)))
    }

    fn is_over_half(&self, shard: &Shard) -> bool {
        let bytes = self.max_shard_bytes - shard.rooms * ROOM_BYTES;
        let events = self.max_shard_events - shard.rooms;
        shard.frames.bytes > bytes / 2 || shard.frames.count > events / 2
    }

    /// Waits until a producer asks for the consumer; if `idle`, until there is any frame at all.
    pub(super) async fn woken(&self, idle: bool) {
        if idle {
            self.idle.store(true, Ordering::Relaxed);
            if (0..self.shards.len()).any(|index| self.lock(index).has_news()) {
                self.idle.store(false, Ordering::Relaxed);
                return;
            }
        }
        self.wake.notified().await;
    }

    pub(super) fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// Takes the frames of a shard, and leaves it the blocks of those that were read before.
    pub(super) fn take(&self, index: usize, mut emptied: Frames) -> Frames {
        emptied.clear();
        let mut shard = self.lock(index);
        if shard.frames.count == 0 {
            return emptied;
        }
        let taken = std::mem::replace(&mut shard.frames, emptied);
        drop(shard);
        self.freed.notify_waiters();
        taken
    }

    /// How many frames each shard has accepted so far.
    pub(super) fn accepted(&self) -> Vec<u64> {
        (0..self.shards.len())
            .map(|index| self.lock(index).accepted)
            .collect()
    }

    /// Whether there are losses that nobody has taken note of.
    pub(super) fn has_losses(&self) -> bool {
        (0..self.shards.len()).any(|index| !self.lock(index).new_losses.is_empty())
    }

    /// The losses since the last call.
    pub(super) fn take_losses(&self) -> Losses {
        let mut all = Losses::default();
        for index in 0..self.shards.len() {
            all.merge(std::mem::take(&mut self.lock(index).new_losses));
        }
        all
    }

    pub(super) fn gauge(&self) -> Gauge {
        let mut gauge = Gauge::default();
        for index in 0..self.shards.len() {
            let shard = self.lock(index);
            gauge.offered += shard.offered;
            for (sum, lost) in gauge.lost.iter_mut().zip(shard.lost) {
                *sum += lost;
            }
            gauge.queued += shard.frames.count as u64;
            gauge.queued_bytes += shard.frames.bytes as u64;
        }
        gauge
    }

    fn lock(&self, index: usize) -> MutexGuard<'_, Shard> {
        // Nothing under the lock panics half-way, save for running out of memory.
        self.shards[index]
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

const MAX_SHARDS: usize = 16;

impl Shard {
    fn lose(&mut self, loss: Loss) {
        self.offered += 1;
        self.lost[loss as usize] += 1;
        // After the end nobody is left to write a gap event.
        if loss != Loss::Closed {
            self.new_losses.add(loss, 1, Timestamp::now());
        }
    }

    fn has_news(&self) -> bool {
        self.frames.count > 0 || !self.new_losses.is_empty() || self.closed
    }
}

impl std::fmt::Debug for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shard")
            .field("events", &self.frames.count)
            .finish_non_exhaustive()
    }
}

/// A small number for each thread, so that threads spread over the shards.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    // During a thread's teardown its locals may be gone: any shard will do.
    NUMBER.try_with(|number| *number).unwrap_or(0)
}
