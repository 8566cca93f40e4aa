//! What was lost, why, how much, and when: the substance of gap events.

use crate::event::{Event, Kind, Timestamp};
use crate::journal::Adopted;

/// Why an event was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The queue was full.
    QueueFull,
    /// The queue was full, and the request was refused for that reason.
    RequestRefused,
    /// It came after the shutdown.
    Closed,
    /// The store refuses the record for good, and there was no room for it in a quarantine.
    Rejected,
    /// It could not be turned into a record.
    Unreadable,
    /// It was still pending when the shutdown's time was over.
    ShutdownTimeout,
    /// Somebody deleted it from the quarantine.
    Discarded,
    /// It was in the journal only, in a part that is damaged or that somebody has removed.
    JournalDamaged,
}

impl Loss {
    pub(super) const ALL: [Self; 8] = [
        Self::QueueFull,
        Self::RequestRefused,
        Self::Closed,
        Self::Rejected,
        Self::Unreadable,
        Self::ShutdownTimeout,
        Self::Discarded,
        Self::JournalDamaged,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::RequestRefused => "request_refused",
            Self::Closed => "closed",
            Self::Rejected => "rejected",
            Self::Unreadable => "unreadable",
            Self::ShutdownTimeout => "shutdown_timeout",
            Self::Discarded => "discarded",
            Self::JournalDamaged => "journal_damaged",
        }
    }
}

/// Losses by reason, each with the time of the first and the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Losses([Span; Loss::ALL.len()]);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span {
    count: u64,
    first: Timestamp,
    last: Timestamp,
}

impl Losses {
    pub(super) fn add(&mut self, loss: Loss, count: u64, time: Timestamp) {
        self.0[loss as usize].merge(Span {
            count,
            first: time,
            last: time,
        });
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (span, other) in self.0.iter_mut().zip(other.0) {
            span.merge(other);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|span| span.count == 0)
    }

    /// An event for each reason that something was lost for.
    pub(super) fn gap_events(&self) -> impl Iterator<Item = Event> {
        Loss::ALL
            .into_iter()
            .zip(self.0)
            .filter(|(_, span)| span.count > 0)
            .map(|(loss, span)| {
                Event::new(Kind::Gap)
                    .action("events.dropped")
                    .description("events are missing from the trail")
                    .severity("error")
                    .success(false)
                    .detail("reason", &loss.as_str())
                    .detail("count", &span.count)
                    .detail("first", &span.first)
                    .detail("last", &span.last)
            })
    }
}

/// An event for an earlier process that ended without closing its journal:
/// what it had not written by then is lost, and nobody knows how much that was.
///
/// It has the same id whoever tells of it, and how often.
pub(super) fn gap_of(adopted: &Adopted) -> Event {
    Event::with_id(adopted.name, &Kind::Gap)
        .action("process.ended")
        .description("a process ended without closing its journal; its last events may be missing")
        .severity("warning")
        .success(false)
        .detail("reason", &"unclean_end")
        .detail("started_at", &adopted.started_at)
        .detail("last_written_at", &adopted.last_written_at)
}

impl Span {
    fn merge(&mut self, other: Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = other;
            return;
        }
        self.count += other.count;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_of_several_places_add_up_and_keep_the_widest_span() {
        let time = Timestamp::from_micros;
        let (mut here, mut there) = (Losses::default(), Losses::default());
        here.add(Loss::QueueFull, 2, time(50));
        there.add(Loss::QueueFull, 3, time(20));
        there.add(Loss::Rejected, 1, time(90));
        here.merge(there);
        assert_eq!(
            here.0[0],
            Span {
                count: 5,
                first: time(20),
                last: time(50)
            }
        );
        assert_eq!(here.gap_events().count(), 2);
    }
}
