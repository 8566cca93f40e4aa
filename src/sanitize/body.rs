//! Bodies: what can be read is sanitized, of all else type and size are kept.

use std::borrow::Cow;

use super::decode::{Coding, Decoded};
use super::mask::UNREADABLE_JSON;
use super::media::Format;
use super::rules::Rules;
use super::{clean, form, growth, json, multipart, text};
use crate::event::limits;

/// A body as it was captured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body<'a> {
    pub(super) content_type: Option<&'a [u8]>,
    /// Other than `identity`.
    pub(super) content_encoding: Option<&'a [u8]>,
    /// What was captured of it, if anything was.
    pub(super) captured: Option<&'a [u8]>,
    /// There was more than was captured.
    pub(super) cut: bool,
    /// Up to how many bytes it may be decoded, if it is encoded.
    pub(super) decode: Option<usize>,
    /// Its true size.
    pub(super) size: Option<u64>,
}

/// What is stored of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) text: String,
    /// How its bytes became text, unless a placeholder stands for them.
    pub(super) encoding: Option<String>,
    /// Decoding it came to an end before it did.
    pub(super) cut: bool,
}

impl Body<'_> {
    /// The body as it may be stored; nothing for an empty one.
    ///
    /// What was not captured leaves a placeholder only if its type could not
    /// have been sanitized: then the type was the reason.
    pub(super) fn sanitize(self, rules: &Rules) -> Option<Kept> {
        let format = self.content_type.and_then(Format::of);
        let captured = self.captured.filter(|bytes| !bytes.is_empty());
        let Some(bytes) = captured else {
            let unsuited = format.is_none() && self.size.is_some_and(|size| size > 0);
            return unsuited.then(|| self.placeholder(rules, ""));
        };
        let mut remark = String::new();
        if let Some(coding) = self.content_encoding {
            let coding = clean::text(coding, limits::NAME_BYTES);
            let coding = text::net(rules, &coding).unwrap_or(coding);
            remark = format!(", {coding}");
        }
        let coding = self.content_encoding;
        let kept = match (format, coding, coding.and_then(Coding::of).zip(self.decode)) {
            (Some(format), None, _) => self.read(rules, format, bytes),
            (Some(format), _, Some((coding, limit))) => coding
                .decode(bytes, limit)
                .and_then(|decoded| self.read_decoded(rules, format, coding, &decoded)),
            _ => return Some(self.placeholder(rules, &remark)),
        };
        Some(kept.unwrap_or_else(|| self.placeholder(rules, &(remark + ", unreadable"))))
    }

    fn read_decoded(
        self,
        rules: &Rules,
        format: Format,
        coding: Coding,
        decoded: &Decoded,
    ) -> Option<Kept> {
        let body = Body {
            cut: self.cut || decoded.cut,
            ..self
        };
        let kept = body.read(rules, format, &decoded.bytes)?;
        let encoding = kept.encoding.unwrap_or_default();
        Some(Kept {
            encoding: Some(format!("{}+{encoding}", coding.name())),
            cut: decoded.cut,
            ..kept
        })
    }

    /// What stays of bytes in this format, if they can be read.
    fn read(&self, rules: &Rules, format: Format, bytes: &[u8]) -> Option<Kept> {
        let (text, encoding) = match format {
            Format::Multipart => (Cow::default(), "utf-8"),
            _ => decode(bytes, self.cut),
        };
        let kept = match format {
            Format::Json => whole(rules, &text, self.cut),
            Format::JsonLines => Some(lines(rules, &text, self.cut)),
            Format::Form => form::is_form(&text).then(|| form::sanitize(rules, &text, self.cut)),
            // Files are no text, so it is read as bytes.
            Format::Multipart => multipart::sanitize(rules, self.content_type?, bytes),
        };
        let text = kept.filter(|text| !text.contains('\0'))?;
        Some(Kept {
            text,
            encoding: Some(encoding.to_owned()),
            cut: false,
        })
    }

    /// `[text/plain, 123 bytes]`
    fn placeholder(&self, rules: &Rules, remark: &str) -> Kept {
        let media_type = self.content_type.unwrap_or_default();
        let media_type = media_type.split(|byte| *byte == b';').next();
        let media_type = clean::text(media_type.unwrap_or_default().trim_ascii(), 100);
        let media_type = match text::net(rules, &media_type).unwrap_or(media_type) {
            empty if empty.is_empty() => "unknown type".to_owned(),
            known => known,
        };
        let captured = self.captured.filter(|_| !self.cut);
        let size = self.size.or(captured.map(|bytes| bytes.len() as u64));
        let size = size.map_or("unknown size".to_owned(), |size| format!("{size} bytes"));
        Kept {
            text: format!("[{media_type}, {size}{remark}]"),
            encoding: None,
            cut: false,
        }
    }
}

/// The bytes as text. A cut may have gone through a character, whose start is then no text.
fn decode(bytes: &[u8], cut: bool) -> (Cow<'_, str>, &'static str) {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return (text.into(), "utf-8"),
        Err(error) => error,
    };
    let whole = &bytes[..error.valid_up_to()];
    if cut && error.error_len().is_none() {
        return (String::from_utf8_lossy(whole), "utf-8");
    }
    (String::from_utf8_lossy(bytes), "lossy")
}

fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn whole(rules: &Rules, text: &str, cut: bool) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 32);
    let document = json::Document::body(cut, growth::most(text.len()));
    match json::sanitize(rules, without_mark(text), document, &mut out) {
        json::Reading::Unreadable => None,
        json::Reading::Complete | json::Reading::Truncated => Some(out),
    }
}

/// A document a line. A line that cannot be read has a mark in its place.
fn lines(rules: &Rules, text: &str, cut: bool) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let most = growth::most(text.len());
    for line in without_mark(text).split_inclusive('\n') {
        let document = line.trim_end_matches(['\n', '\r']);
        let ending = &line[document.len()..];
        if !document.trim().is_empty() {
            let cut = cut && ending.is_empty();
            let reading =
                json::sanitize(rules, document, json::Document::body(cut, most), &mut out);
            if reading == json::Reading::Unreadable {
                out.push_str(UNREADABLE_JSON);
            }
            let is_begun = document.trim_start().starts_with(['{', '[', '"']);
            let breaks_off = match reading {
                json::Reading::Complete => false,
                json::Reading::Truncated => true,
                json::Reading::Unreadable => is_begun,
            };
            if breaks_off && !ending.is_empty() {
                // A document over several lines: the next ones lack what stands around them.
                out.push_str(ending);
                out.push_str(UNREADABLE_JSON);
                break;
            }
        }
        out.push_str(ending);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Sanitizer;
    use super::*;

    fn body<'a>(content_type: &'a str, bytes: &'a [u8]) -> Body<'a> {
        Body {
            content_type: Some(content_type.as_bytes()),
            content_encoding: None,
            captured: Some(bytes),
            cut: false,
            decode: None,
            size: Some(bytes.len() as u64),
        }
    }

    fn kept(body: Body<'_>) -> Option<(String, Option<String>)> {
        let rules = Sanitizer::default().rules;
        body.sanitize(&rules).map(|kept| (kept.text, kept.encoding))
    }

    fn text(body: Body<'_>) -> String {
        kept(body).unwrap().0
    }

    #[test]
    fn what_cannot_be_read_becomes_a_placeholder_with_type_and_true_size() {
        let secret = b"{\"password\":\"canary\"";
        assert_eq!(
            text(body("text/plain; a=b", secret)),
            "[text/plain, 20 bytes]"
        );
        assert_eq!(text(body("", secret)), "[unknown type, 20 bytes]");
        let form = body("application/x-www-form-urlencoded", secret);
        assert_eq!(
            text(form),
            "[application/x-www-form-urlencoded, 20 bytes, unreadable]"
        );
        let not_json = body("application/json", b"password=canary");
        assert_eq!(text(not_json), "[application/json, 15 bytes, unreadable]");
        let cut = Body {
            cut: true,
            size: Some(5000),
            ..body("application/grpc", b"\0\0")
        };
        assert_eq!(text(cut), "[application/grpc, 5000 bytes]");
        let packed = Body {
            content_encoding: Some(b"gzip"),
            ..body("application/json", b"{}")
        };
        assert_eq!(text(packed), "[application/json, 2 bytes, gzip]");
        let multipart = body("multipart/form-data; boundary=a", b"--b--");
        assert_eq!(
            text(multipart),
            "[multipart/form-data, 5 bytes, unreadable]"
        );
    }

    #[test]
    fn a_body_that_was_not_captured_leaves_a_placeholder_if_its_type_is_why() {
        let absent = |content_type, size| Body {
            captured: None,
            size,
            ..body(content_type, b"")
        };
        assert_eq!(text(absent("image/png", Some(7))), "[image/png, 7 bytes]");
        assert_eq!(kept(absent("image/png", Some(0))), None);
        assert_eq!(kept(absent("image/png", None)), None);
        assert_eq!(kept(absent("application/json", Some(7))), None);
        assert_eq!(kept(body("application/json", b"")), None);
    }

    #[test]
    fn invalid_utf_8_becomes_lossy_text_and_a_cut_character_is_dropped() {
        let utf_8 = Some("utf-8".to_owned());
        assert_eq!(
            kept(body("application/json", b"\xef\xbb\xbf{}")),
            Some(("{}".into(), utf_8.clone()))
        );
        let invalid = body("application/json", b"{\"a\":\"\xff\"}");
        assert_eq!(
            kept(invalid),
            Some(("{\"a\":\"\u{fffd}\"}".into(), Some("lossy".to_owned())))
        );
        let cut = Body {
            cut: true,
            ..body("application/json", b"{\"a\":1,\"b\":\"\xc3")
        };
        assert_eq!(
            kept(cut),
            Some((r#"{"a":1,"$truncated":true}"#.into(), utf_8))
        );
        let form = body("application/x-www-form-urlencoded", b"a=\0");
        assert_eq!(
            text(form),
            "[application/x-www-form-urlencoded, 3 bytes, unreadable]"
        );
    }

    #[test]
    fn a_document_over_several_lines_hides_those_after_the_first() {
        let raw = b"{\"password\":\n{\"a\":\"canary\"}\n}";
        let expected = "{\"$truncated\":true}\n\"[unreadable]\"";
        assert_eq!(text(body("application/x-ndjson", raw)), expected);
    }

    #[test]
    fn lines_of_json_are_read_one_by_one() {
        let raw = b"{\"token\":1}\r\n\nnonsense canary\n{\"a\":1,\"b\":2";
        assert_eq!(
            text(Body {
                cut: true,
                ..body("application/x-ndjson", raw)
            }),
            "{\"token\":\"[redacted]\"}\r\n\n\"[unreadable]\"\n{\"a\":1,\"$truncated\":true}"
        );
    }
}
