//! Bytes to text that any store takes.

use std::borrow::Cow;

use crate::event::limits;

/// Text from any bytes: invalid UTF-8 and NUL become U+FFFD, and the result has at most `limit` bytes.
pub(super) fn text(bytes: &[u8], limit: usize) -> String {
    // Nearly always valid, and quicker to find so than to repair.
    let mut text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    };
    if text.contains('\0') {
        text = Cow::Owned(text.replace('\0', "\u{fffd}"));
    }
    limits::cut(&text, limit).to_owned()
}

/// What [`text`] has to replace in these bytes, as notes for the record.
pub(super) fn flaws(bytes: &[u8]) -> impl Iterator<Item = &'static str> {
    let is_plain = bytes.is_ascii() && !bytes.contains(&0);
    let invalid = (!is_plain && std::str::from_utf8(bytes).is_err()).then_some("invalid_utf8");
    let nul = (!is_plain && bytes.contains(&0)).then_some("nul_replaced");
    invalid.into_iter().chain(nul)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_become_text_within_the_limit(bytes in prop::collection::vec(any::<u8>(), 0..200), limit in 0..100_usize) {
            let text = text(&bytes, limit);
            prop_assert!(text.len() <= limit);
            prop_assert!(!text.contains('\0'));
        }
    }
}
