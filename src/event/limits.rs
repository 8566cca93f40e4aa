//! How much of each text is kept.
//!
//! Texts that a store indexes stay far below what an index entry may hold
//! (2,704 bytes in PostgreSQL), so that no request can make a batch fail.
//! A text over its limit is cut at a character's border and the record says
//! so in `capture_notes`.

/// Bytes of a kind's name.
pub const KIND_BYTES: usize = 32;
/// Bytes of an identifier or a short name: actor, tenant, session, request,
/// operation, resource, action, category, tag.
pub const NAME_BYTES: usize = 256;
/// Bytes of a path or a route.
pub const PATH_BYTES: usize = 1024;
/// Bytes of a query string, before sanitizing.
pub const QUERY_BYTES: usize = 4096;
/// Bytes of a user agent.
pub const USER_AGENT_BYTES: usize = 1024;
/// Bytes of an error text, a description, a reason.
pub const TEXT_BYTES: usize = 4096;
/// Bytes of a stack trace.
pub const STACK_TRACE_BYTES: usize = 16 * 1024;
/// Header lines of one request or response that are looked at.
pub const HEADER_LINES: usize = 100;
/// Bytes of one header value that are looked at.
pub const HEADER_VALUE_BYTES: usize = 8 * 1024;
/// Bytes of one header value that are kept.
pub const HEADER_KEPT_BYTES: usize = 1024;
/// Bytes of all header lines of one request or response that are looked at.
pub const HEADERS_BYTES: usize = 32 * 1024;
/// Tags and cookies of one record.
pub const LIST_ITEMS: usize = 64;
/// Bytes of one JSON value that a handler adds: a detail, or a state of a change.
pub const DETAIL_BYTES: usize = 64 * 1024;
/// Details and changes of one record.
pub const DETAIL_ITEMS: usize = 64;
/// Bytes of everything that handlers add to one request's record.
pub const ADDED_BYTES: usize = 256 * 1024;
/// Bytes of one body that can be kept at most.
pub const BODY_BYTES: usize = 256 * 1024;
/// Bytes of everything raw that one event may bring to the queue: more than
/// all parts of a request together, so that its end always finds room.
pub const EVENT_BYTES: usize = 1024 * 1024;

/// The longest start of `text` that has at most `limit` bytes.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let border = (0..=limit).rev().find(|end| text.is_char_boundary(*end));
    &text[..border.unwrap_or_default()]
}
