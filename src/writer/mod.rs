//! From offered events to stored records, on a thread of its own.
//!
//! Producers push frames into the [`queue`]; the [`worker`] turns them into
//! records, gathers these into batches and has them stored, again and again
//! until the store takes them. What the store
//! refuses goes to its quarantine; what gets lost on the way is counted and told
//! by gap events.

mod auditor;
mod backoff;
mod batch;
mod budget;
mod builder;
mod condition;
mod control;
mod deliver;
mod durability;
mod enrich;
mod env;
mod flush;
mod health;
mod host;
mod log_limit;
mod losses;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(not(feature = "metrics"))]
#[path = "no_metrics.rs"]
mod metrics;
mod pipeline;
mod progress;
mod quarantine;
mod queue;
mod settings;
mod sinks;
mod spool;
mod stats;
mod worker;

pub use auditor::Auditor;
pub(crate) use budget::CaptureBudget;
pub use builder::AuditorBuilder;
pub use durability::Durability;
pub use health::{Health, HealthProblem, HealthStatus};
pub(crate) use losses::Loss;
pub use quarantine::{Quarantine, Requeued};
pub(crate) use queue::Room;
pub use sinks::{Sink, SinkStats, TracingSink};
pub use stats::Stats;
pub use worker::Writer;
