//! The crate through its public face, a file per behaviour.

#![allow(clippy::unwrap_used)] // a panic is how a test fails, also in its helpers

#[cfg(feature = "postgres")]
mod postgres;
