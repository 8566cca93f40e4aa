//! Secrets that are known by the name in front of them.

use crate::sanitize::mask::REDACTED;
use crate::sanitize::rules::Rules;

/// Bytes before a sign in which a name is looked for.
const NAME_BYTES: usize = 128;

/// The secret behind the `:`, `=` or `>` at `at`.
pub(super) fn value_at(rules: &Rules, text: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    if bytes[at..].starts_with(b"://") {
        return userinfo(text, at + 3);
    }
    let name = name_before(bytes, at)?;
    if rules.listed(name).is_none() && !is_storage_key(name, &bytes[at + 1..]) {
        return None;
    }
    let mut start = at + 1;
    if bytes[at] == b'>' {
        let end = text[start..]
            .find('<')
            .map_or(text.len(), |end| start + end);
        return (start < end).then_some((start, end));
    }
    // `==`, `:=` and `=>` are signs too.
    while matches!(
        bytes.get(start),
        Some(b'=' | b'>' | b':' | b' ' | b'\t' | b'\n' | b'\r')
    ) {
        start += 1;
    }
    let end = if holds_a_line(name) && !matches!(bytes.get(start), Some(b'"' | b'\'' | b'\\')) {
        line_end(text, start)
    } else {
        value_end(bytes, start)
    };
    (start < end).then_some((start, end))
}

/// The key in a connection string of Azure's storage: only its length tells it
/// from the key of an account in somebody's books.
fn is_storage_key(name: &[u8], value: &[u8]) -> bool {
    const BYTES: usize = 40;
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    name.ends_with(b"AccountKey") && value.len() >= BYTES && value[..BYTES].iter().all(is_base64)
}

/// Headers whose value has several parts: a scheme and credentials, or many cookies.
fn holds_a_line(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    [&b"authorization"[..], b"cookie"]
        .iter()
        .any(|end| lower.ends_with(end))
}

fn line_end(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    start + rest.find(['\n', '\r']).unwrap_or(rest.len())
}

/// The name that ends before the sign at `at`, quotes and spaces between them aside.
fn name_before(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let before = &bytes[at.saturating_sub(NAME_BYTES)..at];
    let sort = |at: usize| SORTS[usize::from(before[at])];
    let mut end = before.len();
    while end > 0 && sort(end - 1) == GAP {
        end -= 1;
    }
    let mut start = end;
    while start > 0 && sort(start - 1) == NAME {
        start -= 1;
    }
    if bytes[at] == b'>' && (end != before.len() || start == 0 || before[start - 1] != b'<') {
        return None;
    }
    (start < end).then(|| &before[start..end])
}

/// What may stand between a name and its sign.
const GAP: u8 = 1;
/// What names are made of.
const NAME: u8 = 2;

const SORTS: [u8; 256] = {
    let mut sorts = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        sorts[byte] = match byte as u8 {
            b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' => GAP,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | 0x80.. => NAME,
            b'_' | b'-' | b'.' | b'$' | b'[' | b']' | b'%' => NAME,
            _ => 0,
        };
        byte += 1;
    }
    sorts
};

/// The end of a value: its closing quote, its closing bracket, or what cannot belong to it.
fn value_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' | b'`' | b'\\' if at == start || depth > 0 => {
                if let Some(end) = quoted_end(bytes, at) {
                    if depth == 0 {
                        return end;
                    }
                    at = end;
                    continue;
                }
                // Counted once: a run of backslashes may be all there is.
                at += backslashes(bytes, at).max(1);
                continue;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                if depth == 0 {
                    return at;
                }
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            b',' | b';' | b'&' | b'"' | b'\'' | b'<' | b'|' if depth == 0 => return at,
            _ if depth == 0 && byte.is_ascii_whitespace() => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// The end of what begins with a quote, that may itself be escaped: `\"secret\"`.
fn quoted_end(bytes: &[u8], start: usize) -> Option<usize> {
    let slashes = backslashes(bytes, start);
    let quote = *bytes.get(start + slashes)?;
    if !matches!(quote, b'"' | b'\'' | b'`') {
        return None;
    }
    let mut at = start + slashes + 1;
    let mut before = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte == quote && before <= slashes {
            return Some(at);
        }
        before = if byte == b'\\' { before + 1 } else { 0 };
    }
    Some(bytes.len())
}

/// The length of the run of backslashes at `start`.
fn backslashes(bytes: &[u8], start: usize) -> usize {
    bytes[start..]
        .iter()
        .take_while(|byte| **byte == b'\\')
        .count()
}

/// The user and the password in the URL whose authority begins at `start`.
fn userinfo(text: &str, start: usize) -> Option<(usize, usize)> {
    let rest = &text[start..];
    let (mut end, mut user_end) = (rest.len(), None);
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'@' => user_end = Some(at),
            b'/'
            | b'?'
            | b'#'
            | b'"'
            | b'\''
            | b'<'
            | b'>'
            | b'\\'
            | b'`'
            | b' '
            | b'\t'..=b'\r' => {
                end = at;
                break;
            }
            // Other white space is rare, and so is anything else in a URL that is not ASCII.
            0x80.. if rest.is_char_boundary(at) && rest[at..].starts_with(char::is_whitespace) => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    if let Some(at) = user_end {
        return (at > 0).then_some((start, start + at));
    }
    // A text that was cut may end within the password.
    if end < rest.len() || rest.starts_with('[') {
        return None;
    }
    let (_, port) = rest.rsplit_once(':')?;
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
    let is_done = is_port || port.contains(REDACTED);
    (!is_done).then_some((start, text.len()))
}
