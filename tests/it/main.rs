//! Everything that is tested through the public interface, a file per behaviour.

#![allow(clippy::unwrap_used)] // helpers of tests are tests, too

mod sqlite;
mod stores;
