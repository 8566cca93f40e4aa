//! Percent-encoding, as URLs and forms have it.

use std::borrow::Cow;

/// How often something may have been percent-encoded over and over.
pub(super) const ROUNDS: usize = 3;

/// Resolves percent-encoding, also of what was encoded more than once; with
/// `plus`, a `+` is a space. What only looks like an escape stays.
pub(super) fn decoded(text: &[u8], plus: bool) -> Cow<'_, [u8]> {
    let mut text = Cow::Borrowed(text);
    if plus && text.contains(&b'+') {
        for byte in text.to_mut() {
            if *byte == b'+' {
                *byte = b' ';
            }
        }
    }
    for _ in 0..ROUNDS {
        let Some(decoded) = decode_once(&text) else {
            break;
        };
        text = Cow::Owned(decoded);
    }
    text
}

/// The text, with a `+` for a space where `plus` says so.
pub(super) fn spaced(text: &str, plus: bool) -> Cow<'_, str> {
    if plus && text.contains('+') {
        return Cow::Owned(text.replace('+', " "));
    }
    Cow::Borrowed(text)
}

/// Resolves one round of percent-encoding; `None` if there is none.
pub(super) fn decode_once(text: &[u8]) -> Option<Vec<u8>> {
    let first = text.iter().position(|byte| *byte == b'%')?;
    let mut decoded = text[..first].to_vec();
    let mut rest = &text[first..];
    let mut changed = false;
    while let Some((&byte, after)) = rest.split_first() {
        let escape = after.first_chunk::<2>().filter(|_| byte == b'%');
        if let Some(value) = escape.and_then(|digits| hex_byte(*digits)) {
            decoded.push(value);
            rest = &after[2..];
            changed = true;
        } else {
            decoded.push(byte);
            rest = after;
        }
    }
    changed.then_some(decoded)
}

fn hex_byte([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    Some(digit(high)? << 4 | digit(low)?)
}

/// Encodes what cannot stand in a path or, with `plus`, in a form's value;
/// the brackets of a mask can.
pub(super) fn encoded(text: &str, plus: bool) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' if plus => encoded.push('+'),
            b';' if !plus => encoded.push(';'),
            byte if byte.is_ascii_alphanumeric() || b"-._~*[]:/,@$=".contains(&byte) => {
                encoded.push(char::from(byte));
            }
            _ => {
                encoded.push('%');
                encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
                encoded.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_escapes_are_decoded() {
        for (raw, text) in [
            ("a%41%zz%", "aA%zz%"),
            ("%2541", "A"),
            ("%252525252541", "%252541"),
            ("a+b", "a+b"),
        ] {
            assert_eq!(*decoded(raw.as_bytes(), false), *text.as_bytes());
        }
        assert_eq!(*decoded(b"a+%2B", true), *b"a +");
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(text in "[^%]{0,20}", plus: bool) {
            let encoded = encoded(&text, plus);
            prop_assert_eq!(&*decoded(encoded.as_bytes(), plus), text.as_bytes());
        }
    }
}
