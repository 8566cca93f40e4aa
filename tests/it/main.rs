//! Every test that goes through the public API, in one binary.

mod support;
mod writer;
