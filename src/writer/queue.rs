//! The bounded hand-off from request threads to the writer: bytes, not boxes.
//!
//! A producer locks one shard, copies one frame into its open block and
//! unlocks. The writer takes the blocks of a shard, reads them at leisure and
//! gives them back. Blocks never grow, so no producer ever waits for a buffer
//! to be moved, and the bound is exact.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::losses::{Loss, Losses};
use crate::event::Timestamp;

/// Frames in flight between many producers and one consumer.
#[derive(Debug)]
pub(crate) struct Queue {
    shards: Box<[Padded]>,
    max_shard_bytes: usize,
    max_shard_events: usize,
    closed: AtomicBool,
    idle: AtomicBool,
    wake: Notify,
}

/// Keeps shards of different threads on different cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded(Mutex<Shard>);

#[derive(Default)]
struct Shard {
    frames: Frames,
    offered: u64,
    accepted: u64,
    lost: [u64; Loss::ALL.len()],
    new_losses: Losses,
    closed: bool,
}

/// Frames one after another, each behind its length, in blocks.
#[derive(Default)]
pub(super) struct Frames {
    blocks: VecDeque<Vec<u8>>,
    /// Emptied blocks, for the next frames.
    spare: Vec<Vec<u8>>,
    /// Where in the first block the next frame starts.
    read: usize,
    count: usize,
    bytes: usize,
}

/// How full the queue is, and what it has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gauge {
    pub(super) offered: u64,
    pub(super) lost: [u64; Loss::ALL.len()],
    pub(super) queued: u64,
    pub(super) queued_bytes: u64,
}

/// The size of a block; a larger frame gets a block of its own.
const BLOCK_BYTES: usize = 64 * 1024;

/// A shard keeps at most this many emptied blocks once a burst is over.
const SPARE_BLOCKS: usize = 16;

const LENGTH_BYTES: usize = 4;

impl Queue {
    /// A queue of at most `max_events` frames and `max_bytes` bytes over all
    /// shards. Each shard holds at least one frame of `max_frame_bytes`.
    pub(super) fn new(max_events: usize, max_bytes: usize, max_frame_bytes: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let roomy = max_bytes / (max_frame_bytes + LENGTH_BYTES);
        let shards = cores.min(MAX_SHARDS).min(roomy).min(max_events).max(1);
        Self {
            shards: (0..shards).map(|_| Padded::default()).collect(),
            max_shard_bytes: max_bytes / shards,
            max_shard_events: max_events / shards,
            closed: AtomicBool::new(false),
            idle: AtomicBool::new(false),
            wake: Notify::new(),
        }
    }

    /// Adds a frame, or counts it as lost. Never waits for the consumer.
    pub(crate) fn push(&self, frame: &[u8]) {
        let own = thread_number() % self.shards.len();
        let rest = (own + 1..self.shards.len()).chain(0..own);
        for index in std::iter::once(own).chain(rest) {
            let mut shard = self.lock(index);
            if shard.closed {
                shard.lose(Loss::Closed);
                return;
            }
            if self.fits(&shard.frames, frame) {
                shard.frames.push(frame);
                shard.offered += 1;
                shard.accepted += 1;
                let half_full = shard.frames.bytes > self.max_shard_bytes / 2
                    || shard.frames.count > self.max_shard_events / 2;
                drop(shard);
                self.wake_if(half_full);
                return;
            }
        }
        self.lock(own).lose(Loss::QueueFull);
        self.wake_if(true);
    }

    fn fits(&self, frames: &Frames, frame: &[u8]) -> bool {
        frames.count < self.max_shard_events
            && frames.bytes + LENGTH_BYTES + frame.len() <= self.max_shard_bytes
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
    }

    /// Whether no shard accepts frames any more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
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
        while !emptied.blocks.is_empty() {
            emptied.recycle();
        }
        let mut shard = self.lock(index);
        if shard.frames.count == 0 {
            return emptied;
        }
        std::mem::replace(&mut shard.frames, emptied)
    }

    /// How many frames each shard has accepted so far.
    pub(super) fn accepted(&self) -> Vec<u64> {
        (0..self.shards.len())
            .map(|index| self.lock(index).accepted)
            .collect()
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

impl Frames {
    fn push(&mut self, frame: &[u8]) {
        let length = LENGTH_BYTES + frame.len();
        let has_room = |block: &Vec<u8>| block.capacity() - block.len() >= length;
        if !self.blocks.back().is_some_and(has_room) {
            let fresh = self.spare.pop().filter(has_room);
            let fresh = fresh.unwrap_or_else(|| Vec::with_capacity(length.max(BLOCK_BYTES)));
            self.blocks.push_back(fresh);
        }
        if let Some(block) = self.blocks.back_mut() {
            block.extend_from_slice(&(frame.len() as u32).to_le_bytes());
            block.extend_from_slice(frame);
            self.count += 1;
            self.bytes += length;
        }
    }

    /// The next frame that was not read yet.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        while self
            .blocks
            .front()
            .is_some_and(|block| self.read >= block.len())
        {
            self.recycle();
        }
        let (length, rest) = self.blocks.front()?.get(self.read..)?.split_first_chunk()?;
        let frame = rest.get(..u32::from_le_bytes(*length) as usize)?;
        let length = LENGTH_BYTES + frame.len();
        self.read += length;
        self.count -= 1;
        self.bytes -= length;
        Some(frame)
    }

    /// Puts the first block aside, which was read.
    fn recycle(&mut self) {
        self.read = 0;
        if let Some(mut block) = self.blocks.pop_front()
            && self.spare.len() < SPARE_BLOCKS
            && block.capacity() <= BLOCK_BYTES
        {
            block.clear();
            self.spare.push(block);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
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

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queue: &Queue) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for index in 0..queue.shard_count() {
            let mut frames = queue.take(index, Frames::default());
            while let Some(frame) = frames.next() {
                all.push(frame.to_vec());
            }
        }
        all
    }

    #[test]
    fn frames_come_out_as_they_went_in() {
        let queue = Queue::new(100, 100_000, 1_000);
        for frame in [&b""[..], b"a", &[0xff; 300]] {
            queue.push(frame);
        }
        assert_eq!(drain(&queue), [&b""[..], b"a", &[0xff; 300]]);
        assert!(drain(&queue).is_empty());
    }

    #[test]
    fn one_thread_can_fill_all_shards_and_the_bound_holds_to_the_event() {
        let queue = Queue::new(64, 1_000_000, 100);
        for _ in 0..100 {
            queue.push(b"frame");
        }
        let bound = queue.max_shard_events * queue.shard_count();
        assert_eq!(drain(&queue).len(), bound);
        let gauge = queue.gauge();
        assert_eq!(gauge.lost[Loss::QueueFull as usize], 100 - bound as u64);
        assert_eq!(gauge.offered, 100);
        assert!(!queue.take_losses().is_empty() && queue.take_losses().is_empty());
    }

    #[test]
    fn blocks_are_used_again_and_large_frames_get_their_own() {
        let queue = Queue::new(1_000_000, 64 << 20, 1 << 20);
        let mut frames = Frames::default();
        for round in 0..5_u8 {
            let large = vec![round; 3 * BLOCK_BYTES];
            let small = vec![round; BLOCK_BYTES / 3];
            for frame in [&small, &small, &small, &large, &small] {
                queue.push(frame);
            }
            let mut seen = Vec::new();
            for index in 0..queue.shard_count() {
                frames = queue.take(index, frames);
                while let Some(frame) = frames.next() {
                    assert!(frame.iter().all(|byte| *byte == round));
                    seen.push(frame.len());
                }
                assert!(frames.is_empty());
            }
            assert_eq!(seen, [&small, &small, &small, &large, &small].map(Vec::len));
            assert!(frames.spare.len() <= SPARE_BLOCKS);
        }
        assert_eq!(queue.gauge().queued_bytes, 0);
    }

    #[test]
    fn the_bound_holds_to_the_byte() {
        let queue = Queue::new(1_000, 1_000, 500);
        for _ in 0..50 {
            queue.push(&[0; 96]);
        }
        assert!(queue.gauge().queued_bytes <= 1_000);
        assert_eq!(drain(&queue).len(), 10);
    }

    #[test]
    fn a_closed_queue_keeps_what_it_has_and_counts_what_it_refuses() {
        let queue = Queue::new(10, 10_000, 100);
        queue.push(b"in time");
        queue.close();
        queue.push(b"too late");
        assert_eq!(drain(&queue), [b"in time"]);
        assert_eq!(queue.gauge().lost[Loss::Closed as usize], 1);
        assert_eq!(queue.gauge().offered, 2);
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let queue = Queue::new(1_000_000, 64 << 20, 100);
        let seen = std::thread::scope(|scope| {
            for thread in 0..4_u32 {
                let queue = &queue;
                scope.spawn(move || {
                    for number in 0..10_000_u32 {
                        queue.push(&(thread << 16 | number).to_le_bytes());
                    }
                });
            }
            let mut seen = Vec::new();
            while seen.len() < 40_000 {
                seen.extend(drain(&queue));
                std::thread::yield_now();
            }
            seen
        });
        let distinct: std::collections::HashSet<_> = seen.into_iter().collect();
        assert_eq!(distinct.len(), 40_000);
    }
}
