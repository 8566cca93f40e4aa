//! The vocabulary: what is offered ([`Event`]) and what is stored ([`Record`]).
//!
//! Everything here is plain data. Raw data (an [`Event`], or what the
//! middleware captured) travels as bytes, and can only
//! become a [`Record`] through the [`Sanitizer`](crate::Sanitizer).

mod actor;
mod capture;
mod change;
pub(crate) mod clock;
mod columns;
mod curl;
#[allow(clippy::module_inception)] // `Event` is where its name says
mod event;
mod frame;
mod id;
mod json;
mod kind;
pub(crate) mod lean;
mod level;
pub mod limits;
mod outcome;
mod record;
mod resource;
mod restamp;
mod tag;
mod time;

pub use actor::Actor;
pub use change::{Change, ChangeOperation};
pub use columns::{Column, ColumnType, Value};
pub use event::Event;
pub use id::EventId;
pub use json::Json;
pub use kind::Kind;
pub use level::Level;
pub use outcome::Outcome;
pub use record::{Fields, Record};
pub use resource::Resource;
pub use time::Timestamp;

pub(crate) use capture::Capture;
pub(crate) use frame::Frame;
pub(crate) use restamp::restamp;
pub(crate) use tag::{Stage, Tag};
