//! What a route is for.

/// What a route is for, which says how often it may be asked and whether that
/// is recorded. Every route that reads has one, as an extension of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Health,
    List,
    Detail,
    Timeline,
    /// The events of whoever asks.
    Me,
}

/// Which limit an operation counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    List,
    // Statistics and exports have routes of their own to count for these.
    #[allow(dead_code)]
    Stats,
    #[allow(dead_code)]
    Export,
}

/// When it is recorded that somebody has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    Never,
    /// Where the application [asks for it](super::RouterBuilder::record_lists).
    OnRequest,
    Always,
}

impl Operation {
    pub(super) fn class(self) -> Class {
        match self {
            Self::Health | Self::List | Self::Detail | Self::Timeline | Self::Me => Class::List,
        }
    }

    pub(super) fn recorded(self) -> Recorded {
        match self {
            Self::Health => Recorded::Never,
            Self::List | Self::Timeline | Self::Me => Recorded::OnRequest,
            Self::Detail => Recorded::Always,
        }
    }

    /// The route below the mount point.
    pub(super) fn route(self) -> &'static str {
        match self {
            Self::Health => "/api/health",
            Self::List => "/api/events",
            Self::Detail => "/api/events/{id}",
            Self::Timeline => "/api/events/{id}/timeline",
            Self::Me => "/api/me",
        }
    }

    /// What records of it have as their action.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Health => "audit.health",
            Self::List => "audit.list",
            Self::Detail => "audit.detail",
            Self::Timeline => "audit.timeline",
            Self::Me => "audit.me",
        }
    }
}
