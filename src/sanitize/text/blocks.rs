//! Where in a text a secret may begin, many bytes at a time.

/// Bytes of which is told in one go.
pub(super) const STRETCH: usize = u64::BITS as usize;
/// Bytes that are looked at together, which compilers turn into a few instructions.
const BLOCK: usize = 16;
/// A block and the byte before it.
const WINDOW: usize = BLOCK + 1;

/// Where a secret may begin in the stretch at `start`, at a sign or at the
/// first byte of a word: a bit for each byte, the first byte's lowest.
#[inline]
pub(super) fn beginnings(text: &[u8], start: usize) -> u64 {
    let end = text.len().min(start + STRETCH);
    let blocks = (start..end).step_by(BLOCK);
    blocks.fold(0, |beginnings, block| {
        beginnings | u64::from(of_block(text, block)) << (block - start)
    })
}

#[inline]
fn of_block(text: &[u8], block: usize) -> u16 {
    let Some(before) = block.checked_sub(1) else {
        return at_the_start(text);
    };
    match text.get(before..).and_then(<[u8]>::first_chunk) {
        Some(window) => of_window(window),
        None => at_the_end(text, before),
    }
}

/// The first block. There is no byte before it, so anything may begin with the first.
#[inline]
fn at_the_start(text: &[u8]) -> u16 {
    match text.first_chunk() {
        Some(window) => of_window(window) << 1 | 1,
        None => of_short(1, text),
    }
}

/// A block near the end: what is known of the last whole window, as far as it is of this block.
#[inline]
fn at_the_end(text: &[u8], before: usize) -> u16 {
    match text.last_chunk() {
        Some(window) => of_window(window) >> (before - (text.len() - WINDOW)),
        None => of_short(0, &text[before..]),
    }
}

/// A block of a text that is shorter than a window.
fn of_short(to: usize, rest: &[u8]) -> u16 {
    let mut window = [0; WINDOW];
    let length = rest.len().min(WINDOW - to);
    window[to..][..length].copy_from_slice(&rest[..length]);
    of_window(&window)
}

#[inline]
fn of_window(window: &[u8; WINDOW]) -> u16 {
    const ALL_WORDS: u128 = u128::from_ne_bytes([BEGINS_WORD; BLOCK]);
    /// Takes the lowest bits of eight bytes into the highest byte, in their order.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut classes = [0; BLOCK];
    for (at, place) in classes.iter_mut().enumerate() {
        *place = class(window[at], window[at + 1]);
    }
    let classes = u128::from_le_bytes(classes);
    let begin = (classes & ALL_WORDS) >> 7 | classes & !ALL_WORDS;
    let gathered = |half: u64| half.wrapping_mul(GATHER) >> 56;
    (gathered(begin as u64) | gathered((begin >> 64) as u64) << 8) as u16
}

/// The byte may be the first of a word.
const BEGINS_WORD: u8 = 0x80;

/// What a byte is behind the one before it: [`BEGINS_WORD`], 1 for a sign, or
/// 0. Without branches and as bits of their own, so that it works on blocks.
#[inline]
const fn class(before: u8, byte: u8) -> u8 {
    // Letters, digits, the hyphen, and others that take no comparison more.
    let is_inside = (byte > b',') & ((byte < b':') | (byte > b'>'));
    (((!is_word(before) & is_inside) as u8) << 7) | is_sign(byte) as u8
}

/// The sign between a name and its value.
pub(super) const fn is_sign(byte: u8) -> bool {
    (byte == b':') | (byte == b'=') | (byte == b'>')
}

/// A letter or a digit: no token begins behind it.
const fn is_word(byte: u8) -> bool {
    ((byte | 0x20).wrapping_sub(b'a') < 26) | (byte.wrapping_sub(b'0') < 10)
}
