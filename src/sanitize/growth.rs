//! How much longer than it was a text may become.

/// How many times as long as it was, besides [`MOST_ADDED`] bytes.
const MOST_GROWTH: usize = 4;
const MOST_ADDED: usize = 4096;

/// Bytes of what may become of a text with this length. Values that would
/// make it longer are masked, so that none grows further than masks do.
pub(super) fn most(length: usize) -> usize {
    length
        .saturating_mul(MOST_GROWTH)
        .saturating_add(MOST_ADDED)
}
