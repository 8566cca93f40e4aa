//! The sanitized document, written in spans as far as it stays.

use super::Scanner;
use crate::sanitize::json::escape;
use crate::sanitize::mask::{REDACTED, TRUNCATED_MEMBER};

/// Where a member or element begins, and how far things were then.
#[derive(Clone, Copy, Default)]
pub(super) struct Item {
    start: usize,
    /// The comma before it, if it is not the first.
    pub(super) comma: Option<usize>,
    copied: usize,
    out: usize,
}

impl Scanner<'_> {
    #[inline]
    pub(super) fn begin_item(&mut self) {
        if self.rules.removes {
            self.item = Item {
                start: self.at,
                copied: self.copied,
                out: self.out.len(),
                comma: self.item.comma,
            };
        }
    }

    /// Remembers that all before this point is complete.
    #[inline]
    pub(super) fn keep(&mut self) {
        if self.hidden.is_none() {
            self.kept_in = self.at;
        }
    }

    pub(super) fn copy_to(&mut self, end: usize) {
        if self.kept_in >= self.copied {
            self.kept_out = self.out.len() + self.kept_in - self.copied;
        }
        self.out.push_str(&self.input[self.copied..end]);
        self.copied = end;
    }

    /// Leaves out the member or element that was read, and the comma before it.
    pub(super) fn remove_item(&mut self) {
        self.out.truncate(self.item.out);
        self.copied = self.item.copied;
        self.copy_to(self.item.comma.unwrap_or(self.item.start));
        self.copied = self.at;
    }

    /// Puts a string in place of the value that was read.
    pub(super) fn replace(&mut self, start: usize, text: &str) {
        self.copy_to(start);
        self.out.push('"');
        self.push_within_bounds(text);
        self.out.push('"');
        self.copied = self.at;
    }

    /// Puts a text in place of a string's content.
    pub(super) fn replace_content(&mut self, start: usize, end: usize, text: &str) {
        self.copy_to(start + 1);
        self.push_within_bounds(text);
        self.copied = end - 1;
    }

    /// Adds the text, or a mask where it is shorter and the document has grown enough.
    fn push_within_bounds(&mut self, text: &str) {
        let start = self.out.len();
        escape::push_escaped(self.out, text);
        let length = self.out.len() - start;
        if self.out.len() > self.document.most && length > REDACTED.len() {
            self.out.truncate(start);
            self.out.push_str(REDACTED);
        }
    }

    /// Copies the rest of a document that was read to its end.
    pub(in crate::sanitize::json) fn finish(&mut self) {
        self.copy_to(self.input.len());
    }

    /// Ends a document that broke off. False if nothing of it can be kept.
    pub(in crate::sanitize::json) fn close_what_is_open(&mut self) -> bool {
        if let Some(hidden) = self.hidden {
            self.nesting.close_to(hidden.depth);
        }
        if self.kept_in < self.copied {
            self.out.truncate(self.kept_out);
        } else {
            self.copy_to(self.kept_in);
        }
        let Some(is_object) = self.nesting.is_object() else {
            return false;
        };
        if self.nesting.is_filled() {
            self.out.push(',');
        }
        if is_object {
            self.out.push_str(TRUNCATED_MEMBER);
        } else {
            self.out.push('{');
            self.out.push_str(TRUNCATED_MEMBER);
            self.out.push('}');
        }
        while let Some(is_object) = self.nesting.is_object() {
            self.out.push(if is_object { '}' } else { ']' });
            self.nesting.close();
        }
        true
    }
}
