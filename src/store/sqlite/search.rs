//! How a search is put to SQLite.

use rusqlite::Result;
use rusqlite::functions::Context;
use rusqlite::types::ValueRef;

use crate::query::search::{self, COLUMNS};

/// The clause for records in which each of the words starts one. Each text
/// that is bound gives the number of its place.
pub(super) fn clause(words: &[String], bind: &mut dyn FnMut(String) -> usize) -> String {
    let place = bind(words.join(" "));
    format!("has_words(${place}, {})", COLUMNS.join(", "))
}

/// Whether each word of the first text starts one of the others'.
pub(super) fn has_words(context: &Context<'_>) -> Result<bool> {
    let text = |index| match context.get_raw(index) {
        ValueRef::Text(text) => std::str::from_utf8(text).unwrap_or_default(),
        _ => "",
    };
    let mut missing: Vec<_> = text(0).split(' ').collect();
    for index in 1..context.len() {
        for word in search::words(text(index)) {
            missing.retain(|asked| !word.starts_with(asked));
        }
        if missing.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
