//! Repeated trouble is logged now and then, not every time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lets through one log line a minute.
#[derive(Debug, Default)]
pub(super) struct LogLimit {
    last: Mutex<Option<Instant>>,
}

const EVERY: Duration = Duration::from_secs(60);

impl LogLimit {
    /// Whether a line may be written now.
    pub(super) fn is_due(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= EVERY);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn there_is_one_line_a_minute() {
        let limit = LogLimit::default();
        assert!(limit.is_due() && !limit.is_due());
        tokio::time::advance(EVERY).await;
        assert!(limit.is_due() && !limit.is_due());
    }
}
