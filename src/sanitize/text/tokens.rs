//! Secrets that are known by how they begin.

use std::slice::from_ref;

use super::cards;

/// JSON in base64, with which every JWT begins: `{` or `[`, followed by a
/// quote, a bracket or white space.
const ENCODED_JSON: &[&[u8]] = &[
    b"eyJ", b"eyA", b"ewo", b"ew0", b"ewk", b"W3s", b"WyJ", b"W1s", b"WyA", b"Wwo", b"Ww0",
];
const ENCODED_JSON_BYTES: usize = 16;

/// How providers mark their keys.
const KEY_PREFIXES: &[&[u8]] = &[
    // AWS, Google.
    b"AKIA",
    b"ASIA",
    b"AIza",
    b"ya29.",
    b"GOCSPX-",
    // GitHub, GitLab, DigitalOcean, Docker Hub, HashiCorp Vault, Grafana.
    b"ghp_",
    b"gho_",
    b"ghs_",
    b"ghu_",
    b"ghr_",
    b"github_pat_",
    b"glpat-",
    b"gldt-",
    b"glrt-",
    b"glptt-",
    b"glcbt-",
    b"gloas-",
    b"glsa_",
    b"dop_v1_",
    b"doo_v1_",
    b"dor_v1_",
    b"dckr_pat_",
    b"hvs.",
    // npm, PyPI, Hugging Face.
    b"npm_",
    b"pypi-",
    b"hf_",
    // Slack, SendGrid.
    b"xoxb-",
    b"xoxp-",
    b"xoxa-",
    b"xoxc-",
    b"xoxd-",
    b"xoxe-",
    b"xoxe.",
    b"xoxr-",
    b"xoxs-",
    b"xapp-",
    b"SG.",
    // Stripe, Shopify.
    b"sk_live_",
    b"sk_test_",
    b"rk_live_",
    b"rk_test_",
    b"whsec_",
    b"shpat_",
    b"shpca_",
    b"shppa_",
    b"shpss_",
    // OpenAI, Anthropic and others.
    b"sk-",
    // The file encryption tool.
    b"AGE-SECRET-KEY-",
];
const KEY_BYTES: usize = 20;

/// The secret that begins at `at`.
pub(super) fn secret_at(text: &str, at: usize) -> Option<(usize, usize)> {
    let rest = &text.as_bytes()[at..];
    match rest[0] {
        b'-' => pem(text, at),
        b'0'..=b'9' => cards::card_at(text.as_bytes(), at).map(|end| (at, end)),
        b'B' | b'b' => credentials(rest).map(|(start, end)| (at + start, at + end)),
        b'e' | b'W' => token(rest, ENCODED_JSON, ENCODED_JSON_BYTES).map(|end| (at, at + end)),
        _ => token(rest, KEY_PREFIXES, KEY_BYTES)
            .or_else(|| twilio_key(rest))
            .map(|end| (at, at + end)),
    }
}

fn token(rest: &[u8], prefixes: &[&[u8]], least: usize) -> Option<usize> {
    let begins = |prefix: &&[u8]| prefix[0] == rest[0] && rest.starts_with(prefix);
    if rest.len() < least || !prefixes.iter().any(begins) {
        return None;
    }
    let end = end_of_token(rest);
    (end >= least).then_some(end)
}

/// `SK` and the 32 hexadecimal digits that make it a key of Twilio's.
fn twilio_key(rest: &[u8]) -> Option<usize> {
    const BYTES: usize = 34;
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_key = rest.len() >= BYTES
        && rest.starts_with(b"SK")
        && rest[2..BYTES].iter().all(is_hex)
        && !rest.get(BYTES).is_some_and(u8::is_ascii_alphanumeric);
    is_key.then_some(BYTES)
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

/// Whether any of the tokens above, a PEM block, the word of a scheme or the
/// number of a card may begin like this.
#[inline]
pub(super) fn may_begin(text: &[u8]) -> bool {
    let Some(&[first, second, third]) = text.first_chunk() else {
        return false;
    };
    let [firsts, seconds, thirds] = &BEGINNINGS;
    firsts[usize::from(first)] & seconds[usize::from(second)] & thirds[usize::from(third)] != 0
}

/// The first three bytes of what has no fixed prefix, any of these in each place.
const OTHERS: &[[&[u8]; 3]] = &[
    [b"-", b"-", b"-"],
    [b"Bb", b"Ee", b"Aa"],
    [b"Bb", b"Aa", b"Ss"],
    [b"S", b"K", b"0123456789abcdef"],
    [b"3456", DIGITS, DIGITS],
    [b"2", b"234567", DIGITS],
];
const DIGITS: &[u8] = b"0123456789";

/// The bytes that begin something, by their place: a bit for each beginning.
/// If there are more than bits, some share one, and [`secret_at`] tells them apart.
static BEGINNINGS: [[u64; 256]; 3] = {
    let mut beginnings = [[0; 256]; 3];
    let mut at = 0;
    while at < OTHERS.len() {
        add(&mut beginnings, at, OTHERS[at]);
        at += 1;
    }
    add_prefixes(&mut beginnings, at, ENCODED_JSON);
    add_prefixes(&mut beginnings, at + ENCODED_JSON.len(), KEY_PREFIXES);
    beginnings
};

const fn add_prefixes(beginnings: &mut [[u64; 256]; 3], bit: usize, prefixes: &[&[u8]]) {
    let mut at = 0;
    while at < prefixes.len() {
        let [first, second, third, ..] = prefixes[at] else {
            panic!("a prefix has three bytes at least");
        };
        let bytes = [from_ref(first), from_ref(second), from_ref(third)];
        add(beginnings, bit + at, bytes);
        at += 1;
    }
}

const fn add(beginnings: &mut [[u64; 256]; 3], bit: usize, bytes: [&[u8]; 3]) {
    let mut place = 0;
    while place < 3 {
        let mut at = 0;
        while at < bytes[place].len() {
            beginnings[place][bytes[place][at] as usize] |= 1 << (bit % 64);
            at += 1;
        }
        place += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_beginning_is_overlooked() {
        let words: &[&[u8]] = &[
            b"-----BEGIN",
            b"Bearer",
            b"bEARER",
            b"basic",
            b"BASIC",
            b"SK0",
        ];
        for token in [ENCODED_JSON, KEY_PREFIXES, words].concat() {
            assert!(may_begin(token), "{}", token.escape_ascii());
        }
        for number in ["4111", "5500", "2221", "2720", "3400", "6011"] {
            assert!(may_begin(number.as_bytes()), "{number}");
        }
    }
}
