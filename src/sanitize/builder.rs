//! The rules of a sanitizer.

use std::fmt;
use std::sync::Arc;

use super::Sanitizer;
use super::headers::HeaderRules;
use super::names::NameRules;
use super::paths::Paths;
use super::patterns::Patterns;
use super::pseudonym::PseudonymKeys;
use super::rules::{Rules, StrategyId};
use super::strategy::Strategy;
use crate::Error;

/// Collects the rules of a [`Sanitizer`]; see [`Sanitizer::builder`].
///
/// ```
/// use tower_audit::{Sanitizer, Strategy};
///
/// let sanitizer = Sanitizer::builder()
///     .deny("tax_number")
///     .allow("max_tokens")
///     .name("email", Strategy::Pseudonym)
///     .path("$.card.number", Strategy::Partial(4))
///     .pattern(r"\bCUST-\d{6}\b", Strategy::Mask)
///     .pseudonym_key("k1", b"0123456789abcdef0123456789abcdef")
///     .request_header("x-client-version")
///     .build()?;
/// # Ok::<_, tower_audit::Error>(())
/// ```
///
/// A value is judged by its place in a document first ([`path`](Self::path)),
/// then by its name ([`name`](Self::name), [`deny`](Self::deny),
/// [`allow`](Self::allow) and the shipped list), then by
/// [`otherwise`](Self::otherwise). What stays is still searched for
/// [patterns](Self::pattern) and for what looks like a secret.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct SanitizerBuilder {
    rules: Vec<SanitizerRule>,
    otherwise: Option<Strategy>,
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: String,
    key: Vec<u8>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What was added, in its order; `build` checks it.
#[derive(Clone, Debug)]
enum SanitizerRule {
    Name(String, Strategy),
    Path(String, Strategy),
    Pattern(String, Strategy),
    RequestHeader(String),
    ResponseHeader(String),
}

impl SanitizerBuilder {
    /// Adds a sensitive name: values that go by it are masked, wherever they are.
    ///
    /// Case and separators do not matter, and it is found in longer names as
    /// whole words: `tax_number` also covers `taxNumber` and
    /// `user.tax-number`, not `syntax_number`.
    pub fn deny(self, name: impl Into<String>) -> Self {
        self.name(name, Strategy::Mask)
    }

    /// Takes a name off the list of sensitive ones.
    ///
    /// A name that is on the shipped list as such, like `pin`, is no longer looked for
    /// at all; any other name, like `max_tokens`, is exempted only where it is
    /// the whole name. A later [`deny`](Self::deny) of the same name takes this back.
    ///
    /// # Security
    /// Values of that name are stored as they are.
    pub fn allow(self, name: impl Into<String>) -> Self {
        self.name(name, Strategy::Keep)
    }

    /// Sets what becomes of values that go by a name, which is looked for as
    /// [`deny`](Self::deny) says, or for [`Strategy::Keep`] as [`allow`](Self::allow) says.
    ///
    /// It takes the place of what was said of the same name before. In free text a
    /// value behind such a name is masked, whatever the strategy.
    pub fn name(mut self, name: impl Into<String>, strategy: Strategy) -> Self {
        self.rules.push(SanitizerRule::Name(name.into(), strategy));
        self
    }

    /// Sets what becomes of values at a place in JSON: bodies, states of
    /// changes, and details, which are one object together.
    ///
    /// The path is a part of JSONPath (RFC 9535): `$.card.number`,
    /// `$..token`, `$.items[*].secret`, `$.items[0]`, `$['card no']`. Case and separators of
    /// names do not matter. Of several paths that fit, the last one given counts.
    ///
    /// `$` is the document: a body, each of its lines where it has one a
    /// line, a part of a form with files. In JSON that stands in a string or a form's
    /// value, where `$` is that document, what is found is masked whatever the
    /// strategy, and [`Strategy::Keep`] does not count.
    pub fn path(mut self, path: impl Into<String>, strategy: Strategy) -> Self {
        self.rules.push(SanitizerRule::Path(path.into(), strategy));
        self
    }

    /// Sets what becomes of every piece of text that a regular expression
    /// finds, in the syntax of the crate `regex`: in values and in member
    /// names of JSON, in forms, queries, headers, paths and free text.
    ///
    /// In numbers it is looked for too, and what is left is a string. With
    /// [`Strategy::Remove`] the piece disappears from the text. Patterns come after all other
    /// rules, in their order, and see the marks that these have left. A text that would
    /// become more than four times as long, and 4 KiB, is masked.
    pub fn pattern(mut self, regex: impl Into<String>, strategy: Strategy) -> Self {
        self.rules
            .push(SanitizerRule::Pattern(regex.into(), strategy));
        self
    }

    /// Sets what becomes of all values that no rule [allows](Self::allow), in
    /// JSON, forms and queries: with [`Strategy::Mask`] only allowed names keep
    /// values, with [`Strategy::Shape`] all others show their types. Defaults to keeping them.
    ///
    /// An allowed name keeps its value, and the elements of an array; members of an
    /// object are judged by their own names. In a form or a query, a text without a value, or
    /// with nothing but `=` for one, is no name but a value, unless it is allowed. Headers have a list of their own, and texts
    /// that the application writes, such as a description, stay.
    ///
    /// A body of many short values becomes longer by it; [`Sanitizer`] says how much at most.
    pub fn otherwise(mut self, strategy: Strategy) -> Self {
        self.otherwise = Some(strategy);
        self
    }

    /// Adds a key for [`Strategy::Pseudonym`], of at least 16 bytes that
    /// nobody can guess, under an id of 1 to 16 letters, digits, points, hyphens and
    /// underscores, which is stored with every pseudonym.
    ///
    /// The key that is added last is in use. Keep those of before, so that
    /// what they have made can still be [searched for](crate::Auditor::pseudonym).
    ///
    /// # Security
    /// Whoever has the key can find out what a pseudonym stands for by trying.
    pub fn pseudonym_key(mut self, id: impl Into<String>, key: impl Into<Vec<u8>>) -> Self {
        let (id, key) = (id.into(), key.into());
        self.keys.push(Key { id, key });
        self
    }

    /// Adds a request header to those that are kept.
    ///
    /// One whose name is sensitive is treated as the rule for that name says, by default
    /// masked; of `cookie` the names of the cookies are kept only.
    pub fn request_header(mut self, name: impl Into<String>) -> Self {
        self.rules.push(SanitizerRule::RequestHeader(name.into()));
        self
    }

    /// Adds a response header to those that are kept.
    ///
    /// One whose name is sensitive is treated as the rule for that name says, by default masked.
    pub fn response_header(mut self, name: impl Into<String>) -> Self {
        self.rules.push(SanitizerRule::ResponseHeader(name.into()));
        self
    }

    /// Makes the sanitizer.
    ///
    /// # Errors
    /// If a name has no letter or digit, or more than 100 bytes; if a header's name is not
    /// one; if a path cannot be read, or all paths together have more than 128 steps; if a
    /// pattern cannot be read, or finds the empty text; if a key is short or its id unusual;
    /// if there are pseudonyms without a key; or if there are thousands of names. The
    /// error names the rule.
    pub fn build(self) -> Result<Sanitizer, Error> {
        let mut strategies = Strategies(vec![Strategy::Mask]);
        let mut names = NameRules::shipped();
        let (mut paths, mut patterns) = (Paths::default(), Patterns::default());
        let mut masking_paths = Paths::default();
        let mut request_headers = HeaderRules::request();
        let mut response_headers = HeaderRules::response();
        for rule in &self.rules {
            match rule {
                SanitizerRule::Name(name, Strategy::Keep) => names.allow(name)?,
                SanitizerRule::Name(name, strategy) => {
                    names.list(name, strategies.add(strategy)?, strategy.strictness())?;
                }
                SanitizerRule::Path(path, strategy) => {
                    let id = strategies.add(strategy)?;
                    paths.add(path, id)?;
                    if !matches!(strategy, Strategy::Keep) {
                        masking_paths.add(path, id)?;
                    }
                }
                SanitizerRule::Pattern(regex, Strategy::Keep) => {
                    return Err(Error::configuration(format!(
                        "the pattern {regex:?} of a sanitizer cannot keep what it finds: nothing else would take it away"
                    )));
                }
                SanitizerRule::Pattern(regex, strategy) => {
                    patterns.add(regex, strategies.add(strategy)?)?;
                }
                SanitizerRule::RequestHeader(name) => request_headers.add(name)?,
                SanitizerRule::ResponseHeader(name) => response_headers.add(name)?,
            }
        }
        let mut keys = PseudonymKeys::default();
        for Key { id, key } in &self.keys {
            keys.add(id, key)?;
        }
        let is_pseudonym = |strategy: &Strategy| matches!(strategy, Strategy::Pseudonym);
        let mut all = strategies.0.iter().chain(&self.otherwise);
        if keys.is_empty() && all.any(is_pseudonym) {
            return Err(Error::configuration(
                "a sanitizer that makes pseudonyms needs a pseudonym_key",
            ));
        }
        let otherwise = self
            .otherwise
            .filter(|strategy| !matches!(strategy, Strategy::Keep));
        let names = Arc::new(names.build()?);
        let masking = Rules {
            names: Arc::clone(&names),
            paths: masking_paths,
            patterns: Patterns::default(),
            removes: false,
            strategies: vec![Strategy::Mask; strategies.0.len()],
            otherwise: otherwise.as_ref().map(|_| Strategy::Mask),
            keys: PseudonymKeys::default(),
            masking: None,
            request_headers: request_headers.clone(),
            response_headers: response_headers.clone(),
        };
        Ok(Sanitizer::new(Rules {
            names,
            paths,
            patterns,
            removes: strategies
                .0
                .iter()
                .chain(&otherwise)
                .any(Strategy::is_remove),
            strategies: strategies.0,
            otherwise,
            keys,
            masking: Some(Box::new(masking)),
            request_headers,
            response_headers,
        }))
    }
}

/// The strategies of all rules, by their ids.
struct Strategies(Vec<Strategy>);

impl Strategies {
    fn add(&mut self, strategy: &Strategy) -> Result<StrategyId, Error> {
        let id = StrategyId::try_from(self.0.len())
            .map_err(|_| Error::configuration("too many rules for a sanitizer"))?;
        self.0.push(strategy.clone());
        Ok(id)
    }
}
