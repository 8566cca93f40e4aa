//! The trail in PostgreSQL: binary COPY by the writer, a small pool for readers.
//!
//! # Connections
//!
//! The writer has one connection for itself, opened when the first batch
//! comes, in the runtime that the batch comes from. It is dropped after any
//! error, timeout or cancellation, because the fate of what was sent on it is
//! then unknown; only a refused `INSERT` leaves no doubt. Readers share a small pool of read-only connections with a
//! limit of time per statement. Upkeep opens one for as long as it takes. Nothing else of the application uses either.
//!
//! # How a batch is written
//!
//! A first attempt is one binary `COPY`. A retry, which may meet its own rows
//! of before, is one `INSERT … ON CONFLICT DO NOTHING`. In the same
//! transaction the rollups are brought up to date: each connection has rows
//! of its own there and knows what is in them, so writers do not wait for
//! each other, and what a connection knows ends with it.
//!
//! # What the server refuses
//!
//! A record that the table refuses goes to another one, `quarantine`, as text.
//! The writer puts it there over its own connection; whoever has it stored
//! after all does so over a connection apart, in one transaction.
//!
//! # Indexes
//!
//! The partition of an open day has what the writer can afford. Upkeep gives
//! those of closed days an index for each question (`indexes`), over a
//! connection of its own, in one instance at a time, and without a lock that
//! a reader or writer would wait for.
//!
//! # Searches
//!
//! An index of words is one of those that closed days get (`search`). On open
//! days, and where that is switched off, the rows themselves are looked through.
//!
//! # Errors
//!
//! What the server says about a row quotes the row, so neither its message
//! nor its detail gets into an [`Error`](crate::Error): only the SQLSTATE, a
//! constraint's name and the line.

mod append;
mod builder;
mod connect;
mod copy;
mod error;
mod export;
mod indexes;
mod insert;
mod listen;
mod manage;
mod partition;
mod quarantine;
mod read;
mod rollup;
mod schema;
mod search;
mod store;
#[cfg(feature = "postgres-tls")]
mod tls;
#[cfg(not(feature = "postgres-tls"))]
#[path = "no_tls.rs"]
mod tls;
mod upkeep;
mod url;
mod values;

pub use builder::PostgresStoreBuilder;
pub use store::PostgresStore;
