//! Where in a text a secret may begin, block by block.

use super::tokens;

/// Bytes that are looked at together, which compilers turn into a few instructions.
pub(super) const BLOCK: usize = 16;
/// A block, the byte before it and the two behind it.
const WINDOW: usize = BLOCK + 3;

/// Where a secret may begin in the block at `block`: all bits of that byte
/// are set, the first byte's lowest.
#[inline]
pub(super) fn beginnings(text: &[u8], block: usize) -> u128 {
    let Some(before) = block.checked_sub(1) else {
        return at_the_start(text);
    };
    match text.get(before..).and_then(<[u8]>::first_chunk) {
        Some(window) => of_window(window),
        None => at_the_end(text, block),
    }
}

/// The first block. There is no byte before it, so all but the first are looked at together.
fn at_the_start(text: &[u8]) -> u128 {
    match text.first_chunk::<WINDOW>() {
        Some(window) => {
            let [first, second, third, ..] = *window;
            let begins = is_sign(first) | tokens::is_beginning(first, second, third);
            of_window(window) << 8 | if begins { 0xff } else { 0 }
        }
        None => of_short(1, text),
    }
}

/// A block near the end: what is known of the last whole window, as far as it
/// is of this block. Of the last two bytes only a sign counts, with a byte behind it.
fn at_the_end(text: &[u8], block: usize) -> u128 {
    let Some(window) = text.last_chunk() else {
        return of_short(0, text.get(block - 1..).unwrap_or_default());
    };
    let last_block = text.len() - (WINDOW - 1);
    let bits = |byte: usize| u32::try_from(8 * byte).unwrap_or(u32::MAX);
    let known = of_window(window).checked_shr(bits(block - last_block));
    let sign = text.len() - 2;
    let is_sign = sign >= block && is_sign(text[sign]);
    known.unwrap_or(0)
        | if is_sign {
            0xff << bits(sign - block)
        } else {
            0
        }
}

/// A block of a text that is shorter than a window.
fn of_short(to: usize, rest: &[u8]) -> u128 {
    let mut window = [0; WINDOW];
    let length = rest.len().min(WINDOW - to);
    window[to..][..length].copy_from_slice(&rest[..length]);
    of_window(&window)
}

#[inline]
fn of_window(window: &[u8; WINDOW]) -> u128 {
    let mut bits = [0; BLOCK];
    for (at, bits) in bits.iter_mut().enumerate() {
        let begins = is_sign(window[at + 1])
            | (!is_word(window[at])
                & tokens::is_beginning(window[at + 1], window[at + 2], window[at + 3]));
        *bits = if begins { 0xff } else { 0 };
    }
    u128::from_le_bytes(bits)
}

/// The sign between a name and its value.
pub(super) const fn is_sign(byte: u8) -> bool {
    (byte == b':') | (byte == b'=') | (byte == b'>')
}

/// A letter or a digit: no token begins behind it.
const fn is_word(byte: u8) -> bool {
    ((byte | 0x20).wrapping_sub(b'a') < 26) | (byte.wrapping_sub(b'0') < 10)
}
