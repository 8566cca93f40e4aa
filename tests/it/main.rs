//! Every test that goes through the public API, in one binary.

// Helpers outside of `#[test]` functions may unwrap too; all of this is test code.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod admin;
mod canaries;
mod chaos;
mod curl;
mod durability;
mod giant_bodies;
mod grpc;
mod manifest;
mod metrics;
mod middleware;
#[cfg(target_os = "linux")]
mod os_faults;
mod outcomes;
mod policy;
mod postgres;
mod quarantine;
mod quickstart;
mod rollups;
mod sanitizer;
mod scan;
mod search;
mod sinks;
mod sqlite;
mod stores;
mod support;
mod transparency;
mod writer;
