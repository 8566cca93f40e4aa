//! A name's letters, and where its words begin.

use crate::sanitize::percent;

/// Letters and digits of a name that are looked at word by word.
const LETTERS: usize = 120;

/// A name's words, joined.
pub(super) struct Words {
    letters: [u8; LETTERS],
    length: usize,
    /// Bit n: a word starts at letter n.
    starts: u128,
}

impl Words {
    pub(super) const fn new() -> Self {
        Self {
            letters: [0; LETTERS],
            length: 0,
            starts: 0,
        }
    }

    pub(super) fn push(&mut self, letter: u8, starts_word: bool) {
        if let Some(place) = self.letters.get_mut(self.length) {
            *place = letter;
            self.starts |= u128::from(starts_word) << self.length;
        }
        self.length += 1;
    }

    /// Whether all letters found room.
    pub(super) const fn is_complete(&self) -> bool {
        self.length <= LETTERS
    }

    pub(super) fn joined(&self) -> &[u8] {
        &self.letters[..self.length.min(LETTERS)]
    }

    /// Whether a word starts or the name ends here.
    pub(super) const fn is_border(&self, at: usize) -> bool {
        at == self.length || (at < self.length && self.starts >> at & 1 == 1)
    }

    pub(super) fn only_digits_from(&self, at: usize) -> bool {
        self.is_border(at) && self.joined()[at..].iter().all(u8::is_ascii_digit)
    }
}

/// Whether nothing in the name needs decoding.
pub(super) fn plain(name: &[u8]) -> bool {
    name.iter().all(|byte| byte.is_ascii() && *byte != b'%')
}

/// Calls `each` with every letter or digit of any name, in lower case, and
/// with whether it starts a word.
pub(super) fn letters(name: &[u8], each: impl FnMut(u8, bool)) {
    let decoded = percent::decoded(name, false);
    if decoded.is_ascii() {
        ascii_letters(&decoded, each);
    } else {
        ascii_letters(&unified(&String::from_utf8_lossy(&decoded)), each);
    }
}

/// Like [`letters`], for names without percent-encoding whose characters
/// outside ASCII are in lower case already.
pub(super) fn ascii_letters(name: &[u8], mut each: impl FnMut(u8, bool)) {
    let mut before = Sort::Other;
    for (at, &byte) in name.iter().enumerate() {
        let sort = Sort::of(byte);
        let starts = match (before, sort) {
            (_, Sort::Other) => {
                before = sort;
                continue;
            }
            // The last of several capitals belongs to what follows: `API|Key`.
            (Sort::Upper, Sort::Upper) => {
                name.get(at + 1).map(|next| Sort::of(*next)) == Some(Sort::Lower)
            }
            (Sort::Upper, Sort::Lower) => false,
            _ => before != sort,
        };
        each(byte.to_ascii_lowercase(), starts);
        before = sort;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Lower,
    Upper,
    Digit,
    Other,
}

impl Sort {
    const fn of(byte: u8) -> Self {
        match byte {
            b'a'..=b'z' | 0x80.. => Self::Lower,
            b'A'..=b'Z' => Self::Upper,
            b'0'..=b'9' => Self::Digit,
            _ => Self::Other,
        }
    }
}

/// Letters outside ASCII in lower case, full-width forms as what they stand
/// for, and everything else outside ASCII as a separator.
fn unified(name: &str) -> Vec<u8> {
    let mut unified = String::with_capacity(name.len());
    for letter in name.chars() {
        let narrow = match letter {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(letter as u32 - 0xfee0).unwrap_or(letter),
            // A letter of its own in the eyes of Unicode, but none in anybody's name.
            '\u{17f}' => 's',
            _ => letter,
        };
        if narrow.is_ascii() {
            unified.push(narrow);
        } else if narrow.is_alphanumeric() {
            unified.extend(narrow.to_lowercase());
        } else {
            unified.push('-');
        }
    }
    unified.into_bytes()
}
