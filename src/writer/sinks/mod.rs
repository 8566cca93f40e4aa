//! Copies of records, for whoever wants them beside the store.
//!
//! The writer gives each record to all sinks when it takes it in. A sink has
//! a buffer and a thread of its own, so that its pace and its mistakes are
//! nobody else's; what these cost it is counted.

mod builder;
mod line;
mod sink;
mod stats;
mod tracing_sink;

pub(super) use line::Sinks;
pub use sink::Sink;
pub use stats::SinkStats;
pub(super) use stats::SinkTallies;
pub use tracing_sink::TracingSink;
