//! Room in the queue for the record of an exchange, before its handler runs.

use std::time::Duration;

use super::Exchange;
use crate::Overflow;
use crate::writer::Room;

impl Exchange {
    /// What is to happen if there is no room. Nothing, where nothing is to be recorded.
    pub(in crate::middleware) fn overflow(&self) -> Overflow {
        match self.begun {
            Some(_) => self.judgement.overflow(),
            None => Overflow::DropNewest,
        }
    }

    /// Sets room apart, if there is any; says whether the record has some.
    pub(in crate::middleware) fn reserve(&self) -> bool {
        let mut state = self.lock();
        if state.room.is_none() && !state.finished {
            state.room = self.shared.auditor.queue().reserve();
        }
        state.room.is_some()
    }

    /// Waits for room.
    pub(in crate::middleware) fn room_within(
        &self,
        longest: Duration,
    ) -> impl Future<Output = Option<Room>> + Send + use<> {
        let room = self.shared.auditor.queue().clone().reserve_later();
        async move { tokio::time::timeout(longest, room).await.ok().flatten() }
    }

    /// Takes the room that was waited for, if there was any in time.
    pub(in crate::middleware) fn occupy(&self, room: Option<Room>) {
        let mut state = self.lock();
        if !state.finished {
            state.room = room;
        }
    }

    /// The request is not let through.
    pub(in crate::middleware) fn refuse(&self) {
        self.lock().refused = true;
        self.error("refused: the audit queue has no room for a record");
    }
}
