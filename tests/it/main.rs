//! The crate through its public API, a module per behaviour.

mod admin;
