//! From raw data to what may be stored.
//!
//! Everything here fails closed: what cannot be read cannot be judged, and
//! what cannot be judged is replaced by a placeholder. Nothing here fails or
//! panics, whatever the bytes.

mod added;
mod body;
mod builder;
mod clean;
#[cfg(feature = "decode")]
mod decode;
#[cfg(not(feature = "decode"))]
#[path = "no_decode.rs"]
mod decode;
mod digest;
mod form;
mod freeze;
mod growth;
mod headers;
mod json;
mod mask;
mod media;
mod message;
mod multipart;
mod names;
mod paths;
mod patterns;
mod percent;
mod pseudonym;
mod rules;
mod strategy;
#[cfg(test)]
mod tests;
mod text;
mod url;

use std::fmt;
use std::sync::{Arc, LazyLock};

pub use builder::SanitizerBuilder;
pub(crate) use decode::Coding;
pub(crate) use digest::BodyDigest;
pub(crate) use media::{is_identity, readable_content_type};
pub use strategy::{CustomStrategy, Strategy};

use crate::event::{Capture, Event, Record, limits};
use rules::Rules;

/// Turns raw data into records, leaving out what is secret.
///
/// Names decide: whatever goes by a sensitive name (a password, a token, a
/// key, …) is masked with `[redacted]`, in JSON, forms, queries, headers,
/// details and changes alike, whatever its type and however the name is
/// written. Free text passes a net: values behind sensitive names, credentials, tokens, keys of
/// many providers, private keys, and numbers of payment cards. Headers are kept if they
/// are on a list, cookies by name, and bodies that cannot be read leave type and size.
/// Of `multipart/form-data` comes a JSON array: `{"name":"user","value":"ada"}` for a
/// field, `{"name":"file","filename":"a.png","content_type":"image/png","bytes":123}`
/// for a file, and `{"$truncated":true}` at the end of one that was cut.
///
/// [`Sanitizer::builder`] adds rules to these: by name, by place in JSON, by regular expression or
/// by a function, and a [`Strategy`] for each. [`SanitizerBuilder::otherwise`] turns it
/// round: only what is allowed stays. [`Auditor::preview`](crate::Auditor::preview) shows what
/// would be stored.
///
/// No rule makes a body grow without end: what would make it longer than four times its text,
/// and 4 KiB, is masked instead, and masks make at most twelve times its text of it, and 4 KiB.
/// A byte that is no text counts as three. Details and states of changes have the same bound.
///
/// What is not found:
///
/// - a secret under a name that does not tell, such as `{"note": "my password is hunter2"}`,
///   and what stands behind a space or a comma in free text (`password: correct horse`);
/// - a name in one member and its value in another, such as
///   `{"name": "password", "value": "hunter2"}`;
/// - what is encoded in base64 and not JSON, or more than three times with percent signs, and
///   text in charsets in which its letters are not those of ASCII (`utf-7`);
/// - the parts of a form with files inside of text or of a string;
/// - tags with attributes or children in XML and HTML inside of text;
/// - a secret that is a segment of the path, unless it looks like a token;
/// - `code`, as OAuth has it in a query: add it with [`SanitizerBuilder::deny`] where it matters.
///
/// Cloning is cheap.
#[derive(Clone)]
pub struct Sanitizer {
    rules: Arc<Rules>,
}

impl Sanitizer {
    fn new(rules: Rules) -> Self {
        Self {
            rules: Arc::new(rules),
        }
    }

    /// Starts from the shipped rules.
    pub fn builder() -> SanitizerBuilder {
        SanitizerBuilder::default()
    }

    /// The record that would be stored for an event: what is sensitive is masked, what is too long is cut.
    #[allow(clippy::needless_pass_by_value)] // the raw data ends here
    pub fn record(&self, event: Event) -> Record {
        Record::seal(self.fields(Capture::new(event.as_bytes())))
    }

    /// The beginning of a body's digest, under the key in use, if there is one.
    pub(crate) fn body_digest(&self) -> Option<BodyDigest> {
        self.rules.keys.digest()
    }

    /// The digest as it is stored.
    pub(crate) fn digest_text(&self, digest: BodyDigest) -> Option<String> {
        self.rules.keys.digest_text(digest)
    }

    /// The digests of a body under all keys, the one in use first.
    pub(crate) fn body_digests(&self, body: &[u8]) -> Vec<String> {
        self.rules.keys.digests(body)
    }

    /// The pseudonyms of a value under all keys, the one in use first.
    pub(crate) fn pseudonyms(&self, value: &str) -> Vec<String> {
        self.rules.keys.all(value).collect()
    }

    /// Free text, with what looks secret masked, of at most `limit` bytes.
    pub(crate) fn text(&self, bytes: &[u8], limit: usize) -> String {
        let text = clean::text(bytes, bytes.len().saturating_mul(3));
        let mut text = text::value_with_links(&self.rules, &text, 1).unwrap_or(text);
        text.truncate(limits::cut(&text, limit).len());
        text
    }
}

impl Default for Sanitizer {
    /// The shipped rules.
    fn default() -> Self {
        static SHIPPED: LazyLock<Sanitizer> = LazyLock::new(|| {
            Sanitizer::builder()
                .build()
                .expect("the shipped rules are valid")
        });
        SHIPPED.clone()
    }
}

impl fmt::Debug for Sanitizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sanitizer").finish_non_exhaustive()
    }
}
