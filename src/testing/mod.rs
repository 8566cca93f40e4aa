//! The contract of a store, as functions to call from a test, and parts of the
//! sanitizer for benchmarks and fuzzers.
//!
//! ```
//! use std::sync::Arc;
//! use tower_audit::{MemoryStore, testing};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! testing::store_contract(Arc::new(MemoryStore::new())).await;
//! # }
//! ```
//!
//! [`store_contract`] runs all of them, one after the other; they can also be
//! called one by one. Each writes records of a tenant of its own, all of them
//! of the last hours, so the store may hold anything else, and keeps what they wrote.
//!
//! The functions need the store's reading side to look at what became of the
//! records. They panic with a sentence that says which part of the contract is broken.

mod append;
mod bell;
#[cfg(feature = "decode")]
mod decode;
mod export;
mod filters;
mod json;
mod lists;
mod manage;
mod pages;
mod quarantine;
mod samples;
mod search;
mod statistics;
mod timeline;
mod trail;

use std::sync::Arc;

pub use append::{
    a_batch_is_stored_wholly_or_not_at_all, a_retry_adds_nothing_twice,
    batches_of_any_size_are_stored, concurrent_batches_are_all_stored,
};
pub use bell::a_bell_tells_of_what_is_stored;
#[cfg(feature = "decode")]
pub use decode::decode_body;
pub use export::{exports_are_kept_to_a_size, exports_hold_everything_once};
pub use filters::{
    filters_find_what_they_name, networks_hold_their_addresses, path_prefixes_are_literal,
    text_in_filters_is_only_text, times_are_half_open_to_the_microsecond,
};
pub use json::sanitize_json;
pub use lists::{
    an_unknown_id_is_found_to_be_none, events_come_back, every_column_comes_back,
    every_text_comes_back, lists_hold_compact_columns, lists_start_with_the_newest,
};
pub use manage::{deleted_records_are_gone, flags_are_set_and_taken_away};
pub use pages::{cursors_go_both_ways, pages_hold_still_while_records_arrive};
pub use quarantine::{
    a_record_is_held_once, refused_records_are_held, requeued_records_are_stored,
};
pub use search::{searches_find_words, searches_take_any_text};
pub use statistics::statistics_count_each_record_once;
pub use timeline::timelines_hold_what_belongs_together;

use crate::AuditStore;

/// Checks the whole contract.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn store_contract(store: Arc<dyn AuditStore>) {
    events_come_back(store.clone()).await;
    every_column_comes_back(store.clone()).await;
    every_text_comes_back(store.clone()).await;
    an_unknown_id_is_found_to_be_none(store.clone()).await;
    lists_hold_compact_columns(store.clone()).await;
    lists_start_with_the_newest(store.clone()).await;
    batches_of_any_size_are_stored(store.clone()).await;
    a_retry_adds_nothing_twice(store.clone()).await;
    a_batch_is_stored_wholly_or_not_at_all(store.clone()).await;
    concurrent_batches_are_all_stored(store.clone()).await;
    filters_find_what_they_name(store.clone()).await;
    networks_hold_their_addresses(store.clone()).await;
    path_prefixes_are_literal(store.clone()).await;
    text_in_filters_is_only_text(store.clone()).await;
    times_are_half_open_to_the_microsecond(store.clone()).await;
    searches_find_words(store.clone()).await;
    searches_take_any_text(store.clone()).await;
    cursors_go_both_ways(store.clone()).await;
    pages_hold_still_while_records_arrive(store.clone()).await;
    timelines_hold_what_belongs_together(store.clone()).await;
    exports_hold_everything_once(store.clone()).await;
    exports_are_kept_to_a_size(store.clone()).await;
    a_bell_tells_of_what_is_stored(store.clone()).await;
    statistics_count_each_record_once(store.clone()).await;
    refused_records_are_held(store.clone()).await;
    a_record_is_held_once(store.clone()).await;
    requeued_records_are_stored(store.clone()).await;
    flags_are_set_and_taken_away(store.clone()).await;
    deleted_records_are_gone(store).await;
}
