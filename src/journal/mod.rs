//! The disk journal: records that outlive the process, on their way to the store.
//!
//! It knows bytes and records, not stores. All of it is blocking I/O, for the
//! thread of the one caller: append, deliver, [settle](Journal::settle). What
//! is not settled when the process ends comes back in the next one, from
//! [`Journal::read_backlog`]; records have ids, so storing one twice does no harm,
//! and nothing has to be written down when one is settled.
//!
//! # On disk
//!
//! ```text
//! <directory>/                     0700; may be a link, nothing in it may
//!   018e0a5c-…/                    a process: its sub-directory, by age
//!     lock                         held for the life of the process
//!     00000001.seg, 00000002.seg   0600, written once, never appended to again
//!     closed                       its process has ended as it should, or its end is known
//!   quarantine/                    damaged segments; nobody deletes them but you
//! ```
//!
//! A segment is a [header] with the table of its columns, and
//! [frames](frame), each with checks of its own. It is unlinked when all its
//! records are settled. The sub-directory of a process that is gone is
//! adopted by whoever gets its lock.
//!
//! Files hold sanitized records as plain text, those in quarantine too.
//!
//! # What survives what
//!
//! | | |
//! |---|---|
//! | a kill, a panic, the memory's end | every record whose [`append`](Journal::append) has returned |
//! | the loss of power | every record that [`sync`](Journal::sync) has covered |
//! | a failed or short write | all: what is not whole is written to a new segment, once; else the caller is told |
//! | a failed fsync | the file is never asked again, and the caller is told which records to append again |
//! | a full disk, a used-up budget | what is there; the caller is told what was accepted, and tries again later |
//! | the directory removed by somebody | what is still held: a new one is made, and the caller is told what went with the old one |
//! | damage to a segment | all frames that are whole; the others are counted and the file is kept |
//! | damage to its header | the same, if its table of columns is known from elsewhere |
//! | another version of the crate | older: all, without columns that are gone; newer: the file stays as it is |
//!
//! # Who calls what
//!
//! 1. [`Journal::open`] tells in a [`Recovery`] what was left by others. When
//!    that is noted where it lasts, [`Journal::recovery_noted`].
//! 2. [`Journal::append`], and [`Journal::settle`] once stored, for records that
//!    the caller holds; [`Journal::defer`] for those that it lets go.
//! 3. [`Journal::read_backlog`] while the store takes records.
//! 4. [`Journal::sync`] as often as durability is wanted, here or on another
//!    thread by [`Journal::sync_handle`].
//! 5. [`Journal::adopt`] now and then, for processes that end while this one runs.
//! 6. [`Journal::keep_home`] before records are appended.
//! 7. [`Journal::close`].

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
mod home;
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
pub(crate) use journal::Journal;
pub(crate) use recovery::{Adopted, Recovery};
pub(crate) use replay::Damage;
pub(crate) use segments::{Appended, SegmentId};
pub(crate) use settings::Settings;
pub(crate) use sync::{SyncHandle, Synced};
