//! Room that is set apart for a record before there is one.

use std::sync::Arc;

use super::{LENGTH_BYTES, Queue, Shard};
use crate::event::lean;
use crate::writer::progress::Position;

/// Room in the queue for one frame. Dropping it gives the room back.
#[derive(Debug)]
pub(crate) struct Room {
    queue: Arc<Queue>,
    shard: usize,
    /// Whether a frame has taken it, and it is no room any more.
    is_taken: bool,
}

/// What is set apart, with the frame's length: any frame's core finds place there.
pub(super) const ROOM_BYTES: usize = LENGTH_BYTES + lean::CORE_BYTES;

impl Queue {
    /// Sets room apart, if there is any. There is none once the queue is closed.
    pub(crate) fn reserve(self: &Arc<Self>) -> Option<Room> {
        let mut half_full = false;
        let shard = self.shards_from_own().find(|index| {
            let mut shard = self.lock(*index);
            let fits = !shard.closed && self.fits(&shard, lean::CORE_BYTES);
            shard.rooms += usize::from(fits);
            // What others have put there may fill the rest of it from now on.
            half_full |= fits && self.is_over_half(&shard);
            fits
        });
        self.wake_if(half_full);
        let queue = Arc::clone(self);
        shard.map(|shard| Room {
            queue,
            shard,
            is_taken: false,
        })
    }

    /// Sets room apart as soon as there is any. None once the queue is closed.
    pub(crate) async fn reserve_later(self: Arc<Self>) -> Option<Room> {
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            // Before looking, so that what is freed after the look wakes.
            freed.as_mut().enable();
            if let Some(room) = self.reserve() {
                return Some(room);
            }
            if self.is_closed() {
                return None;
            }
            freed.await;
        }
    }
}

impl Room {
    /// Adds a frame: whole if there is that much room by now, otherwise as
    /// much of it as finds place. It is lost only if the queue was closed.
    pub(crate) fn push(mut self, frame: &[u8]) {
        self.is_taken = true;
        let queue = &*self.queue;
        let mut shard = queue.lock(self.shard);
        // Under the same lock as the frame comes: were it counted twice for a
        // moment, another frame would find less room than was set apart for it.
        shard.rooms -= 1;
        let fits = |shard: &Shard, form: &[u8]| queue.fits(shard, form.len());
        if shard.frames.bytes < queue.high_water && fits(&shard, frame) {
            queue.put(shard, frame);
            return;
        }
        let form = lean::without_bodies(frame);
        if fits(&shard, &form) {
            queue.put(shard, &form);
        } else {
            queue.put(shard, &lean::core(frame));
        }
    }
}

impl Room {
    /// Adds a provisional record of the event that the room is for, which is not
    /// counted as one, and wakes the consumer. Nothing if there is no room
    /// beside this one, or no consumer any more.
    pub(crate) fn push_provisional(&self, frame: &[u8]) -> Option<Position> {
        let lean = lean::without_bodies(frame);
        self.stage(0, &lean)
    }

    /// Says that no event will come. That takes the event's room.
    pub(crate) fn dismiss(mut self, frame: &[u8]) {
        self.is_taken = true;
        // Once the queue is closed nobody reads it any more.
        let _ = self.stage(1, frame);
    }

    // In the room's own shard, where frames keep their order: read after its
    // event, a provisional record would wait for another one in vain.
    fn stage(&self, taken_rooms: usize, frame: &[u8]) -> Option<Position> {
        let mut shard = self.queue.lock(self.shard);
        shard.rooms -= taken_rooms;
        let fits = !shard.closed && self.queue.fits(&shard, frame.len());
        let position = fits.then(|| {
            shard.frames.push(frame);
            shard.accepted += 1;
            Position {
                shard: self.shard,
                number: shard.accepted,
            }
        });
        drop(shard);
        self.queue.wake_urgently();
        position
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if !self.is_taken {
            self.queue.lock(self.shard).rooms -= 1;
        }
        // Room for one of those who wait. If that one is dropped before it looks, tokio wakes another.
        self.queue.freed.notify_one();
    }
}
