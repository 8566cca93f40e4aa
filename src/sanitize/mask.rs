//! What stands where something was left out.

/// Stands for a value that is, or may be, secret.
pub(super) const REDACTED: &str = "[redacted]";
/// [`REDACTED`] as a JSON string.
pub(super) const REDACTED_JSON: &str = "\"[redacted]\"";
/// Stands for what cannot be read and therefore not be judged.
pub(super) const UNREADABLE: &str = "[unreadable]";
/// [`UNREADABLE`] as a JSON string.
pub(super) const UNREADABLE_JSON: &str = "\"[unreadable]\"";
/// Stands, as a JSON string, for what is nested deeper than readers go.
pub(super) const TOO_DEEP_JSON: &str = "\"[too deep]\"";
/// The member that ends an object which broke off.
pub(super) const TRUNCATED_MEMBER: &str = "\"$truncated\":true";
/// The pair that ends a query or a form which broke off: `$truncated`, percent-encoded.
pub(super) const TRUNCATED_PAIR: &str = "%24truncated=true";
