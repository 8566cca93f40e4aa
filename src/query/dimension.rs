//! What statistics can be broken down by.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::event::Column;
use crate::{Error, Record};

/// What statistics can be broken down by: a column, or the class of the status.
///
/// Those that [have rollups](Self::has_rollups) are answered for any time at
/// about the same speed; the others look at the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dimension {
    /// The sort of event.
    Kind,
    /// The group of actions.
    Category,
    /// What was done.
    Action,
    /// How the exchange ended.
    Outcome,
    /// The HTTP method.
    Method,
    /// The template that the router matched.
    Route,
    /// The class of the status code, such as `4xx`.
    StatusClass,
    /// The tenant.
    TenantId,
    /// The status code.
    Status,
    /// The application's code for what went wrong.
    ErrorCode,
    /// Who did it.
    ActorId,
    /// The type of what it was done to.
    ResourceType,
    /// The client's country.
    Country,
    /// The client's browser.
    Browser,
    /// The client's operating system.
    Os,
    /// The client's device.
    Device,
}

impl Dimension {
    /// All of them, those with rollups first.
    pub const ALL: [Self; 16] = [
        Self::Kind,
        Self::Category,
        Self::Action,
        Self::Outcome,
        Self::Method,
        Self::Route,
        Self::StatusClass,
        Self::TenantId,
        Self::Status,
        Self::ErrorCode,
        Self::ActorId,
        Self::ResourceType,
        Self::Country,
        Self::Browser,
        Self::Os,
        Self::Device,
    ];

    /// The name, as it is written in a query string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Category => "category",
            Self::Action => "action",
            Self::Outcome => "outcome",
            Self::Method => "method",
            Self::Route => "route",
            Self::StatusClass => "status_class",
            Self::TenantId => "tenant_id",
            Self::Status => "status",
            Self::ErrorCode => "error_code",
            Self::ActorId => "actor_id",
            Self::ResourceType => "resource_type",
            Self::Country => "country",
            Self::Browser => "browser",
            Self::Os => "os",
            Self::Device => "device",
        }
    }

    /// Whether databases keep sums of every hour for it.
    pub const fn has_rollups(self) -> bool {
        match self {
            Self::Kind
            | Self::Category
            | Self::Action
            | Self::Outcome
            | Self::Method
            | Self::Route
            | Self::StatusClass
            | Self::TenantId => true,
            Self::Status
            | Self::ErrorCode
            | Self::ActorId
            | Self::ResourceType
            | Self::Country
            | Self::Browser
            | Self::Os
            | Self::Device => false,
        }
    }

    /// The column that its values are made of.
    pub fn column(self) -> &'static Column {
        let name = match self {
            Self::StatusClass => "status",
            other => other.as_str(),
        };
        Column::named(name).expect("every dimension is made of a column")
    }

    /// The record's value, if it has one.
    pub fn of(self, record: &Record) -> Option<Cow<'_, str>> {
        let text = match self {
            Self::Kind => Some(record.kind.as_str()),
            Self::Category => record.category.as_deref(),
            Self::Action => record.action.as_deref(),
            Self::Outcome => record.outcome.map(crate::Outcome::as_str),
            Self::Method => record.method.as_deref(),
            Self::Route => record.route.as_deref(),
            Self::StatusClass => return record.status.map(status_class),
            Self::TenantId => record.tenant_id.as_deref(),
            Self::Status => return record.status.map(|status| status.to_string().into()),
            Self::ErrorCode => record.error_code.as_deref(),
            Self::ActorId => record.actor_id.as_deref(),
            Self::ResourceType => record.resource_type.as_deref(),
            Self::Country => record.country.as_deref(),
            Self::Browser => record.browser.as_deref(),
            Self::Os => record.os.as_deref(),
            Self::Device => record.device.as_deref(),
        };
        text.map(Cow::Borrowed)
    }
}

fn status_class(status: u16) -> Cow<'static, str> {
    match status / 100 {
        1 => "1xx".into(),
        2 => "2xx".into(),
        3 => "3xx".into(),
        4 => "4xx".into(),
        5 => "5xx".into(),
        class => format!("{class}xx").into(),
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Dimension {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let named = Self::ALL.into_iter().find(|own| own.as_str() == text);
        named.ok_or_else(|| Error::invalid_input("by", "not a dimension of statistics"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for dimension in Dimension::ALL {
            assert_eq!(dimension.as_str().parse::<Dimension>().unwrap(), dimension);
            assert!(dimension.as_str().starts_with(dimension.column().name()));
        }
        assert_eq!(
            "all".parse::<Dimension>().unwrap_err().parameter(),
            Some("by")
        );
    }
}
