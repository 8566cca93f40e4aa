//! The pass over a document's bytes: its grammar, and what the rules say of its parts.

mod output;
mod values;

use output::Item;

use super::keys::KnownKeys;
use super::lex::{self, Stop};
use super::nesting::{MAX_DEPTH, Nesting};
use super::trail::Trail;
use super::{Document, DocumentName, escape};
use crate::sanitize::mask::{REDACTED_JSON, TOO_DEEP_JSON};
use crate::sanitize::names::Verdict;
use crate::sanitize::rules::{Rules, Treatment};
use crate::sanitize::strategy::{Sort, Strategy};
use crate::sanitize::text;

pub(super) struct Scanner<'a> {
    rules: &'a Rules,
    document: Document,
    input: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Everything before it is in `out`, as it was or replaced.
    copied: usize,
    /// The end of what is complete.
    kept_in: usize,
    /// The same in `out`, if it was copied that far.
    kept_out: usize,
    nesting: Nesting,
    known: KnownKeys,
    /// Where the paths of the rules are.
    trail: Trail<'a>,
    /// What the rules say of the value that comes next.
    treatment: Treatment<'a>,
    /// The member or element that is being read.
    item: Item,
    /// An object or array that does not stay, while it is being read.
    hidden: Option<Hidden>,
    /// How many brackets were open when an object or array began of which types alone stay.
    shaped: Option<usize>,
    out: &'a mut String,
}

#[derive(Clone, Copy)]
struct Hidden {
    /// How many brackets were open when it began.
    depth: usize,
    removed: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(
        rules: &'a Rules,
        input: &'a str,
        document: Document,
        out: &'a mut String,
    ) -> Self {
        let nameless = Treatment::Found(&Strategy::Mask);
        let treatment = match (document.name, &rules.otherwise) {
            (DocumentName::Allowed, _) | (DocumentName::Harmless, None) => Treatment::Keep,
            (_, Some(otherwise)) => Treatment::Otherwise(otherwise),
            (DocumentName::None, None) => nameless,
        };
        Self {
            rules,
            document,
            input,
            bytes: input.as_bytes(),
            at: 0,
            copied: 0,
            kept_in: 0,
            kept_out: out.len(),
            nesting: Nesting::default(),
            known: KnownKeys::new(),
            trail: Trail::new(&rules.paths),
            treatment,
            item: Item::default(),
            hidden: None,
            shaped: None,
            out,
        }
    }

    /// Reads the document to its end, or to where it stops being one.
    pub(super) fn run(&mut self) -> Result<(), Stop> {
        let mut byte = self.next_byte()?;
        loop {
            let is_opened = self.value(byte)?;
            match self.next_value(is_opened)? {
                Some(first) => byte = first,
                None => break,
            }
        }
        match self.next_byte() {
            Err(_) => Ok(()),
            Ok(_) => Err(Stop::Invalid),
        }
    }

    /// Goes to the next value, past brackets that close, a comma and a key;
    /// returns its first byte, or nothing where the document is complete.
    fn next_value(&mut self, mut is_first: bool) -> Result<Option<u8>, Stop> {
        while let Some(is_object) = self.nesting.is_object() {
            let mut byte = self.next_byte()?;
            if byte == if is_object { b'}' } else { b']' } {
                self.close();
                is_first = false;
                continue;
            }
            if !is_first {
                if byte != b',' {
                    return Err(Stop::Invalid);
                }
                self.comma();
                byte = self.next_byte()?;
            }
            if is_object {
                if byte != b'"' {
                    return Err(Stop::Invalid);
                }
                self.key()?;
                byte = self.next_byte()?;
            } else if self.hidden.is_none() {
                self.begin_item();
                self.treatment = self.of_element();
            }
            return Ok(Some(byte));
        }
        Ok(None)
    }

    /// The next byte that is not white space.
    #[inline]
    fn next_byte(&mut self) -> Result<u8, Stop> {
        loop {
            let byte = *self.bytes.get(self.at).ok_or(Stop::Cut)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Ok(byte);
            }
            self.at += 1;
        }
    }

    #[inline]
    fn comma(&mut self) {
        if self.rules.removes && self.hidden.is_none() {
            self.item.comma = Some(self.at);
            if !self.nesting.is_filled() {
                // What stood before it was left out.
                self.copy_to(self.at);
                self.copied = self.at + 1;
                self.item.comma = None;
            }
        }
        self.at += 1;
    }

    /// Reads a member's name and the colon behind it.
    fn key(&mut self) -> Result<(), Stop> {
        let start = self.at;
        if self.hidden.is_some() {
            self.at = lex::string(self.bytes, start)?.end;
            return self.colon();
        }
        if let Some((end, verdict)) = self.known.follow(self.bytes, start + 1) {
            self.begin_item();
            self.at = end + 1;
            self.treatment = self.of_member(&self.bytes[start + 1..end], verdict);
            return self.colon();
        }
        let string = lex::string(self.bytes, start)?;
        self.begin_item();
        let content = &self.input[start + 1..string.end - 1];
        if string.escaped {
            let name = escape::resolved(content);
            let verdict = self.rules.names.verdict(name.as_bytes());
            self.treatment = self.of_member(name.as_bytes(), verdict);
            let known = text::net(self.rules, &name);
            if string.awry || known.is_some() {
                self.replace_content(start, string.end, known.as_deref().unwrap_or(&name));
            }
        } else {
            let verdict = self.plain_key(start, content, string.telling);
            self.treatment = self.of_member(content.as_bytes(), verdict);
        }
        self.at = string.end;
        self.colon()
    }

    /// What the rules say of a name without escapes, which is known from then on.
    fn plain_key(&mut self, start: usize, content: &str, telling: bool) -> Verdict {
        let end = start + 1 + content.len();
        if let Some(verdict) = self.known.get(self.bytes, start + 1, end) {
            return verdict;
        }
        let verdict = self.rules.names.verdict(content.as_bytes());
        // Maps are keyed by tokens now and then.
        let is_suspicious =
            telling || content.len() >= text::SHORTEST_TOKEN || !self.rules.patterns.is_empty();
        if is_suspicious && let Some(known) = text::net(self.rules, content) {
            self.replace_content(start, end + 1, &known);
        } else {
            self.known.insert(start + 1, content.as_bytes(), verdict);
        }
        verdict
    }

    fn colon(&mut self) -> Result<(), Stop> {
        if self.next_byte()? != b':' {
            return Err(Stop::Invalid);
        }
        self.at += 1;
        Ok(())
    }

    #[inline(always)]
    fn of_member(&mut self, name: &[u8], verdict: Verdict) -> Treatment<'a> {
        match self.trail.member(name) {
            Some(strategy) => self.rules.found(strategy),
            None => self.rules.of_verdict(verdict),
        }
    }

    fn of_element(&mut self) -> Treatment<'a> {
        match (self.trail.element(), &self.rules.otherwise) {
            (Some(strategy), _) => self.rules.found(strategy),
            (None, Some(otherwise)) if !self.nesting.is_allowed() => {
                Treatment::Otherwise(otherwise)
            }
            (None, _) => Treatment::Keep,
        }
    }

    /// Reads the value that begins with `byte`, of objects and arrays the
    /// opening bracket. True if one is open then and nothing in it was read.
    #[inline]
    fn value(&mut self, byte: u8) -> Result<bool, Stop> {
        let start = self.at;
        match byte {
            b'{' | b'[' => return self.open(byte == b'{'),
            b'"' => {
                let string = lex::string(self.bytes, start)?;
                self.at = string.end;
                if self.hidden.is_none() {
                    self.string(start, &string);
                }
            }
            b'-' | b'0'..=b'9' => {
                self.at = lex::number(self.bytes, start)?;
                let ends_input = self.at == self.bytes.len();
                if ends_input && (self.document.cut || self.nesting.depth() > 0) {
                    return Err(Stop::Cut);
                }
                if self.hidden.is_none() {
                    self.plain(start, Sort::Number);
                }
            }
            _ => {
                self.at = lex::literal(self.bytes, start)?;
                if self.hidden.is_none() {
                    // That there is no value is no secret, and a truth without a name is none.
                    let is_told = byte == b'n'
                        || (self.nesting.depth() == 0
                            && matches!(self.treatment, Treatment::Found(_)));
                    if is_told && !self.treatment.is_remove() {
                        self.nesting.fill();
                    } else {
                        self.plain(start, Sort::Boolean);
                    }
                }
            }
        }
        self.keep();
        Ok(false)
    }

    /// True, unless it is too deep and was skipped.
    fn open(&mut self, is_object: bool) -> Result<bool, Stop> {
        if self.nesting.depth() == MAX_DEPTH {
            let start = self.at;
            self.at = lex::skip_nested(self.bytes, start)?;
            if self.hidden.is_none() {
                self.copy_to(start);
                self.out.push_str(TOO_DEEP_JSON);
                self.copied = self.at;
                self.nesting.fill();
            }
            self.keep();
            return Ok(false);
        }
        let mut is_allowed = true;
        if self.hidden.is_none() {
            let depth = self.nesting.depth();
            match self.treatment {
                Treatment::Keep => {}
                Treatment::Otherwise(_) => is_allowed = false,
                Treatment::Found(_) if depth == 0 => {}
                Treatment::Found(strategy) if strategy.goes_inside() => {
                    self.shaped.get_or_insert(depth);
                }
                Treatment::Found(strategy) => {
                    self.copy_to(self.at);
                    let removed = strategy.is_remove();
                    self.hidden = Some(Hidden { depth, removed });
                }
            }
            if self.hidden.is_none() {
                self.nesting.fill();
                self.item.comma = None;
            }
        }
        self.nesting.open(is_object, is_allowed);
        self.trail.open(self.nesting.depth());
        self.at += 1;
        self.keep();
        Ok(true)
    }

    fn close(&mut self) {
        self.nesting.close();
        self.trail.close(self.nesting.depth());
        self.at += 1;
        let depth = self.nesting.depth();
        if let Some(hidden) = self.hidden.filter(|hidden| hidden.depth == depth) {
            self.hidden = None;
            if hidden.removed {
                self.remove_item();
            } else {
                self.out.push_str(REDACTED_JSON);
                self.copied = self.at;
                self.nesting.fill();
            }
        }
        if self.shaped == Some(depth) {
            self.shaped = None;
        }
        self.keep();
    }
}
