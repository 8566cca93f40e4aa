//! What a frame goes through to become a record.

use super::enrich::Enricher;
use crate::event::{Capture, Event, Record, clock, restamp};
use crate::sanitize::Sanitizer;

/// Sanitizes, then derives, then seals.
#[derive(Debug)]
pub(super) struct Pipeline {
    sanitizer: Sanitizer,
    enricher: Enricher,
}

impl Pipeline {
    pub(super) fn new(sanitizer: Sanitizer, enricher: Enricher) -> Self {
        Self {
            sanitizer,
            enricher,
        }
    }

    pub(super) fn sanitizer(&self) -> &Sanitizer {
        &self.sanitizer
    }

    /// The record of a frame that was offered.
    pub(super) fn record(&self, frame: &[u8]) -> Record {
        let capture = Capture::new(frame);
        let mut fields = self.sanitizer.fields(capture);
        self.enricher.enrich(&self.sanitizer, capture, &mut fields);
        restamp(&mut fields, clock::now());
        Record::seal(fields)
    }

    /// The record of an event that the writer itself has to tell of.
    pub(super) fn own_record(&self, event: Event) -> Record {
        self.sanitizer.record(event)
    }
}
