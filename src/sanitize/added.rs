//! What a handler added: details and changes.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::mask::UNREADABLE_JSON;
use super::{Sanitizer, clean, growth, json};
use crate::event::{Capture, Json, limits};

/// Details and changes in the order in which they came.
#[derive(Default)]
pub(super) struct Added<'a> {
    details: Vec<(&'a [u8], &'a [u8])>,
    changes: Vec<&'a [u8]>,
    /// There were more than are kept.
    pub(super) overflowed: bool,
}

impl<'a> Added<'a> {
    /// Takes a detail; of two with the same name, the later one counts.
    pub(super) fn detail(&mut self, payload: &'a [u8]) {
        let Some((name, value)) = Capture::named(payload) else {
            return;
        };
        if let Some(same) = self.details.iter_mut().find(|(other, _)| *other == name) {
            same.1 = value;
        } else if self.details.len() < limits::DETAIL_ITEMS {
            self.details.push((name, value));
        } else {
            self.overflowed = true;
        }
    }

    pub(super) fn change(&mut self, payload: &'a [u8]) {
        if self.changes.len() < limits::DETAIL_ITEMS {
            self.changes.push(payload);
        } else {
            self.overflowed = true;
        }
    }
}

/// A change as the vocabulary writes it, its states unread.
#[derive(Deserialize)]
struct RawChange<'a> {
    #[serde(borrow)]
    resource_type: Cow<'a, str>,
    #[serde(borrow)]
    resource_id: Cow<'a, str>,
    #[serde(borrow)]
    operation: Cow<'a, str>,
    #[serde(borrow)]
    before: Option<&'a RawValue>,
    #[serde(borrow)]
    after: Option<&'a RawValue>,
    #[serde(borrow)]
    changed: Option<&'a RawValue>,
}

impl Sanitizer {
    /// The details as one object, which the rules see as a document.
    pub(super) fn details(&self, added: &Added<'_>) -> Option<Json> {
        let mut object = String::new();
        for (name, value) in &added.details {
            object.push(if object.is_empty() { '{' } else { ',' });
            object.push('"');
            json::push_escaped(&mut object, &clean::text(name, limits::NAME_BYTES));
            object.push_str("\":");
            object.push_str(&String::from_utf8_lossy(value));
        }
        if object.is_empty() {
            return None;
        }
        object.push('}');
        let mut kept = String::with_capacity(object.len());
        self.push_json(&mut kept, &object);
        Some(Json::from_valid(kept))
    }

    /// The changes as one array. The rules see each state as a document.
    pub(super) fn changes(&self, added: &Added<'_>) -> Option<Json> {
        let mut array = String::new();
        for change in &added.changes {
            array.push(if array.is_empty() { '[' } else { ',' });
            match serde_json::from_slice(change) {
                Ok(change) => self.push_change(&mut array, &change),
                Err(_) => array.push_str(UNREADABLE_JSON),
            }
        }
        (!array.is_empty()).then(|| Json::from_valid(array + "]"))
    }

    fn push_change(&self, out: &mut String, change: &RawChange<'_>) {
        let texts = [
            ("{\"resource_type\":\"", &change.resource_type),
            ("\",\"resource_id\":\"", &change.resource_id),
            ("\",\"operation\":\"", &change.operation),
        ];
        for (name, text) in texts {
            out.push_str(name);
            json::push_escaped(out, &self.text(text.as_bytes(), limits::NAME_BYTES));
        }
        out.push('"');
        let states = [
            (",\"before\":", change.before),
            (",\"after\":", change.after),
        ];
        for (name, state) in states {
            if let Some(state) = state {
                out.push_str(name);
                self.push_json(out, state.get());
            }
        }
        if let Some(changed) = change.changed {
            // Names, whatever becomes of their values.
            out.push_str(",\"changed\":");
            let names: Vec<Cow<'_, str>> = serde_json::from_str(changed.get()).unwrap_or_default();
            for (at, name) in names.iter().enumerate() {
                out.push_str(if at == 0 { "[\"" } else { ",\"" });
                json::push_escaped(out, &self.text(name.as_bytes(), limits::NAME_BYTES));
                out.push('"');
            }
            out.push_str(if names.is_empty() { "[]" } else { "]" });
        }
        out.push('}');
    }

    fn push_json(&self, out: &mut String, value: &str) {
        let most = out.len() + growth::most(value.len());
        let document = json::Document::named(json::DocumentName::Harmless, most);
        let reading = json::sanitize(&self.rules, value, document, out);
        if reading == json::Reading::Unreadable {
            out.push_str(UNREADABLE_JSON);
        }
    }
}
