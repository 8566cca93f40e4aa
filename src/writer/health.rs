//! Whether the trail does what it should.

use std::fmt;

use super::auditor::Auditor;
use super::condition::{Condition, JournalState};
use super::queue::Queue;
use super::stats::Counters;

/// Whether the trail does what it should, and if not, why not.
///
/// [`docs::operations`](crate::docs::operations) says what to do about each problem.
///
/// ```
/// # fn look(auditor: &tower_audit::Auditor) {
/// use tower_audit::HealthStatus;
///
/// let health = auditor.health();
/// if health.status == HealthStatus::Failing {
///     eprintln!("the audit trail loses events: {health}");
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// In a word.
    pub status: HealthStatus,
    /// Everything that is wrong.
    pub problems: Vec<HealthProblem>,
}

/// How a trail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HealthStatus {
    /// All is well.
    Ok,
    /// Nothing is lost, as far as is known, but something is wrong.
    Degraded,
    /// Events are being lost, or the writer has ended: after an orderly shutdown, too.
    Failing,
}

/// What can be wrong with a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HealthProblem {
    /// The last attempt to store something failed; records wait.
    StoreUnavailable,
    /// Records wait in the journal to be stored, as after an outage.
    CatchingUp,
    /// The journal cannot be written; records are as safe as memory is.
    JournalUnavailable,
    /// The journal holds as much as it may, or its disk is full; records are as safe as memory is.
    JournalFull,
    /// Records that the store refuses wait in quarantine, by this process.
    Quarantine,
    /// Events were lost within the last minute.
    LosingEvents,
    /// The writer has ended, by a shutdown or because it failed.
    Ended,
}

impl HealthStatus {
    /// `ok`, `degraded` or `failing`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
        }
    }
}

impl HealthProblem {
    pub(super) const ALL: [Self; 7] = [
        Self::StoreUnavailable,
        Self::CatchingUp,
        Self::JournalUnavailable,
        Self::JournalFull,
        Self::Quarantine,
        Self::LosingEvents,
        Self::Ended,
    ];

    /// A stable word for it, such as `store_unavailable`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StoreUnavailable => "store_unavailable",
            Self::CatchingUp => "catching_up",
            Self::JournalUnavailable => "journal_unavailable",
            Self::JournalFull => "journal_full",
            Self::Quarantine => "quarantine",
            Self::LosingEvents => "losing_events",
            Self::Ended => "ended",
        }
    }

    /// How grave it is.
    pub const fn status(self) -> HealthStatus {
        match self {
            Self::StoreUnavailable
            | Self::CatchingUp
            | Self::JournalUnavailable
            | Self::JournalFull
            | Self::Quarantine => HealthStatus::Degraded,
            Self::LosingEvents | Self::Ended => HealthStatus::Failing,
        }
    }
}

impl Auditor {
    /// How the trail is now, as this process sees it. Cheap enough for a
    /// health check that is asked every second.
    ///
    /// Pausing is nobody's fault, and shows in [`is_paused`](Self::is_paused) only.
    pub fn health(&self) -> Health {
        let inner = &self.inner;
        let has_ended = *inner.finished.borrow() || inner.finished.has_changed().is_err();
        Health::of(&inner.condition, &inner.counters, &inner.queue, has_ended)
    }
}

impl Health {
    pub(super) fn of(
        condition: &Condition,
        counters: &Counters,
        queue: &Queue,
        has_ended: bool,
    ) -> Self {
        let is_present = |problem: &HealthProblem| match problem {
            HealthProblem::StoreUnavailable => condition.is_store_failing(),
            HealthProblem::CatchingUp => condition.is_behind(),
            HealthProblem::JournalUnavailable => condition.is_journal(JournalState::Fails),
            HealthProblem::JournalFull => condition.is_journal(JournalState::Full),
            HealthProblem::Quarantine => counters.has_quarantined(),
            HealthProblem::LosingEvents => condition.has_lost_lately() || queue.has_losses(),
            HealthProblem::Ended => has_ended,
        };
        let problems: Vec<_> = HealthProblem::ALL.into_iter().filter(is_present).collect();
        let status = problems.iter().map(|problem| problem.status()).max();
        Self {
            status: status.unwrap_or(HealthStatus::Ok),
            problems,
        }
    }
}

impl fmt::Display for Health {
    /// `ok`, or `degraded: store_unavailable, catching_up`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.status.as_str())?;
        for (index, problem) in self.problems.iter().enumerate() {
            let between = if index == 0 { ": " } else { ", " };
            write!(f, "{between}{}", problem.as_str())?;
        }
        Ok(())
    }
}
