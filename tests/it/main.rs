//! Every test that goes through the public API, in one binary.

mod middleware;
mod outcomes;
mod support;
mod writer;
