//! The head of a part, and the parameters of header values.

use std::borrow::Cow;

use crate::event::limits;
use crate::sanitize::mask::UNREADABLE;
use crate::sanitize::media::Format;
use crate::sanitize::percent;

/// Header lines that a part may have.
const MAX_LINES: usize = 32;

/// The boundary that a `content-type` tells, if it is a valid one (RFC 2046).
pub(super) fn boundary(content_type: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (_, parameters) = parameters(content_type)?;
    let (_, boundary) = parameters
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(b"boundary"))?;
    let usual = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte);
    let is_valid = (1..=70).contains(&boundary.len())
        && boundary.iter().all(usual)
        && boundary.last() != Some(&b' ');
    is_valid.then_some(boundary)
}

/// What the header lines of a part say.
pub(super) struct Head<'a> {
    pub(super) name: String,
    /// Marks a file, even if it is empty.
    pub(super) filename: Option<String>,
    /// Whether the content is what it is, in UTF-8.
    pub(super) is_utf_8: bool,
    content_type: Option<&'a [u8]>,
}

impl<'a> Head<'a> {
    /// Nothing if anything of it is in doubt.
    pub(super) fn read(lines: &'a [u8]) -> Option<Self> {
        let (mut disposition, mut content_type) = (None, None);
        let mut is_utf_8 = true;
        for (number, line) in split_lines(lines).enumerate() {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if number == MAX_LINES || !is_token(name) || !value.iter().all(is_visible) {
                return None;
            }
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            if is("content-disposition") {
                set_once(&mut disposition, value)?;
            } else if is("content-type") {
                set_once(&mut content_type, value)?;
            } else if is("content-transfer-encoding") || is("content-encoding") {
                let plain: [&[u8]; 4] = [b"7bit", b"8bit", b"binary", b"identity"];
                is_utf_8 &= plain.iter().any(|plain| value.eq_ignore_ascii_case(plain));
            }
        }
        let (name, filename) = read_disposition(disposition?)?;
        if let Some(value) = content_type {
            is_utf_8 &= is_charset_utf_8(value)?;
        }
        Some(Self {
            name,
            filename,
            is_utf_8,
            content_type,
        })
    }

    /// Whether its content is a JSON document, and no file.
    pub(super) fn is_json(&self) -> bool {
        let format = self.media_type().and_then(Format::of);
        self.filename.is_none() && format == Some(Format::Json)
    }

    /// The type without its parameters.
    pub(super) fn media_type(&self) -> Option<&'a [u8]> {
        let media_type = self.content_type?.split(|byte| *byte == b';').next()?;
        Some(media_type.trim_ascii())
    }
}

fn split_lines(mut lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let Some(end) = memchr::memmem::find(lines, b"\r\n") else {
            ended = true;
            return Some(lines);
        };
        let line = &lines[..end];
        lines = &lines[end + 2..];
        Some(line)
    })
}

fn set_once<'a>(slot: &mut Option<&'a [u8]>, value: &'a [u8]) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

/// The name and the name of the file, if it is one.
fn read_disposition(value: &[u8]) -> Option<(String, Option<String>)> {
    let (kind, parameters) = parameters(value)?;
    if !kind.eq_ignore_ascii_case(b"form-data") {
        return None;
    }
    let (mut name, mut filename, mut extended) = (None, None, None);
    for (parameter, value) in parameters {
        match &*parameter.to_ascii_lowercase() {
            b"name" => name = Some(String::from_utf8(value.into_owned()).ok()?),
            b"filename" => filename = Some(String::from_utf8_lossy(&value).into_owned()),
            b"filename*" => extended = Some(read_extended(&value)),
            // A name in several pieces, or in a notation that it must not have.
            other if other.contains(&b'*') => return None,
            _ => {}
        }
    }
    let name = name.filter(|name| name.len() <= limits::NAME_BYTES)?;
    Some((name, extended.or(filename)))
}

/// A value as RFC 5987 writes it: `charset'language'percent-encoded`.
fn read_extended(value: &[u8]) -> String {
    let mut pieces = value.splitn(3, |byte| *byte == b'\'');
    let charset = pieces.next().unwrap_or_default();
    let Some(encoded) = pieces.nth(1) else {
        return UNREADABLE.to_owned();
    };
    let bytes = percent::decode_once(encoded).unwrap_or_else(|| encoded.to_vec());
    if charset.eq_ignore_ascii_case(b"utf-8") {
        String::from_utf8_lossy(&bytes).into_owned()
    } else if charset.eq_ignore_ascii_case(b"iso-8859-1") {
        bytes.into_iter().map(char::from).collect()
    } else {
        UNREADABLE.to_owned()
    }
}

/// Whether a part's text is in UTF-8, as far as its type says.
fn is_charset_utf_8(content_type: &[u8]) -> Option<bool> {
    let (_, parameters) = parameters(content_type)?;
    let is = |charset: &[u8], name: &[u8]| charset.eq_ignore_ascii_case(name);
    Some(parameters.iter().all(|(name, value)| {
        !is(name, b"charset") || is(value, b"utf-8") || is(value, b"us-ascii")
    }))
}

type Parameter<'a> = (&'a [u8], Cow<'a, [u8]>);

/// Splits `value; name=token; name="quoted"`. Nothing if it is anything else,
/// or if a parameter is there twice.
fn parameters(value: &[u8]) -> Option<(&[u8], Vec<Parameter<'_>>)> {
    let end = value.iter().position(|byte| *byte == b';');
    let (main, mut rest) = value.split_at(end.unwrap_or(value.len()));
    let mut parameters: Vec<Parameter<'_>> = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        let Some(after) = rest.strip_prefix(b";") else {
            return rest.is_empty().then_some((main.trim_ascii(), parameters));
        };
        rest = after.trim_ascii_start();
        if rest.is_empty() {
            continue;
        }
        let equals = rest.iter().position(|byte| *byte == b'=')?;
        let name = &rest[..equals];
        let value;
        (value, rest) = read_value(&rest[equals + 1..])?;
        let is_known = parameters
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(name));
        if !is_token(name) || is_known || parameters.len() == MAX_LINES {
            return None;
        }
        parameters.push((name, value));
    }
}

/// A parameter's value, and what follows it.
fn read_value(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let ends = |byte: &u8| b"; \t".contains(byte);
        let end = text.iter().position(ends).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        let is_plain = !value.is_empty() && !value.contains(&b'"');
        return is_plain.then_some((value.into(), rest));
    };
    let mut value = Vec::new();
    let mut at = 0;
    loop {
        match (quoted.get(at)?, quoted.get(at + 1)) {
            (b'"', _) => return Some((value.into(), &quoted[at + 1..])),
            // Before anything else it belongs to a path, as old browsers sent them.
            (b'\\', Some(escaped @ (b'"' | b'\\'))) => {
                value.push(*escaped);
                at += 2;
            }
            (byte, _) => {
                value.push(*byte);
                at += 1;
            }
        }
    }
}

fn is_token(name: &[u8]) -> bool {
    let usual = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.iter().all(usual)
}

fn is_visible(byte: &u8) -> bool {
    *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f)
}
