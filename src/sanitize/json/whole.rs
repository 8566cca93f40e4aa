//! A whole document, for those who look at nothing else.

use super::{Document, Reading};
use crate::Sanitizer;
use crate::sanitize::growth;

impl Sanitizer {
    /// The document as it is stored as a body; nothing if it is not JSON.
    pub(crate) fn whole_json(&self, document: &str) -> Option<String> {
        let mut out = String::with_capacity(document.len() + 32);
        let whole = Document::body(false, growth::most(document.len()));
        let reading = super::sanitize(&self.rules, document, whole, &mut out);
        (reading == Reading::Complete).then_some(out)
    }
}
