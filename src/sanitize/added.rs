//! What a handler added: details and changes.

use super::mask::{REDACTED_JSON, UNREADABLE_JSON};
use super::{Sanitizer, clean, json, text};
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

impl Sanitizer {
    pub(super) fn details(&self, added: &Added<'_>) -> Option<Json> {
        let mut object = String::new();
        for (name, value) in &added.details {
            object.push(if object.is_empty() { '{' } else { ',' });
            object.push('"');
            let shown = clean::text(name, limits::NAME_BYTES);
            let shown = text::net(&self.rules.names, &shown).unwrap_or(shown);
            json::push_escaped(&mut object, &shown);
            object.push_str("\":");
            if self.rules.names.is_sensitive(name) && *value != b"null" {
                object.push_str(REDACTED_JSON);
            } else {
                self.push_json(&mut object, value);
            }
        }
        (!object.is_empty()).then(|| Json::from_valid(object + "}"))
    }

    pub(super) fn changes(&self, added: &Added<'_>) -> Option<Json> {
        let mut array = String::new();
        for change in &added.changes {
            array.push(if array.is_empty() { '[' } else { ',' });
            self.push_json(&mut array, change);
        }
        (!array.is_empty()).then(|| Json::from_valid(array + "]"))
    }

    fn push_json(&self, out: &mut String, value: &[u8]) {
        let value = String::from_utf8_lossy(value);
        let document = json::Document::added();
        let reading = json::sanitize(&self.rules.names, &value, document, out);
        if reading == json::Reading::Unreadable {
            out.push_str(UNREADABLE_JSON);
        }
    }
}
