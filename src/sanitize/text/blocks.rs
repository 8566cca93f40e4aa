//! Where in a text a secret may begin, block by block.

use super::tokens;

/// Bytes that are looked at together, which compilers turn into a few instructions.
pub(super) const BLOCK: usize = 16;
/// A block, the byte before it and the two behind it.
const WINDOW: usize = BLOCK + 3;

/// Where a secret may begin in the block at `block`: all bits of that byte
/// are set, the first byte's lowest. The text's last byte is none: nothing is behind it.
#[inline]
pub(super) fn beginnings(text: &[u8], block: usize) -> u128 {
    let window = block
        .checked_sub(1)
        .and_then(|start| text.get(start..)?.first_chunk::<WINDOW>());
    match window {
        Some(window) => of_window(window),
        None => at_an_end(text, block),
    }
}

/// A block for which the text begins too late or ends too early.
fn at_an_end(text: &[u8], block: usize) -> u128 {
    let mut window = [0; WINDOW];
    let (to, from) = match block.checked_sub(1) {
        Some(before) => (0, before),
        None => (1, 0),
    };
    let rest = text.get(from..).unwrap_or_default();
    if let Some(whole) = rest.first_chunk::<{ WINDOW - 1 }>() {
        window[to..][..WINDOW - 1].copy_from_slice(whole);
    } else {
        window[to..][..rest.len()].copy_from_slice(rest);
    }
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
