//! The crate's one error type.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

type Source = Box<dyn StdError + Send + Sync>;

/// What went wrong, as an opaque value that answers questions.
///
/// Messages are lower case, name what to do where that is known, and never
/// carry data of a request or of a row. The cause, if there is one, is
/// chained through [`std::error::Error::source`].
pub struct Error {
    kind: Kind,
    message: Cow<'static, str>,
    reason: Option<Cow<'static, str>>,
    source: Option<Source>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Configuration,
    InvalidInput { parameter: &'static str },
    Unavailable,
    Rejected { index: Option<usize> },
    Closed,
    TimedOut,
    Internal,
}

impl Error {
    /// The set-up is wrong and stays wrong until somebody changes it: a bad
    /// URL, a missing right, a schema that is newer than this crate.
    pub fn configuration(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Configuration, message)
    }

    /// A value that somebody passed in cannot be used. `parameter` names it.
    pub fn invalid_input(parameter: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::InvalidInput { parameter }, message)
    }

    /// The store cannot be reached or cannot answer now; trying again may help.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unavailable, message)
    }

    /// The store refuses a record and always will. `index` is the record's
    /// place in the batch, where the store knows it.
    pub fn rejected(index: Option<usize>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Rejected { index }, message)
    }

    /// The writer has been shut down.
    pub fn closed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Closed, message)
    }

    /// A limit of time was reached first.
    pub fn timed_out(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::TimedOut, message)
    }

    /// Something that should not happen did: a bug, or a row that was altered by hand.
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// Sets the cause, to be found by walking [`std::error::Error::source`].
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Sets the store's own code for why it refuses a record, such as a
    /// SQLSTATE: one word that people can count by. Like the message it is
    /// kept beside the record, so it never carries data.
    #[must_use]
    pub fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            reason: None,
            source: None,
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, Kind::Unavailable | Kind::TimedOut)
    }

    /// Whether the store refuses a record for good.
    pub fn is_rejected(&self) -> bool {
        matches!(self.kind, Kind::Rejected { .. })
    }

    /// The refused record's place in its batch, where the store knows it.
    pub fn rejected_index(&self) -> Option<usize> {
        match self.kind {
            Kind::Rejected { index } => index,
            Kind::Configuration
            | Kind::InvalidInput { .. }
            | Kind::Unavailable
            | Kind::Closed
            | Kind::TimedOut
            | Kind::Internal => None,
        }
    }

    /// The store's own code for why it refuses a record, where it told one.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Whether the writer was shut down before.
    pub fn is_closed(&self) -> bool {
        self.kind == Kind::Closed
    }

    /// Whether a limit of time was reached.
    pub fn is_timeout(&self) -> bool {
        self.kind == Kind::TimedOut
    }

    /// The name of the value that cannot be used, for [`Error::invalid_input`].
    pub fn parameter(&self) -> Option<&'static str> {
        match self.kind {
            Kind::InvalidInput { parameter } => Some(parameter),
            Kind::Configuration
            | Kind::Unavailable
            | Kind::Rejected { .. }
            | Kind::Closed
            | Kind::TimedOut
            | Kind::Internal => None,
        }
    }

    /// A stable word for the class of error, for metrics and logs.
    pub fn code(&self) -> &'static str {
        match self.kind {
            Kind::Configuration => "configuration",
            Kind::InvalidInput { .. } => "invalid_input",
            Kind::Unavailable => "unavailable",
            Kind::Rejected { .. } => "rejected",
            Kind::Closed => "closed",
            Kind::TimedOut => "timed_out",
            Kind::Internal => "internal",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("reason", &self.reason)
            .field("source", &self.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
