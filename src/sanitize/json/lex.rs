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
}

/// Whether a string does not just run over a byte: quotes, backslashes and control characters.
const fn stops(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// Bytes that are looked at together, which compilers turn into a few instructions.
const BLOCK: usize = 16;

/// The next byte at or after `at` that [`stops`] a string.
fn stop_from(input: &[u8], mut at: usize) -> Option<usize> {
    while let Some(block) = input.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        if block.iter().fold(false, |any, byte| any | stops(*byte)) {
            break;
        }
        at += BLOCK;
    }
    let rest = input.get(at..)?;
    Some(at + rest.iter().position(|byte| stops(*byte))?)
}

/// The end of the string whose opening quote is at `start`.
pub(super) fn string(input: &[u8], start: usize) -> Result<StringEnd, Stop> {
    let mut at = start + 1;
    let (mut escaped, mut awry) = (false, false);
    loop {
        at = stop_from(input, at).ok_or(Stop::Cut)?;
        match input[at] {
            b'"' => {
                let end = at + 1;
                return Ok(StringEnd { end, escaped, awry });
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

fn digits(input: &[u8], start: usize) -> Result<usize, Stop> {
    let rest = input.get(start..).unwrap_or_default();
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match (count, rest.len()) {
        (0, 0) => Err(Stop::Cut),
        (0, _) => Err(Stop::Invalid),
        _ => Ok(start + count),
    }
}

/// The end of `true`, `false` or `null` at `start`.
pub(super) fn literal(input: &[u8], start: usize) -> Result<usize, Stop> {
    let rest = &input[start..];
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
