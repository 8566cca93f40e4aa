//! `PostgresStore`, against a server of its own.

mod append;
pub(crate) mod cluster;
mod connect;
mod errors;
mod export;
mod faults;
mod fixture;
mod indexes;
mod live;
mod proxy;
mod quarantine;
mod read;
mod schema;
#[cfg(feature = "postgres-tls")]
mod tls;
