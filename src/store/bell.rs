//! How whoever tails the trail hears of new records.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::EventId;

/// How often to look for records that nobody tells of.
const POLL: Duration = Duration::from_secs(2);
/// The rings that wait for one who does not listen.
const MAX_WAITING: usize = 1024;
/// Ids that are further apart than this are told of separately.
const GAP: Duration = Duration::from_secs(1);
/// The most spans of one ring.
const MAX_SPANS: usize = 32;

/// Ids among which records were stored, from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// The smallest of the ids.
    pub first: EventId,
    /// The greatest of them.
    pub last: EventId,
}

/// What a [`Bell`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ring {
    /// Records were stored, and can be read by now, all of them among these ids.
    Stored(Arc<[Span]>),
    /// Records may have been stored of which nobody tells: look at those of late.
    Unsure,
    /// There were more rings than could be kept.
    Missed,
}

/// Tells when there may be new records. It tells of all that are stored after
/// it was made, if at all: of those of a process that shares nothing with this
/// one it only says that there may be some.
#[derive(Debug)]
pub struct Bell {
    rings: Option<broadcast::Receiver<Ring>>,
    poll: Option<Interval>,
}

impl Bell {
    /// A bell for stores that cannot tell: it rings every two seconds.
    ///
    /// # Panics
    /// If called outside a Tokio runtime.
    pub fn polling() -> Self {
        Self {
            rings: None,
            poll: Some(every(POLL)),
        }
    }

    /// Waits for the next ring.
    ///
    /// # Cancel safety
    /// A ring that was not given out yet is not lost.
    pub async fn ring(&mut self) -> Ring {
        let heard = async {
            match &mut self.rings {
                Some(rings) => match rings.recv().await {
                    Ok(ring) => ring,
                    Err(RecvError::Lagged(_)) => Ring::Missed,
                    // The store is gone, and will ring no more.
                    Err(RecvError::Closed) => std::future::pending().await,
                },
                None => std::future::pending().await,
            }
        };
        let polled = async {
            match &mut self.poll {
                Some(poll) => poll.tick().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ring = heard => ring,
            _ = polled => Ring::Unsure,
        }
    }
}

/// The end of the rope. Clones ring the same bells.
#[derive(Clone)]
pub(super) struct Ringer(broadcast::Sender<Ring>);

impl Ringer {
    /// Tells that records of these ids were stored.
    pub(super) fn stored(&self, ids: impl Iterator<Item = EventId>) {
        if self.has_listeners() {
            self.ring(Ring::Stored(spans(ids).into()));
        }
    }

    /// A ring that nobody hears is no loss.
    pub(super) fn ring(&self, ring: Ring) {
        self.0.send(ring).ok();
    }

    pub(super) fn has_listeners(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// A bell that also polls, if so told.
    pub(super) fn bell(&self, poll: Option<Duration>) -> Bell {
        Bell {
            rings: Some(self.0.subscribe()),
            poll: poll.map(every),
        }
    }
}

impl Default for Ringer {
    fn default() -> Self {
        Self(broadcast::channel(MAX_WAITING).0)
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// A few spans that hold all ids, and as little else as such a number can. A
/// request that took long has an old id: without a gap before the others, its
/// span would hold hours.
pub(super) fn spans(ids: impl Iterator<Item = EventId>) -> Vec<Span> {
    let mut ids: Vec<_> = ids.collect();
    ids.sort_unstable();
    let gap = |pair: &[EventId]| pair[1].timestamp().as_micros() - pair[0].timestamp().as_micros();
    let mut gaps: Vec<_> = ids
        .windows(2)
        .map(gap)
        .filter(|gap| *gap > GAP.as_micros() as i64)
        .collect();
    gaps.sort_unstable_by(|one, other| other.cmp(one));
    // As many of the widest gaps as the spans leave, and those as wide as the last one not.
    let widest = gaps
        .get(MAX_SPANS - 1)
        .copied()
        .unwrap_or(GAP.as_micros() as i64);
    let mut spans = Vec::<Span>::new();
    for id in ids {
        match spans.last_mut() {
            Some(span) if gap(&[span.last, id]) <= widest => span.last = id,
            _ => spans.push(Span {
                first: id,
                last: id,
            }),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Timestamp;

    fn at(seconds: i64) -> EventId {
        EventId::lower_bound(Timestamp::from_micros(seconds * 1_000_000))
    }

    #[test]
    fn ids_that_are_close_share_a_span() {
        let ids = [at(7_001), at(5), at(7_000), at(6)];
        let expected = [(at(5), at(6)), (at(7_000), at(7_001))];
        let expected = expected.map(|(first, last)| Span { first, last });
        assert_eq!(spans(ids.into_iter()), expected);
        assert_eq!(spans(std::iter::empty()), []);
    }

    proptest! {
        #[test]
        fn a_few_spans_hold_every_id(seconds in prop::collection::vec(0..100_000_i64, 0..200)) {
            let spans = spans(seconds.iter().map(|second| at(*second)));
            prop_assert!(spans.len() <= MAX_SPANS);
            for second in seconds {
                let id = at(second);
                let holds = |span: &Span| (span.first..=span.last).contains(&id);
                prop_assert_eq!(spans.iter().filter(|span| holds(span)).count(), 1);
            }
        }
    }
}
