//! From raw data to what may be stored.

mod clean;
mod freeze;

use std::fmt;

use crate::event::{Capture, Event, Fields, Record};

/// Turns raw data into records, leaving out what is secret.
#[derive(Clone, Default)]
pub struct Sanitizer {}

impl Sanitizer {
    /// The record that would be stored for an event: what is sensitive is masked, what is too long is cut.
    #[allow(clippy::needless_pass_by_value)] // the raw data ends here
    pub fn record(&self, event: Event) -> Record {
        Record::seal(self.fields(Capture::new(event.as_bytes())))
    }
}

impl Sanitizer {
    pub(crate) fn text(&self, bytes: &[u8], limit: usize) -> String {
        clean::text(bytes, limit)
    }
}
impl fmt::Debug for Sanitizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sanitizer").finish_non_exhaustive()
    }
}
pub(crate) fn readable_content_type(value: &[u8]) -> bool {
    value.starts_with(b"application/")
}
