//! The pass over a document's bytes.

use super::keys::KnownKeys;
use super::lex::{self, Stop};
use super::{Document, escape};
use crate::sanitize::mask::{REDACTED_JSON, TRUNCATED_MEMBER};
use crate::sanitize::names::Names;
use crate::sanitize::text;

pub(super) struct Scanner<'a> {
    names: &'a Names,
    document: Document,
    input: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Everything before it is in `out`, as it was or replaced.
    copied: usize,
    /// The end of what is complete, here and in `out` once copied this far.
    kept_in: usize,
    kept_out: usize,
    /// The brackets that are open.
    open: Vec<u8>,
    known: KnownKeys,
    /// The value that comes next goes by a sensitive name.
    sensitive: bool,
    /// How many brackets were open when a sensitive object or array began.
    hidden: Option<usize>,
    out: &'a mut String,
}

/// What the grammar allows next.
#[derive(Clone, Copy)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    CommaOrEnd,
    Nothing,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(
        names: &'a Names,
        input: &'a str,
        document: Document,
        out: &'a mut String,
    ) -> Self {
        Self {
            names,
            document,
            input,
            bytes: input.as_bytes(),
            at: 0,
            copied: 0,
            kept_in: 0,
            kept_out: out.len(),
            open: Vec::new(),
            known: KnownKeys::new(),
            sensitive: false,
            hidden: None,
            out,
        }
    }

    /// Reads the document to its end, or to where it stops being one.
    pub(super) fn run(&mut self) -> Result<(), Stop> {
        let mut expect = Expect::Value;
        loop {
            let Some(mut byte) = self.next_byte() else {
                return match expect {
                    Expect::Nothing => Ok(()),
                    _ => Err(Stop::Cut),
                };
            };
            if let (Expect::Key | Expect::KeyOrEnd, b'"') = (expect, byte) {
                self.key()?;
                byte = self.next_byte().ok_or(Stop::Cut)?;
                expect = Expect::Value;
            }
            expect = match (expect, byte) {
                (Expect::ValueOrEnd, b']') | (Expect::KeyOrEnd, b'}') => self.close(),
                (Expect::Value | Expect::ValueOrEnd, _) => self.value(byte)?,
                (Expect::CommaOrEnd, _) => self.separator(byte)?,
                _ => return Err(Stop::Invalid),
            };
        }
    }

    /// Copies the rest of a document that was read to its end.
    pub(super) fn finish(&mut self) {
        self.copy_to(self.input.len());
    }

    /// The next byte that is not white space.
    fn next_byte(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn separator(&mut self, byte: u8) -> Result<Expect, Stop> {
        match (self.open.last(), byte) {
            (Some(b'{'), b',') => {
                self.at += 1;
                Ok(Expect::Key)
            }
            (Some(b'['), b',') => {
                self.at += 1;
                Ok(Expect::Value)
            }
            (Some(b'{'), b'}') | (Some(b'['), b']') => Ok(self.close()),
            _ => Err(Stop::Invalid),
        }
    }

    fn key(&mut self) -> Result<(), Stop> {
        let start = self.at;
        if self.hidden.is_none()
            && let Some((end, sensitive)) = self.known.follow(self.bytes, start + 1)
        {
            self.at = end + 1;
            self.sensitive = sensitive;
            return self.colon();
        }
        let string = lex::string(self.bytes, start)?;
        self.at = string.end;
        if self.hidden.is_none() {
            let content = &self.input[start + 1..string.end - 1];
            if string.escaped {
                let name = escape::resolved(content);
                self.sensitive = self.names.is_sensitive(name.as_bytes());
                let known = text::net(self.names, &name);
                if string.awry || known.is_some() {
                    self.replace_content(start, string.end, known.as_deref().unwrap_or(&name));
                }
            } else if let Some(sensitive) = self.known.get(self.bytes, content.as_bytes()) {
                self.sensitive = sensitive;
            } else {
                self.sensitive = self.names.is_sensitive(content.as_bytes());
                // Maps are keyed by tokens now and then.
                if content.len() >= text::SHORTEST_TOKEN
                    && let Some(known) = text::net(self.names, content)
                {
                    self.replace_content(start, string.end, &known);
                } else {
                    self.known
                        .insert(start + 1, content.as_bytes(), self.sensitive);
                }
            }
        }
        self.colon()
    }

    fn colon(&mut self) -> Result<(), Stop> {
        match self.next_byte() {
            None => Err(Stop::Cut),
            Some(b':') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(Stop::Invalid),
        }
    }

    fn value(&mut self, byte: u8) -> Result<Expect, Stop> {
        let start = self.at;
        let nameless = self.open.is_empty() && !self.document.named;
        let sensitive = std::mem::take(&mut self.sensitive);
        match byte {
            b'{' | b'[' => return self.open(byte, sensitive),
            b'"' => {
                let string = lex::string(self.bytes, start)?;
                self.at = string.end;
                if sensitive || nameless {
                    self.replace(start, string.end, REDACTED_JSON);
                } else if self.hidden.is_none() && may_hold_secrets(start, &string) {
                    self.string(start, &string);
                }
            }
            b'-' | b'0'..=b'9' => {
                self.at = lex::number(self.bytes, start)?;
                let ends_input = self.at == self.bytes.len();
                if ends_input && (self.document.cut || !self.open.is_empty()) {
                    return Err(Stop::Cut);
                }
                let is_secret =
                    sensitive || nameless || text::is_card_integer(&self.bytes[start..self.at]);
                if is_secret {
                    self.replace(start, self.at, REDACTED_JSON);
                }
            }
            _ => {
                self.at = lex::literal(self.bytes, start)?;
                if sensitive && byte != b'n' {
                    self.replace(start, self.at, REDACTED_JSON);
                }
            }
        }
        Ok(self.after_value())
    }

    fn open(&mut self, bracket: u8, sensitive: bool) -> Result<Expect, Stop> {
        if self.open.len() >= self.document.depth {
            return Err(Stop::Invalid);
        }
        if sensitive {
            self.copy_to(self.at);
            self.hidden = Some(self.open.len());
        }
        self.open.push(bracket);
        self.at += 1;
        self.keep();
        Ok(if bracket == b'{' {
            Expect::KeyOrEnd
        } else {
            Expect::ValueOrEnd
        })
    }

    fn close(&mut self) -> Expect {
        self.open.pop();
        self.at += 1;
        if self.hidden == Some(self.open.len()) {
            self.hidden = None;
            self.out.push_str(REDACTED_JSON);
            self.copied = self.at;
        }
        self.after_value()
    }

    fn after_value(&mut self) -> Expect {
        self.keep();
        if self.open.is_empty() {
            Expect::Nothing
        } else {
            Expect::CommaOrEnd
        }
    }

    /// A string that goes by no sensitive name may still hold something secret.
    fn string(&mut self, start: usize, string: &lex::StringEnd) {
        let content = &self.input[start + 1..string.end - 1];
        let resolved = if string.escaped {
            escape::resolved(content)
        } else {
            content.into()
        };
        match text::value(self.names, &resolved, self.document.inner) {
            Some(sanitized) => self.replace_content(start, string.end, &sanitized),
            None if string.awry => self.replace_content(start, string.end, &resolved),
            None => {}
        }
    }

    /// Remembers that all before this point is complete.
    fn keep(&mut self) {
        if self.hidden.is_none() {
            self.kept_in = self.at;
            self.kept_out = self.out.len() + self.at - self.copied;
        }
    }

    fn copy_to(&mut self, end: usize) {
        self.out.push_str(&self.input[self.copied..end]);
        self.copied = end;
    }

    fn replace(&mut self, start: usize, end: usize, replacement: &str) {
        if self.hidden.is_none() {
            self.copy_to(start);
            self.out.push_str(replacement);
            self.copied = end;
        }
    }

    fn replace_content(&mut self, start: usize, end: usize, text: &str) {
        self.copy_to(start + 1);
        escape::push_escaped(self.out, text);
        self.copied = end - 1;
    }

    /// Ends a document that broke off. False if nothing of it can be kept.
    pub(super) fn close_what_is_open(&mut self) -> bool {
        if let Some(depth) = self.hidden {
            self.open.truncate(depth);
        }
        if self.kept_out <= self.out.len() {
            self.out.truncate(self.kept_out);
        } else {
            self.copy_to(self.kept_in);
        }
        let Some(innermost) = self.open.last() else {
            return false;
        };
        // No value ends in an opening bracket.
        if !self.out.ends_with(['{', '[']) {
            self.out.push(',');
        }
        if *innermost == b'{' {
            self.out.push_str(TRUNCATED_MEMBER);
        } else {
            self.out.push('{');
            self.out.push_str(TRUNCATED_MEMBER);
            self.out.push('}');
        }
        for bracket in self.open.iter().rev() {
            self.out.push(if *bracket == b'{' { '}' } else { ']' });
        }
        true
    }
}

/// Whether a string is worth a look at what is inside.
fn may_hold_secrets(start: usize, string: &lex::StringEnd) -> bool {
    string.telling || string.end - start - 2 >= text::SHORTEST_TOKEN
}
