//! Secrets that are known by how they begin.

/// The first letters of everything below.
pub(super) const FIRST_LETTERS: &[u8] = b"-ABbeghnrSsWx";

/// JSON in base64, with which every JWT begins: `{` or `[`, followed by a
/// quote, a bracket or white space.
const ENCODED_JSON: &[&[u8]] = &[
    b"eyJ", b"eyA", b"ewo", b"ew0", b"ewk", b"W3s", b"WyJ", b"W1s", b"WyA", b"Wwo", b"Ww0",
];
const ENCODED_JSON_BYTES: usize = 16;

/// How providers mark their keys.
const KEY_PREFIXES: &[&[u8]] = &[
    b"AKIA",
    b"ASIA",
    b"AIza",
    b"ghp_",
    b"gho_",
    b"ghs_",
    b"ghu_",
    b"ghr_",
    b"github_pat_",
    b"glpat-",
    b"xoxb-",
    b"xoxp-",
    b"xoxa-",
    b"xapp-",
    b"sk_live_",
    b"sk_test_",
    b"rk_live_",
    b"sk-",
    b"SG.",
    b"hf_",
    b"npm_",
    b"AGE-SECRET-KEY-",
];
const KEY_BYTES: usize = 20;

/// The secret that begins at `at`, where no word goes on, or right behind the word there.
#[inline]
pub(super) fn secret_at(text: &str, at: usize) -> Option<(usize, usize)> {
    let [first, second, ..] = text.as_bytes()[at..] else {
        return None;
    };
    if is_beginning(first, second) {
        begun_at(text, at)
    } else {
        None
    }
}

#[inline(never)]
fn begun_at(text: &str, at: usize) -> Option<(usize, usize)> {
    let rest = &text.as_bytes()[at..];
    match rest[0] {
        b'-' => pem(text, at),
        b'B' | b'b' => credentials(rest).map(|(start, end)| (at + start, at + end)),
        b'e' | b'W' => token(rest, ENCODED_JSON, ENCODED_JSON_BYTES).map(|end| (at, at + end)),
        _ => token(rest, KEY_PREFIXES, KEY_BYTES).map(|end| (at, at + end)),
    }
}

fn token(rest: &[u8], prefixes: &[&[u8]], least: usize) -> Option<usize> {
    if !prefixes.iter().any(|prefix| rest.starts_with(prefix)) {
        return None;
    }
    let end = end_of_token(rest);
    (end >= least).then_some(end)
}

/// Letters of base64 in both alphabets, and what joins the parts of tokens.
fn end_of_token(rest: &[u8]) -> usize {
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.+/=~%".contains(byte);
    rest.iter()
        .position(|byte| !inside(byte))
        .unwrap_or(rest.len())
}

/// From a PEM block's first marker to the end of its last, or of the text.
fn pem(text: &str, at: usize) -> Option<(usize, usize)> {
    let rest = &text[at..];
    if !rest.starts_with("-----BEGIN ") {
        return None;
    }
    let end = rest.find("-----END ").and_then(|marker| {
        let label = marker + "-----END ".len();
        Some(label + rest[label..].find("-----")? + "-----".len())
    });
    Some((at, at + end.unwrap_or(rest.len())))
}

/// What follows the word `Bearer`, or `Basic` if that does not begin an English phrase.
fn credentials(rest: &[u8]) -> Option<(usize, usize)> {
    let word = |word: &[u8]| {
        let head = rest.get(..word.len())?;
        head.eq_ignore_ascii_case(word).then_some(word.len())
    };
    let bearer = word(b"bearer ");
    let mut start = bearer.or_else(|| word(b"basic "))?;
    start += rest[start..]
        .iter()
        .take_while(|byte| **byte == b' ')
        .count();
    let inside = |byte: &u8| !byte.is_ascii_whitespace() && !b",;&\"'<>\\)]}".contains(byte);
    let credentials = &rest[start..];
    if credentials.starts_with(crate::sanitize::mask::REDACTED.as_bytes()) {
        return None;
    }
    let length = credentials
        .iter()
        .position(|byte| !inside(byte))
        .unwrap_or(credentials.len());
    let encoded = credentials[..length]
        .iter()
        .any(|byte| !byte.is_ascii_lowercase());
    (length > 0 && (bearer.is_some() || encoded)).then_some((start, start + length))
}

/// Bytes that are looked at together, which compilers turn into a few instructions.
pub(super) const BLOCK: usize = 16;

/// The start of the first block at or after `at` in which something may begin, or of the last bytes.
pub(super) fn skip_quiet_blocks(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk::<{ BLOCK + 1 }>)
    {
        let mut any = false;
        for (first, second) in block.iter().zip(&block[1..]) {
            any |= matches!(first, b':' | b'=' | b'>') | is_beginning(*first, *second);
        }
        if any {
            break;
        }
        at += BLOCK;
    }
    at
}

/// Whether any of the tokens above, a PEM block or the word of a scheme may
/// begin with these two letters. Without branches, so that it works on blocks.
const fn is_beginning(first: u8, second: u8) -> bool {
    let (either, next) = (first | 0x20, second | 0x20);
    matches!(first, b'W' | b'A' | b'S')
        | ((first == b'-') & (second == b'-'))
        | ((either == b'b') & matches!(next, b'a' | b'e'))
        | ((first == b'e') & matches!(second, b'y' | b'w'))
        | ((first == b'g') & matches!(second, b'h' | b'i' | b'l'))
        | ((first == b'h') & (second == b'f'))
        | ((first == b'n') & (second == b'p'))
        | (matches!(first, b's' | b'r') & (second == b'k'))
        | ((first == b'x') & matches!(second, b'o' | b'a'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_beginning_is_overlooked() {
        let words: &[&[u8]] = &[b"-----BEGIN", b"Bearer", b"bEARER", b"basic", b"BASIC"];
        for token in [ENCODED_JSON, KEY_PREFIXES, words].concat() {
            assert!(is_beginning(token[0], token[1]), "{}", token.escape_ascii());
            assert!(
                FIRST_LETTERS.contains(&token[0]),
                "{}",
                token.escape_ascii()
            );
        }
    }
}
