use super::frames::{BLOCK_BYTES, SPARE_BLOCKS};
use super::*;
use crate::event::{Capture, Frame, Tag};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

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
        queue.push(frame, Loss::QueueFull);
    }
    assert_eq!(drain(&queue), [&b""[..], b"a", &[0xff; 300]]);
    assert!(drain(&queue).is_empty());
}

#[test]
fn one_thread_can_fill_all_shards_and_the_bound_holds_to_the_event() {
    let queue = Queue::new(64, 1_000_000, 100);
    for _ in 0..100 {
        queue.push(b"frame", Loss::QueueFull);
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
            queue.push(frame, Loss::QueueFull);
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
        queue.push(&[0; 96], Loss::QueueFull);
    }
    assert!(queue.gauge().queued_bytes <= 1_000);
    assert_eq!(drain(&queue).len(), 10);
}

#[test]
fn a_closed_queue_keeps_what_it_has_and_counts_what_it_refuses() {
    let queue = Queue::new(10, 10_000, 100);
    queue.push(b"in time", Loss::QueueFull);
    queue.close();
    queue.push(b"too late", Loss::QueueFull);
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
                    queue.push(&(thread << 16 | number).to_le_bytes(), Loss::QueueFull);
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

#[test]
fn room_that_is_set_apart_is_nobody_else_s() {
    let queue = Arc::new(Queue::new(64, 10_000_000, 100));
    let bound = queue.max_shard_events * queue.shard_count();
    let rooms: Vec<_> = std::iter::from_fn(|| queue.reserve()).collect();
    assert_eq!(rooms.len(), bound);
    queue.push(b"too many", Loss::QueueFull);
    for room in rooms {
        room.push(b"in time");
    }
    assert!(queue.reserve().is_none());
    let frames = drain(&queue);
    assert!(frames.len() == bound && frames.iter().all(|frame| frame == b"in time"));
    let gauge = queue.gauge();
    assert_eq!(gauge.lost[Loss::QueueFull as usize], 1);
    assert_eq!(gauge.offered, 1 + bound as u64);
    assert!(queue.reserve().is_some());
}

#[test]
fn room_keeps_to_the_bytes_and_its_frame_finds_place_however_large_it_is() {
    let queue = Arc::new(Queue::new(1_000, 100_000, 50_000));
    let rooms: Vec<_> = std::iter::from_fn(|| queue.reserve()).collect();
    assert_eq!(
        rooms.len(),
        queue.max_shard_bytes / ROOM_BYTES * queue.shard_count()
    );
    let mut frame = Frame::default();
    frame.name(Tag::Method, "PUT");
    frame.bytes(Tag::RequestBody, &[b'x'; 40_000]);
    frame.bytes(Tag::Error, &[b'x'; 40_000]);
    let room_count = rooms.len();
    for room in rooms {
        room.push(frame.as_bytes());
        assert!(queue.gauge().queued_bytes <= 100_000);
    }
    let frames = drain(&queue);
    assert_eq!(frames.len(), room_count);
    assert!(frames.iter().any(|frame| frame.len() <= lean::CORE_BYTES));
    for frame in frames {
        let first = Capture::new(&frame).fields().next();
        assert_eq!(first, Some((Tag::Method, &b"PUT"[..])));
    }
}

#[test]
fn a_fuller_queue_leaves_bodies_out() {
    let queue = Queue::new(1_000_000, 1_000_000, 1_000_000);
    let mut frame = Frame::default();
    frame.bytes(Tag::RequestBody, &[b'x'; 1_000]);
    for _ in 0..2_000 {
        queue.push(frame.as_bytes(), Loss::QueueFull);
    }
    let frames = drain(&queue);
    let (whole, lean): (Vec<_>, Vec<_>) = frames.iter().partition(|frame| frame.len() > 1_000);
    assert_eq!(
        (whole.len() + lean.len(), queue.gauge().lost[0]),
        (2_000, 0)
    );
    let bytes: usize = whole.iter().map(|frame| LENGTH_BYTES + frame.len()).sum();
    assert!((750_000..760_000).contains(&bytes), "{bytes}");
}

#[test]
fn room_that_is_set_apart_makes_a_shard_half_full_sooner() {
    for (events, bytes) in [(8, 1 << 20), (1_000, 8 * ROOM_BYTES)] {
        let queue = Arc::new(Queue::new(events, bytes, bytes));
        assert_eq!(queue.shard_count(), 1);
        let rooms: Vec<_> = (0..6).map_while(|_| queue.reserve()).collect();
        assert!(rooms.len() == 6 && !queue.is_half_full());
        for _ in 0..2 {
            queue.push(&[0; lean::CORE_BYTES], Loss::QueueFull);
        }
        assert!(queue.reserve().is_none() && queue.is_half_full());
        drop(rooms);
        assert!(!queue.is_half_full());
    }
}

#[test]
fn room_that_is_dropped_is_given_back_and_a_closed_queue_has_none() {
    let queue = Arc::new(Queue::new(1, 1_000_000, 100));
    let room = queue.reserve();
    assert!(room.is_some() && queue.reserve().is_none());
    drop(room);
    let room = queue.reserve().unwrap();
    queue.close();
    room.push(b"late");
    assert!(queue.reserve().is_none());
    assert_eq!(queue.gauge().lost[Loss::Closed as usize], 1);
    assert_eq!(drain(&queue).len(), 0);
}

/// Somebody who waits for room, and how often they were woken.
struct Waiting {
    room: Pin<Box<dyn Future<Output = Option<Room>>>>,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Waiting {
    fn on(queue: &Arc<Queue>) -> Self {
        let mut waiting = Self {
            room: Box::pin(Arc::clone(queue).reserve_later()),
            woken: Arc::default(),
        };
        assert!(waiting.poll().is_pending());
        waiting
    }

    fn poll(&mut self) -> Poll<Option<Room>> {
        let waker = Waker::from(Arc::clone(&self.woken));
        self.room.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn woken(&self) -> usize {
        self.woken.0.load(Ordering::Relaxed)
    }
}

#[test]
fn room_that_is_given_back_wakes_one_and_all_get_theirs_in_turn() {
    let queue = Arc::new(Queue::new(1, 1_000_000, 100));
    let room = queue.reserve();
    let mut waiting = [(); 4].map(|()| Waiting::on(&queue));
    drop(room);
    assert_eq!(waiting.each_ref().map(Waiting::woken), [1, 0, 0, 0]);
    // Whoever leaves hands it on.
    let [first, second, third, fourth] = &mut waiting;
    first.room = Box::pin(std::future::pending());
    assert_eq!((second.woken(), third.woken()), (1, 0));
    let Poll::Ready(Some(room)) = second.poll() else {
        panic!("there is room");
    };
    room.push(b"frame");
    // What was set apart is a frame now.
    assert!(third.poll().is_pending() && fourth.poll().is_pending());
    assert_eq!(drain(&queue).len(), 1);
    assert!(third.poll().is_ready(), "and gives its room back at once");
    assert!(fourth.woken() > 0 && fourth.poll().is_ready());
}

#[test]
fn the_bounds_hold_between_threads_that_reserve() {
    let queue = Arc::new(Queue::new(32, 32 * ROOM_BYTES, 100));
    let kept = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut kept = 0;
                    for round in 0..10_000 {
                        match queue.reserve() {
                            Some(room) if round % 3 > 0 => {
                                room.push(b"kept");
                                kept += 1;
                            }
                            room => drop(room),
                        }
                        queue.push(b"noise", Loss::QueueFull);
                    }
                    kept
                })
            })
            .collect();
        let mut seen = 0;
        while threads.iter().any(|thread| !thread.is_finished()) {
            let gauge = queue.gauge();
            assert!(gauge.queued <= 32 && gauge.queued_bytes <= 32 * ROOM_BYTES as u64);
            let frames = drain(&queue);
            seen += frames.iter().filter(|frame| *frame == b"kept").count();
        }
        seen += drain(&queue)
            .iter()
            .filter(|frame| *frame == b"kept")
            .count();
        let kept: usize = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum();
        assert_eq!(kept, seen);
        kept
    });
    assert!(kept > 0);
    assert!((0..queue.shard_count()).all(|index| queue.lock(index).rooms == 0));
}
