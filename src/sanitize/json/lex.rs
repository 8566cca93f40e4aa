//! Where a JSON token ends (RFC 8259).

/// Why a token has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The input ends first; what is there is well so far.
    Cut,
    /// The grammar does not allow it.
    Invalid,
}

/// A string's end, and what its content asks for.
pub(super) struct StringEnd {
    /// Just behind the closing quote.
    pub(super) end: usize,
    /// It holds escapes.
    pub(super) escaped: bool,
    /// It holds escapes that stores refuse: NUL, or half of a surrogate pair.
    pub(super) awry: bool,
    /// It may hold a space, a sign, a bracket or a `%`. Without any, and short, it holds no secret either.
    pub(super) telling: bool,
}

/// Bytes that are looked at together, which compilers turn into a few instructions.
const BLOCK: usize = 16;

/// A string does not just run over the byte: it is a quote, a backslash or a control character.
const STOPS: u8 = 0x80;
/// The byte makes a string [`StringEnd::telling`].
const TELLS: u8 = 1;

/// Without branches, so that it works on blocks.
const fn class(byte: u8) -> u8 {
    let stops = (byte < b' ') | (byte == b'"') | (byte == b'\\');
    let is_sign = (byte == b':') | (byte == b'=') | (byte == b'>');
    let tells = is_sign | (byte == b' ') | (byte == b'%') | (byte | 0x20 == b'{');
    ((stops as u8) << 7) | tells as u8
}

const ALL_STOP: u128 = u128::from_ne_bytes([STOPS; BLOCK]);
const ALL_TELL: u128 = u128::from_ne_bytes([TELLS; BLOCK]);

/// The end of the string whose opening quote is at `start`.
#[inline]
pub(super) fn string(input: &[u8], start: usize) -> Result<StringEnd, Stop> {
    let mut at = start + 1;
    // Most strings end within a block.
    if let Some(block) = input.get(at..).and_then(<[u8]>::first_chunk) {
        let classes = classes(block);
        let stops = classes & ALL_STOP;
        let length = stops.trailing_zeros() as usize / 8;
        if block.get(length) == Some(&b'"') {
            return Ok(StringEnd {
                end: at + length + 1,
                escaped: false,
                awry: false,
                telling: classes & ALL_TELL & (stops - 1) != 0,
            });
        }
        at += length;
    }
    long_string(input, at)
}

/// The end of a string of any sort that runs plainly to `at`.
#[inline(never)]
fn long_string(input: &[u8], mut at: usize) -> Result<StringEnd, Stop> {
    let (mut escaped, mut awry) = (false, false);
    loop {
        at = stop_from(input, at).ok_or(Stop::Cut)?;
        match input[at] {
            b'"' => {
                return Ok(StringEnd {
                    end: at + 1,
                    escaped,
                    awry,
                    telling: true,
                });
            }
            b'\\' => {
                let (end, well) = escape(input, at)?;
                escaped = true;
                awry |= !well;
                at = end;
            }
            _ => return Err(Stop::Invalid),
        }
    }
}

/// The next byte at or after `at` that stops a string.
#[inline]
fn stop_from(input: &[u8], mut at: usize) -> Option<usize> {
    while let Some(block) = input.get(at..).and_then(<[u8]>::first_chunk) {
        let stops = classes(block) & ALL_STOP;
        if stops != 0 {
            return Some(at + stops.trailing_zeros() as usize / 8);
        }
        at += BLOCK;
    }
    let rest = input.get(at..)?;
    let stop = rest.iter().position(|byte| class(*byte) & STOPS != 0)?;
    Some(at + stop)
}

#[inline]
fn classes(block: &[u8; BLOCK]) -> u128 {
    let mut classes = [0; BLOCK];
    for (place, byte) in classes.iter_mut().zip(block) {
        *place = class(*byte);
    }
    u128::from_le_bytes(classes)
}

/// The end of the escape at `at`, of a whole surrogate pair where there is
/// one, and whether stores take it.
fn escape(input: &[u8], at: usize) -> Result<(usize, bool), Stop> {
    match input.get(at + 1) {
        None => Err(Stop::Cut),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok((at + 2, true)),
        Some(b'u') => {
            let unit = code_unit(input, at)?;
            if !(0xd800..0xdc00).contains(&unit) {
                return Ok((at + 6, unit != 0 && !(0xdc00..0xe000).contains(&unit)));
            }
            let low = input[at + 6..].starts_with(b"\\u")
                && (0xdc00..0xe000).contains(&code_unit(input, at + 6)?);
            Ok(if low {
                (at + 12, true)
            } else {
                (at + 6, false)
            })
        }
        Some(_) => Err(Stop::Invalid),
    }
}

/// The four digits of the `\u` at `at`.
pub(super) fn code_unit(input: &[u8], at: usize) -> Result<u32, Stop> {
    let mut unit = 0;
    for offset in 2..6 {
        let digit = *input.get(at + offset).ok_or(Stop::Cut)?;
        unit = unit << 4 | char::from(digit).to_digit(16).ok_or(Stop::Invalid)?;
    }
    Ok(unit)
}

/// The end of the number at `start`.
#[inline]
pub(super) fn number(input: &[u8], start: usize) -> Result<usize, Stop> {
    let byte = |at: usize| input.get(at).copied();
    let mut at = start + usize::from(byte(start) == Some(b'-'));
    at = match byte(at) {
        Some(b'0') => at + 1,
        _ => digits(input, at)?,
    };
    if byte(at) == Some(b'.') {
        at = digits(input, at + 1)?;
    }
    if matches!(byte(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(byte(at + 1), Some(b'+' | b'-')));
        at = digits(input, at)?;
    }
    Ok(at)
}

#[inline]
fn digits(input: &[u8], start: usize) -> Result<usize, Stop> {
    let mut at = start;
    while input.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    if at > start {
        return Ok(at);
    }
    Err(if at < input.len() {
        Stop::Invalid
    } else {
        Stop::Cut
    })
}

/// The end of `true`, `false` or `null` at `start`.
#[inline]
pub(super) fn literal(input: &[u8], start: usize) -> Result<usize, Stop> {
    let rest = &input[start..];
    if let Some(b"true" | b"null") = rest.first_chunk() {
        return Ok(start + 4);
    }
    for word in [&b"true"[..], b"false", b"null"] {
        if rest.starts_with(word) {
            return Ok(start + word.len());
        }
        if word.starts_with(rest) {
            return Err(Stop::Cut);
        }
    }
    Err(Stop::Invalid)
}

/// The end of the object or array at `start`, by its brackets alone.
pub(super) fn skip_nested(input: &[u8], start: usize) -> Result<usize, Stop> {
    let mut depth = 0_usize;
    let mut at = start;
    loop {
        match *input.get(at).ok_or(Stop::Cut)? {
            b'"' => {
                at = string(input, at)?.end;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Ok(at);
        }
    }
}
