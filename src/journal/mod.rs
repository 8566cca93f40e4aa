//! The disk journal: records that outlive the process, on their way to the store.
//!
//! It knows bytes and records, not stores, and does blocking I/O only, on the
//! thread of whoever calls it.

mod append;
mod backlog;
mod budget;
mod codec;
mod current;
mod directory;
mod disk;
mod failure;
mod frame;
mod header;
#[allow(clippy::module_inception)] // `Journal` is where its name says
mod journal;
mod layout;
mod os;
mod recovery;
mod replay;
#[cfg(test)]
mod samples;
mod segments;
mod settings;
mod sync;
#[cfg(test)]
mod tests;

pub(crate) use backlog::Backlog;
pub(crate) use failure::{AppendError, SyncError};
pub(crate) use journal::Journal;
pub(crate) use recovery::{Adopted, Recovery};
pub(crate) use replay::Damage;
pub(crate) use segments::{Appended, Part, SegmentId};
pub(crate) use settings::Settings;
pub(crate) use sync::{SyncHandle, Synced};
