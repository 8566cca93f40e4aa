//! One condition of a filter.

use crate::Record;
use crate::event::{Column, Value};

/// One condition of a [`Filter`](super::Filter): a column, and what its value may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What the condition is called: conditions of one name are one.
    name: &'static str,
    column: &'static str,
    is_negated: bool,
    tests: Vec<Test>,
}

/// What the conditions of scopes are called. No condition of a client is, so none widens them.
pub(super) const SCOPE: &str = "scope";

/// What a column's value may be. A missing value passes no test.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Test {
    /// Exactly this value.
    Equals(Value<'static>),
    /// Not below the first value and not above the second, both of the
    /// column's type: a number or an address. All addresses of version 4 are
    /// below those of version 6.
    Between(Value<'static>, Value<'static>),
    /// A text that starts with this one.
    StartsWith(String),
    /// A list of texts with this one among them.
    Contains(String),
}

impl Condition {
    pub(super) fn new(name: &'static str, column: &'static str, is_negated: bool) -> Self {
        Self {
            name,
            column,
            is_negated,
            tests: Vec::new(),
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.name, self.is_negated) == (other.name, other.is_negated)
    }

    /// Whether the condition keeps a reader to its [`Scope`](super::Scope).
    pub(super) fn is_of_scope(&self) -> bool {
        self.name == SCOPE
    }

    pub(super) fn or(&mut self, test: Test) {
        self.tests.push(test);
    }

    /// The column that the condition is about.
    pub fn column(&self) -> &'static Column {
        Column::named(self.column).expect("filters only name columns that exist")
    }

    /// Whether a value must pass none of the [tests](Self::tests), instead of
    /// any of them. A missing value passes such a condition.
    pub fn is_negated(&self) -> bool {
        self.is_negated
    }

    /// What the column's value may be: any of these, and there is at least one.
    pub fn tests(&self) -> &[Test] {
        &self.tests
    }

    pub(super) fn matches(&self, record: &Record) -> bool {
        self.accepts(&self.column().get(record))
    }

    /// Whether a record with this value passes.
    pub(crate) fn accepts(&self, value: &Value<'_>) -> bool {
        self.tests.iter().any(|test| test.passes(value)) != self.is_negated
    }
}

impl Test {
    fn passes(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Equals(wanted), _) => value == wanted,
            (Self::Between(Value::Int(min), Value::Int(max)), Value::Int(value)) => {
                (min..=max).contains(&value)
            }
            (Self::Between(Value::Ip(min), Value::Ip(max)), Value::Ip(value)) => {
                (min..=max).contains(&value)
            }
            (Self::StartsWith(prefix), Value::Text(text)) => text.starts_with(prefix.as_str()),
            (Self::Contains(wanted), Value::TextList(list)) => list.contains(wanted),
            (Self::Between(..) | Self::StartsWith(_) | Self::Contains(_), _) => false,
        }
    }

    /// Whether the test has a text with NUL. No column does, and PostgreSQL
    /// would fail instead of finding nothing.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn asks_for_nul(&self) -> bool {
        match self {
            Self::Equals(Value::Text(text)) => text.contains('\0'),
            Self::Equals(_) | Self::Between(..) => false,
            Self::StartsWith(text) | Self::Contains(text) => text.contains('\0'),
        }
    }
}
