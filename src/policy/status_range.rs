//! One status or several in a row.

use std::fmt;
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use http::StatusCode;

/// What [`Rule::status`](super::Rule::status) asks for: made of a number, a
/// [`StatusCode`] or any range of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    first: u16,
    last: u16,
}

/// As `http` has it.
const ALL: StatusRange = StatusRange {
    first: 100,
    last: 999,
};

impl StatusRange {
    pub(super) fn is_empty(self) -> bool {
        self.first.max(ALL.first) > self.last.min(ALL.last)
    }

    pub(super) fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

impl fmt::Display for StatusRange {
    /// `404`, `500..=599`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return write!(f, "{}", self.first);
        }
        write!(f, "{}..={}", self.first, self.last)
    }
}

impl From<u16> for StatusRange {
    fn from(status: u16) -> Self {
        (status..=status).into()
    }
}

impl From<StatusCode> for StatusRange {
    fn from(status: StatusCode) -> Self {
        status.as_u16().into()
    }
}

impl From<RangeInclusive<u16>> for StatusRange {
    fn from(range: RangeInclusive<u16>) -> Self {
        Self {
            first: *range.start(),
            last: *range.end(),
        }
    }
}

impl From<Range<u16>> for StatusRange {
    fn from(range: Range<u16>) -> Self {
        (range.start..=range.end.saturating_sub(1)).into()
    }
}

impl From<RangeFrom<u16>> for StatusRange {
    fn from(range: RangeFrom<u16>) -> Self {
        (range.start..=ALL.last).into()
    }
}

impl From<RangeTo<u16>> for StatusRange {
    fn from(range: RangeTo<u16>) -> Self {
        (ALL.first..range.end).into()
    }
}

impl From<RangeToInclusive<u16>> for StatusRange {
    fn from(range: RangeToInclusive<u16>) -> Self {
        (ALL.first..=range.end).into()
    }
}

impl From<RangeFull> for StatusRange {
    fn from(_: RangeFull) -> Self {
        ALL
    }
}
