//! How sinks are asked for, and asked about.

use super::sink::Sink;
use super::stats::SinkStats;
use crate::{Auditor, AuditorBuilder};

impl AuditorBuilder {
    /// Adds a [`Sink`], which gets a copy of every record. The name stands in
    /// the [numbers](Auditor::sinks) and in log lines; no two sinks have the same. Defaults to none.
    ///
    /// A record is copied once for all sinks that have a thread, and once more for
    /// each channel: about 3 µs of the writer's time. It costs a request nothing.
    ///
    /// # Security
    /// See [`Sink`]: whoever reads it reads the trail.
    pub fn sink(mut self, name: impl Into<String>, sink: impl Sink) -> Self {
        self.sinks.push((name.into(), Box::new(sink)));
        self
    }

    /// Sets how many records may wait for each sink that has a thread.
    /// Defaults to 1,024, at least 1. When there are more, that sink loses its copies of
    /// the newest: too small a buffer loses them in a burst. An ordinary record takes about 3 KB
    /// here, and its bodies besides; sinks share them.
    pub fn sink_buffer(mut self, records: usize) -> Self {
        self.settings.sink_buffer = records;
        self
    }
}

impl Auditor {
    /// What became of the copies for each [`Sink`], in the order in which
    /// they were added. Nothing of it is part of [`Stats`](crate::Stats).
    pub fn sinks(&self) -> Vec<SinkStats> {
        self.inner.sinks.snapshot()
    }
}
