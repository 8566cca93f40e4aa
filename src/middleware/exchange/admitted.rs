//! What has to be there for the record of an exchange before it goes on.

use std::sync::Arc;
use std::time::Duration;

use super::{Exchange, State};
use crate::Overflow;
use crate::event::Stage;

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
        self.reserve_for(&mut self.lock())
    }

    fn reserve_for(&self, state: &mut State) -> bool {
        if state.room.is_none() && !state.finished {
            state.room = self.shared.auditor.queue().reserve();
        }
        state.room.is_some()
    }

    /// Waits for room, and takes it if there is any in time.
    pub(in crate::middleware) async fn wait_for_room(self: Arc<Self>, longest: Duration) {
        // Elsewhere there is nothing to wait with, and the request must not suffer from that.
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let room = self.shared.auditor.queue().clone().reserve_later();
        if let Ok(room) = tokio::time::timeout(longest, room).await {
            let mut state = self.lock();
            if !state.finished {
                state.room = room;
            }
        }
    }

    /// Whether what is known has to be durable before the request goes on.
    pub(in crate::middleware) fn is_strict(&self) -> bool {
        self.shared.auditor.durable().is_some() && self.has_begun()
    }

    /// Whether that was done before the handler.
    pub(in crate::middleware) fn is_staged(&self) -> bool {
        self.lock().staged
    }

    /// Has what is known written, and waits until it is durable; says whether
    /// it is. The record itself has room from then on.
    pub(in crate::middleware) fn stage(&self) -> impl Future<Output = bool> + Send + use<> {
        let auditor = &self.shared.auditor;
        let position = {
            let mut state = self.lock();
            state.staged = true;
            self.reserve_for(&mut state);
            state.room.as_ref().and_then(|room| {
                let mut frame = state.frame.clone();
                frame.stage(Stage::Begun);
                room.push_staged(frame.as_bytes())
            })
        };
        let durable = auditor.durable().cloned();
        async move {
            match (durable, position) {
                (Some(durable), Some(position)) => in_time(durable.settled(position)).await,
                _ => false,
            }
        }
    }

    /// The request is not let through, or its response not out.
    pub(in crate::middleware) fn refuse(&self, error: &str) {
        self.lock().refused = true;
        self.error(error);
    }
}

/// How long a request waits for a disk that does not answer.
const LONGEST_SYNC: Duration = Duration::from_secs(10);

async fn in_time(durable: impl Future<Output = bool>) -> bool {
    // Elsewhere there is nothing to limit the wait with.
    if tokio::runtime::Handle::try_current().is_err() {
        return durable.await;
    }
    tokio::time::timeout(LONGEST_SYNC, durable)
        .await
        .unwrap_or(false)
}
