//! `PostgresStore`, against a server of its own.

mod append;
pub(crate) mod cluster;
mod connect;
mod errors;
mod faults;
mod fixture;
mod indexes;
mod proxy;
mod quarantine;
mod read;
mod schema;
#[cfg(feature = "postgres-tls")]
mod tls;
