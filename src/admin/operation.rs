//! What a route is for.

/// What a route is for, which says how often it may be asked and whether that
/// is recorded. Every route that reads has one, as an extension of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Health,
    List,
    Detail,
    Timeline,
    Stats,
    Timeseries,
    Export,
    Live,
    /// The events of whoever asks.
    Me,
    /// An event is told by hand.
    Create,
    Flag,
    Purge,
}

/// Which limit an operation counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    List,
    // Statistics have routes of their own to count for it.
    Stats,
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
            Self::Health
            | Self::List
            | Self::Detail
            | Self::Timeline
            | Self::Live
            | Self::Me
            | Self::Create
            | Self::Flag => Class::List,
            Self::Stats | Self::Timeseries => Class::Stats,
            Self::Export | Self::Purge => Class::Export,
        }
    }

    pub(super) fn recorded(self) -> Recorded {
        match self {
            // What is created is recorded by itself.
            Self::Health | Self::Create => Recorded::Never,
            Self::List
            | Self::Timeline
            | Self::Stats
            | Self::Timeseries
            | Self::Live
            | Self::Me => Recorded::OnRequest,
            Self::Detail | Self::Export | Self::Flag | Self::Purge => Recorded::Always,
        }
    }

    /// The route below the mount point.
    pub(super) fn route(self) -> &'static str {
        match self {
            Self::Health => "/api/health",
            Self::List | Self::Create => "/api/events",
            Self::Detail => "/api/events/{id}",
            Self::Timeline => "/api/events/{id}/timeline",
            Self::Stats => "/api/stats",
            Self::Timeseries => "/api/timeseries",
            Self::Export => "/api/export",
            Self::Live => "/api/live",
            Self::Me => "/api/me",
            Self::Flag => "/api/events/{id}/flag",
            Self::Purge => "/api/purge",
        }
    }

    /// What records of it have as their action.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Health => "audit.health",
            Self::List => "audit.list",
            Self::Detail => "audit.detail",
            Self::Timeline => "audit.timeline",
            Self::Stats => "audit.stats",
            Self::Timeseries => "audit.timeseries",
            Self::Export => "audit.export",
            Self::Live => "audit.live",
            Self::Me => "audit.me",
            Self::Create => "audit.create",
            Self::Flag => "audit.flag",
            Self::Purge => "audit.purge",
        }
    }
}
