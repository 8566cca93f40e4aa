//! The numbers of a trail, and which of them make sense.

use std::time::Duration;

use crate::Error;
use crate::event::limits;

/// What [`AuditorBuilder`](crate::AuditorBuilder) sets by numbers; see there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) max_queue_size: usize,
    pub(super) max_queue_bytes: usize,
    pub(super) max_batch_size: usize,
    pub(super) max_batch_bytes: usize,
    pub(super) max_batch_delay: Duration,
    pub(super) append_timeout: Duration,
    pub(super) capture_budget: usize,
    pub(super) sink_buffer: usize,
    pub(super) journal_max_bytes: u64,
    pub(super) journal_min_free_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_queue_size: 100_000,
            max_queue_bytes: 64 << 20,
            max_batch_size: 4_000,
            max_batch_bytes: 8 << 20,
            max_batch_delay: Duration::from_millis(200),
            append_timeout: Duration::from_secs(30),
            capture_budget: 32 << 20,
            sink_buffer: 1_024,
            journal_max_bytes: 1 << 30,
            journal_min_free_bytes: 256 << 20,
        }
    }
}

/// Room for the largest event there can be, with what marks its cut and its length.
const MIN_QUEUE_BYTES: usize = 2 * limits::EVENT_BYTES;

/// Two segments.
const MIN_JOURNAL_BYTES: u64 = 16 << 20;

/// No wait of the writer is longer.
const MAX_DURATION: Duration = Duration::from_secs(3600);

impl Settings {
    /// # Errors
    /// If a number makes no sense; the error names it.
    pub(super) fn check(&self) -> Result<(), Error> {
        let numbers = [
            ("max_queue_size", self.max_queue_size, 1),
            ("max_queue_bytes", self.max_queue_bytes, MIN_QUEUE_BYTES),
            ("max_batch_size", self.max_batch_size, 1),
            ("max_batch_bytes", self.max_batch_bytes, 1),
            ("capture_budget", self.capture_budget, 1),
            ("sink_buffer", self.sink_buffer, 1),
        ];
        for (parameter, value, least) in numbers {
            if value < least {
                let message = format!("{parameter} must be at least {least}");
                return Err(Error::invalid_input(parameter, message));
            }
        }
        if self.journal_max_bytes < MIN_JOURNAL_BYTES {
            let message = format!("journal_max_bytes must be at least {MIN_JOURNAL_BYTES}");
            return Err(Error::invalid_input("journal_max_bytes", message));
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
                let message = format!("{parameter} must be from {least:?} to {MAX_DURATION:?}");
                return Err(Error::invalid_input(parameter, message));
            }
        }
        Ok(())
    }
}
