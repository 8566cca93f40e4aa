//! The rules of a sanitizer.

use super::headers::HeaderRules;
use super::names::NameRules;
use super::{Rules, Sanitizer};
use crate::Error;

/// Collects the rules of a [`Sanitizer`]; see [`Sanitizer::builder`].
///
/// ```
/// use tower_audit::Sanitizer;
///
/// let sanitizer = Sanitizer::builder()
///     .deny("tax_number")
///     .allow("max_tokens")
///     .request_header("x-client-version")
///     .build()?;
/// # Ok::<_, tower_audit::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct SanitizerBuilder {
    rules: Vec<Rule>,
}

/// Rules are checked in `build`, in the order in which they were given.
#[derive(Clone, Debug)]
enum Rule {
    Deny(String),
    Allow(String),
    RequestHeader(String),
    ResponseHeader(String),
}

impl SanitizerBuilder {
    /// Adds a sensitive name: values that go by it are masked, wherever they are.
    ///
    /// Case and separators do not matter, and it is found in longer names as
    /// whole words: `tax_number` also covers `taxNumber` and
    /// `user.tax-number`, not `syntax_number`.
    pub fn deny(mut self, name: impl Into<String>) -> Self {
        self.rules.push(Rule::Deny(name.into()));
        self
    }

    /// Takes a name off the list of sensitive ones.
    ///
    /// A name that is on the shipped list as such, like `pin`, is no longer looked for
    /// at all; any other name, like `max_tokens`, is exempted only where it is
    /// the whole name. A later [`deny`](Self::deny) of the same name takes this back.
    ///
    /// # Security
    /// Values of that name are stored as they are.
    pub fn allow(mut self, name: impl Into<String>) -> Self {
        self.rules.push(Rule::Allow(name.into()));
        self
    }

    /// Adds a request header to those that are kept.
    ///
    /// A header whose name is sensitive is kept with its value masked, and
    /// `cookie` with the names of the cookies only.
    pub fn request_header(mut self, name: impl Into<String>) -> Self {
        self.rules.push(Rule::RequestHeader(name.into()));
        self
    }

    /// Adds a response header to those that are kept.
    ///
    /// A header whose name is sensitive is kept with its value masked.
    pub fn response_header(mut self, name: impl Into<String>) -> Self {
        self.rules.push(Rule::ResponseHeader(name.into()));
        self
    }

    /// Makes the sanitizer.
    ///
    /// # Errors
    /// If a name has no letter or digit, or more than 100 bytes; if a header's name is not
    /// one; or if there are thousands of names. The error names the rule.
    pub fn build(self) -> Result<Sanitizer, Error> {
        let mut names = NameRules::shipped();
        let mut request_headers = HeaderRules::request();
        let mut response_headers = HeaderRules::response();
        for rule in &self.rules {
            match rule {
                Rule::Deny(name) => names.deny(name)?,
                Rule::Allow(name) => names.allow(name)?,
                Rule::RequestHeader(name) => request_headers.add(name)?,
                Rule::ResponseHeader(name) => response_headers.add(name)?,
            }
        }
        Ok(Sanitizer::new(Rules {
            names: names.build()?,
            request_headers,
            response_headers,
        }))
    }
}
