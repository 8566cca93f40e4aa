//! The pass over a document of JSON, on its own.

use crate::Sanitizer;

/// The document as it would be stored as a body; nothing if it is not JSON.
///
/// For benchmarks and fuzzers, which would otherwise measure a whole record.
pub fn sanitize_json(sanitizer: &Sanitizer, document: &str) -> Option<String> {
    sanitizer.whole_json(document)
}
