#![doc = include_str!("docs/crate.md")]
#[cfg(feature = "admin")]
pub mod admin;
#[cfg(any(doc, doctest))]
pub mod docs;
mod error;
pub mod event;
mod journal;
mod middleware;
mod policy;
pub mod query;
mod sanitize;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod writer;

pub use error::Error;
pub use event::{
    Actor, Change, Event, EventId, Fields, Kind, Level, Outcome, Record, Resource, Timestamp,
};
pub use middleware::{
    Audit, AuditContext, AuditLayer, Audited, AuditedFuture, AuditedService, PeerAddr, RequestBody,
    ResponseBodies, ResponseBody, ResponseFuture, audited,
};
pub use policy::{Overflow, Policy, PolicyBuilder, Rule, StatusRange};
pub use query::{Count, Cursor, Filter, Page, PageRequest, Scope, Timeline};
pub use sanitize::{CustomStrategy, Sanitizer, SanitizerBuilder, Strategy};
#[cfg(feature = "sqlite")]
pub use store::SqliteStore;
pub use store::{AuditManager, AuditQuarantine, AuditReader, AuditStore, MemoryStore, Quarantined};
#[cfg(feature = "postgres")]
pub use store::{PostgresStore, PostgresStoreBuilder};
pub use writer::{
    Auditor, AuditorBuilder, Durability, Health, HealthProblem, HealthStatus, Quarantine, Requeued,
    Sink, SinkStats, Stats, TracingSink, Writer,
};

/// Runs the README's code.
#[cfg(all(doctest, feature = "admin", feature = "postgres"))]
#[doc = include_str!("../README.md")]
struct Readme;
