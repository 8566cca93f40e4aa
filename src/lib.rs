//! draft
mod error;
pub mod event;
pub mod query;
mod sanitize;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::Error;
pub use event::{
    Actor, Change, Event, EventId, Fields, Kind, Outcome, Record, Resource, Timestamp,
};
pub use query::{Cursor, Filter, Page, PageRequest};
pub use sanitize::Sanitizer;
#[cfg(feature = "sqlite")]
pub use store::SqliteStore;
pub use store::{AuditReader, AuditStore, MemoryStore};
