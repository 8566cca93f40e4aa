//! The trail in PostgreSQL: binary COPY by the writer, a small pool for readers.
//!
//! # What is where
//!
//! Everything lives in a schema of its own (`audit`, unless
//! [told otherwise](PostgresStoreBuilder::schema)): the table `events`, with
//! one column per [`Column`](crate::event::Column) and one partition per UTC
//! day (`events_20240229`), and `schema_migrations`. Connecting creates what
//! is missing; once it is there, a role that may only read and insert is
//! enough until the days made ahead run out.
//!
//! # Connections
//!
//! The writer has one connection for itself, opened when the first batch
//! comes, in the runtime that the batch comes from. It is dropped after any
//! error, timeout or cancellation, because the fate of what was sent on it is
//! then unknown. Readers share a small pool of read-only connections with a
//! limit of time per statement. Nothing else of the application uses either.
//!
//! # How a batch is written
//!
//! A first attempt is one binary `COPY`. A retry, which may meet its own rows
//! of before, is one `INSERT … ON CONFLICT DO NOTHING`. Both are one
//! statement, hence one transaction, and neither leaves state in the session.
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
mod insert;
mod partition;
mod read;
mod schema;
mod store;
#[cfg(feature = "postgres-tls")]
mod tls;
#[cfg(not(feature = "postgres-tls"))]
#[path = "no_tls.rs"]
mod tls;
mod url;
mod values;

pub use builder::PostgresStoreBuilder;
pub use store::PostgresStore;
