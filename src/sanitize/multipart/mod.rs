//! Forms with files (`multipart/form-data`, RFC 7578), whole or cut off.
//!
//! Out comes JSON: an array with an object for each part, in the order of
//! the parts.
//!
//! ```json
//! [{"name":"user","value":"ada"},
//!  {"name":"file","filename":"a.png","content_type":"image/png","bytes":123}]
//! ```
//!
//! A `value` is text, or JSON where the part says that it is. Files never
//! have one, nor have parts of other types: of these stays what their head
//! says, and their size in `bytes`. Where the body breaks off, the part in
//! progress is dropped, save for what the head of a file says, and
//! `{"$truncated":true}` is the last element.
//!
//! Reading is strict, for a body that another reader may take apart in
//! another way cannot be judged: line ends are CRLF, nothing stands outside
//! of the parts, the delimiter appears nowhere else, each part has one
//! `content-disposition` with one name. All else is unreadable.

mod head;
#[cfg(test)]
mod tests;

use memchr::memmem::{self, Finder};

use head::Head;

use super::growth;
use super::json::{self, DocumentName, push_escaped};
use super::mask::{REDACTED, TRUNCATED_MEMBER, UNREADABLE, UNREADABLE_JSON};
use super::rules::{Rules, Treatment};
use super::strategy::{Sort, Strategy};
use super::{clean, percent, text};
use crate::event::limits;

/// The parts as JSON, or nothing if they cannot be read for sure.
pub(super) fn sanitize(rules: &Rules, content_type: &[u8], body: &[u8]) -> Option<String> {
    let delimiter = [b"--", &*head::boundary(content_type)?].concat();
    let finder = Finder::new(&delimiter);
    let mut at = finder.find(body)?;
    let before = &body[..at];
    if !is_blank(before) || !(before.is_empty() || before.ends_with(b"\r\n")) {
        return None;
    }
    let mut out = String::from("[");
    let most = growth::most(body.len());
    loop {
        let after = at + delimiter.len();
        let start = match line_end(&body[after..])? {
            LineEnd::OfPart(length) => after + length,
            LineEnd::OfAll => return Some(out + "]"),
            LineEnd::BrokenOff => break,
        };
        let part = Part {
            rules,
            bytes: &body[start..],
            is_open: true,
            most,
        };
        let Some(length) = finder.find(part.bytes) else {
            part.put(&mut out)?;
            break;
        };
        let part = Part {
            bytes: part.bytes[..length].strip_suffix(b"\r\n")?,
            is_open: false,
            ..part
        };
        part.put(&mut out)?;
        at = start + length;
    }
    begin_element(&mut out);
    out.push_str(TRUNCATED_MEMBER);
    out.push_str("}]");
    Some(out)
}

/// How the line ends that a delimiter has begun.
enum LineEnd {
    /// A part begins after that many bytes.
    OfPart(usize),
    /// There are no more parts.
    OfAll,
    /// The input ends before the line does.
    BrokenOff,
}

/// Nothing if it is no delimiter after all.
fn line_end(rest: &[u8]) -> Option<LineEnd> {
    if let Some(rest) = rest.strip_prefix(b"--") {
        return is_blank(rest).then_some(LineEnd::OfAll);
    }
    let padding = rest.iter().take_while(|byte| b" \t".contains(byte)).count();
    match &rest[padding..] {
        [b'\r', b'\n', ..] => Some(LineEnd::OfPart(padding + 2)),
        [] | [b'\r'] => Some(LineEnd::BrokenOff),
        [b'-'] if padding == 0 => Some(LineEnd::BrokenOff),
        _ => None,
    }
}

/// Whether there is nothing to be seen.
fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| b" \t\r\n".contains(byte))
}

/// What stands between two delimiters, or after the last one.
struct Part<'a> {
    rules: &'a Rules,
    bytes: &'a [u8],
    /// The input ends before the part does.
    is_open: bool,
    /// Up to how many bytes the output may grow before values are masked for their length.
    most: usize,
}

impl Part<'_> {
    /// Adds the part as an object, if it is to be seen. Nothing if it cannot be read.
    fn put(&self, out: &mut String) -> Option<()> {
        let Some(end) = memmem::find(self.bytes, b"\r\n\r\n") else {
            return self.is_open.then_some(());
        };
        let head = Head::read(&self.bytes[..end])?;
        if self.is_open && head.filename.is_none() {
            return Some(());
        }
        let content = &self.bytes[end + 4..];
        let treatment = self.treatment(&head.name);
        // The members of a document are judged by their own names, as those of a body.
        let goes_inside = head.is_json() && matches!(treatment, Treatment::Otherwise(_));
        if treatment.is_remove() && !goes_inside {
            return Some(());
        }
        begin_element(out);
        push_member(out, "name", &self.shown(&head.name));
        if let Some(filename) = &head.filename {
            let shown = match treatment.strategy() {
                Some(_) => REDACTED.to_owned(),
                None => self.shown(filename),
            };
            push_member(out, "filename", &shown);
            self.put_type_and_size(&head, content, out);
        } else if let Some(strategy) = treatment.strategy().filter(|_| !goes_inside) {
            let content = String::from_utf8_lossy(content);
            let kept = self.rules.applied(strategy, &content, Sort::Text);
            self.put_text(&kept, content.len(), out);
        } else if !self.put_value(&head, treatment, content, out) {
            self.put_type_and_size(&head, content, out);
        }
        out.push('}');
        Some(())
    }

    fn treatment(&self, name: &str) -> Treatment<'_> {
        let name = percent::decoded(name.as_bytes(), false);
        if name.trim_ascii().is_empty() {
            // It might be anything.
            return Treatment::Found(&Strategy::Mask);
        }
        self.rules.treatment(&name)
    }

    /// A name of a part or a file, of which all may be a token or a pair.
    fn shown(&self, name: &str) -> String {
        let shown = text::shown(self.rules, name, false);
        limits::cut(&shown, limits::NAME_BYTES).to_owned()
    }

    fn put_type_and_size(&self, head: &Head<'_>, content: &[u8], out: &mut String) {
        if let Some(media_type) = head.media_type() {
            let media_type = clean::text(media_type, 100);
            let shown = text::net(self.rules, &media_type).unwrap_or(media_type);
            push_member(out, "content_type", &shown);
        }
        if !self.is_open {
            out.push_str(",\"bytes\":");
            out.push_str(&content.len().to_string());
        }
    }

    /// Adds the value of a text field or a JSON document; false if it is neither.
    fn put_value(
        &self,
        head: &Head<'_>,
        treatment: Treatment<'_>,
        content: &[u8],
        out: &mut String,
    ) -> bool {
        let is_json = head.is_json();
        let is_text = head
            .media_type()
            .is_none_or(|media_type| media_type.eq_ignore_ascii_case(b"text/plain"));
        if !is_json && !is_text {
            return false;
        }
        let readable = std::str::from_utf8(content)
            .ok()
            .filter(|text| head.is_utf_8 && !text.contains('\0'));
        let Some(content) = readable else {
            push_member(out, "value", UNREADABLE);
            return true;
        };
        if is_json {
            out.push_str(",\"value\":");
            let content = content.strip_prefix('\u{feff}').unwrap_or(content);
            let name = match treatment {
                Treatment::Keep => DocumentName::Allowed,
                Treatment::Found(_) | Treatment::Otherwise(_) => DocumentName::Harmless,
            };
            let document = json::Document::named(name, self.most);
            if json::sanitize(self.rules, content, document, out) == json::Reading::Unreadable {
                out.push_str(UNREADABLE_JSON);
            }
        } else {
            let kept = text::value_with_links(self.rules, content, 1);
            self.put_text(kept.as_deref().unwrap_or(content), content.len(), out);
        }
        true
    }

    /// Adds what stays of a text with this length, or a mask where that is
    /// shorter and the body has grown enough.
    fn put_text(&self, kept: &str, length: usize, out: &mut String) {
        let start = out.len();
        push_member(out, "value", kept);
        if out.len() > self.most && kept.len() > length.max(REDACTED.len()) {
            out.truncate(start);
            push_member(out, "value", REDACTED);
        }
    }
}

/// Adds what stands before an object's first member.
fn begin_element(out: &mut String) {
    out.push_str(if out.len() == 1 { "{" } else { ",{" });
}

fn push_member(out: &mut String, name: &str, value: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    out.push('"');
    out.push_str(name);
    out.push_str("\":\"");
    push_escaped(out, value);
    out.push('"');
}
