//! Bytes to text that any store takes.

use std::borrow::Cow;

use crate::event::limits;

/// Text from any bytes: invalid UTF-8, control characters save tabs and line
/// ends, and what turns text around become U+FFFD, and the result has at most `limit` bytes.
pub(super) fn text(bytes: &[u8], limit: usize) -> String {
    // Nearly always valid, and quicker to find so than to repair.
    let mut text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    };
    if !is_plain(bytes) && text.contains(is_deceptive) {
        text = Cow::Owned(text.replace(is_deceptive, "\u{fffd}"));
    }
    limits::cut(&text, limit).to_owned()
}

/// What [`text`] has to replace in these bytes, as notes for the record.
pub(super) fn flaws(bytes: &[u8]) -> impl Iterator<Item = &'static str> {
    let (mut invalid, mut nul, mut control) = (false, false, false);
    if !is_plain(bytes) {
        let text = String::from_utf8_lossy(bytes);
        invalid = std::str::from_utf8(bytes).is_err();
        nul = bytes.contains(&0);
        control = text.contains(|sign| sign != '\0' && is_deceptive(sign));
    }
    let notes = [
        (invalid, "invalid_utf8"),
        (nul, "nul_replaced"),
        (control, "control_replaced"),
    ];
    notes
        .into_iter()
        .filter_map(|(is_so, note)| is_so.then_some(note))
}

fn is_plain(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r'))
}

/// Whether a terminal or a page would not show the character but obey it:
/// controls of C0 and C1, and overrides and isolates of the writing direction.
fn is_deceptive(sign: char) -> bool {
    sign.is_control() && !matches!(sign, '\t' | '\n' | '\r')
        || matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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

    #[test]
    fn text_is_shown_and_never_obeyed() {
        let hostile = "a\t\n\r\u{0}\u{1b}[31m\u{7f}\u{9b}\u{202e}\u{2066}\u{200f}\u{e9}";
        let shown = "a\t\n\r\u{fffd}\u{fffd}[31m\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{200f}\u{e9}";
        assert_eq!(text(hostile.as_bytes(), 100), shown);
        let notes: Vec<_> = flaws(hostile.as_bytes()).collect();
        assert_eq!(notes, ["nul_replaced", "control_replaced"]);
        assert_eq!(flaws("\u{200f}\u{e9}\n".as_bytes()).count(), 0);
    }
}
