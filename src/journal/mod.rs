//! The disk journal: records that outlive the process, on their way to the store.
//!
//! It knows bytes and records, not stores, and does blocking I/O only, on the
//! thread of whoever calls it.
mod codec;
mod disk;
mod frame;
mod header;
mod layout;
mod os;
mod replay;
#[cfg(test)]
mod samples;
