//! draft
mod error;
pub mod event;
pub mod query;
mod sanitize;
pub mod store;

pub use error::Error;
pub use event::{
    Actor, Change, Event, EventId, Fields, Kind, Outcome, Record, Resource, Timestamp,
};
pub use query::{Cursor, Filter, Page, PageRequest};
pub use sanitize::Sanitizer;
pub use store::{AuditReader, AuditStore, MemoryStore};
#[cfg(feature = "postgres")]
pub use store::{PostgresStore, PostgresStoreBuilder};
