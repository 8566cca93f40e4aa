//! Sums by the hour, so that statistics need not look at every record.
//!
//! For each hour, each [dimension](crate::query::Dimension) that has rollups
//! and each of its values there are the `Measures` of the records: sums, and
//! a `Histogram` of durations. They are written in the transaction that
//! stores the records, so they always agree with them. Each dimension is
//! summed up for itself; a question about two of them at once, or about
//! anything else, looks at the records.
//!
//! - `histogram`, `measures`, `hour`: what is kept, and how it adds up;
//! - `tally`: the sums of a batch; `ledger`: those of a connection;
//! - `gather`: what a question reads from the rollups and what from the
//!   records, with `rows` and `plan`;
//! - `repair`: the rollups of an hour, made anew out of its records;
//! - `answer`: statistics and series out of sums; `exact`: the sums of a store
//!   in memory, without any rollup.
//!
//! All of this is plain data. How it is kept is up to each database.

mod answer;
mod exact;
mod label;

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod gather;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod histogram;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod hour;
#[cfg(feature = "postgres")]
mod ledger;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod measures;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod plan;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod repair;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod rows;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod tally;

pub(super) use exact::{exact_series, exact_stats};

#[cfg(feature = "sqlite")]
pub(super) use self::{
    answer::{Sum, bucket_of},
    histogram::bin_of,
    tally::MAX_VALUES,
};
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(super) use self::{
    gather::{Rollups, Summed, series, stats},
    histogram::Histogram,
    hour::Hour,
    label::Label,
    measures::Measures,
    repair::parts,
    rows::{Bin, Expressions, Grouping, group},
    tally::{Key, Tally, name_of},
};
#[cfg(feature = "postgres")]
pub(super) use ledger::{Entry, Ledger, Staged};
