//! How often somebody may ask.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::Access;
use super::operation::Class;
use super::problem::Problem;

/// How often each [principal](Access::principal) may ask, in requests a minute.
///
/// Whoever has not asked for a while may ask as often at once; what goes
/// beyond that is answered with `429`, and `retry-after` says when to ask
/// again. Each process counts for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Limits {
    list: Option<NonZeroU32>,
    stats: Option<NonZeroU32>,
    export: Option<NonZeroU32>,
}

impl Limits {
    const LIST: u32 = 200;
    const STATS: u32 = 100;
    const EXPORT: u32 = 10;

    /// Nobody is limited, except as set afterwards.
    pub const fn none() -> Self {
        Self {
            list: None,
            stats: None,
            export: None,
        }
    }

    /// Sets the limit of lists, details and what is as cheap as these.
    /// Defaults to 200. Too low, and a person who leafs through the trail has to wait.
    ///
    /// # Panics
    /// If it is 0.
    pub fn list(mut self, per_minute: u32) -> Self {
        self.list = Some(at_least_one(per_minute));
        self
    }

    /// Sets the limit of statistics. Defaults to 100. Too low, and a page with several charts stays incomplete.
    ///
    /// # Panics
    /// If it is 0.
    pub fn stats(mut self, per_minute: u32) -> Self {
        self.stats = Some(at_least_one(per_minute));
        self
    }

    /// Sets the limit of exports and of live tails. Defaults to 10. Too high, and
    /// one program can keep the database busy for all others.
    ///
    /// # Panics
    /// If it is 0.
    pub fn export(mut self, per_minute: u32) -> Self {
        self.export = Some(at_least_one(per_minute));
        self
    }
}

fn at_least_one(per_minute: u32) -> NonZeroU32 {
    NonZeroU32::new(per_minute).expect("a limit allows at least one request a minute")
}

impl Default for Limits {
    fn default() -> Self {
        Self::none()
            .list(Self::LIST)
            .stats(Self::STATS)
            .export(Self::EXPORT)
    }
}

/// Counts what everybody asks.
pub(super) struct Limiter {
    /// Turns principals into keys, in a way that none of them can foresee.
    keys: RandomState,
    list: Option<Budgets>,
    stats: Option<Budgets>,
    export: Option<Budgets>,
}

impl Limiter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            keys: RandomState::new(),
            list: limits.list.map(Budgets::new),
            stats: limits.stats.map(Budgets::new),
            export: limits.export.map(Budgets::new),
        }
    }

    /// Counts a request, or refuses it.
    pub(super) fn admit(&self, access: &Access, class: Class) -> Result<(), Problem> {
        let budgets = match class {
            Class::List => &self.list,
            Class::Stats => &self.stats,
            Class::Export => &self.export,
        };
        let Some(budgets) = budgets else {
            return Ok(());
        };
        let key = match access.who() {
            Some(actor) => self.keys.hash_one((&actor.kind, &actor.id)),
            None => self.keys.hash_one(access.scope()),
        };
        budgets.spend(key).map_err(Problem::too_many_requests)
    }
}

/// What is left to each principal of one limit.
struct Budgets {
    own: Counters,
    /// For those who come when there are too many to count each by itself.
    shared: Counters,
    clock: SinceStart,
    /// When the principals were last looked through for those who have not asked for long, in seconds.
    tidied: AtomicU64,
}

type Counters = RateLimiter<u64, HashMapStateStore<u64>, SinceStart, NoOpMiddleware<Nanos>>;

/// The most principals who are counted each by itself.
const MAX_PRINCIPALS: usize = 10_000;
/// The budgets for all others.
const SHARED: u64 = 256;

impl Budgets {
    fn new(per_minute: NonZeroU32) -> Self {
        let clock = SinceStart(Instant::now());
        let counters =
            || RateLimiter::hashmap_with_clock(Quota::per_minute(per_minute), clock.clone());
        Self {
            own: counters(),
            shared: counters(),
            clock: clock.clone(),
            tidied: AtomicU64::new(0),
        }
    }

    /// Takes one from a budget, or says how long to wait for that.
    fn spend(&self, key: u64) -> Result<(), Duration> {
        let spent = if self.has_room() {
            self.own.check_key(&key)
        } else {
            self.shared.check_key(&(key % SHARED))
        };
        spent.map_err(|wait| wait.wait_time_from(self.clock.now()))
    }

    /// Whether another principal can be counted. Those whose budgets are whole
    /// again are forgotten, which is looked for at most once a second.
    fn has_room(&self) -> bool {
        if self.own.len() < MAX_PRINCIPALS {
            return true;
        }
        let now = Duration::from(self.clock.now()).as_secs();
        if self.tidied.swap(now, Ordering::Relaxed) < now {
            self.own.retain_recent();
        }
        self.own.len() < MAX_PRINCIPALS
    }
}

/// The time since this instant, by the clock that all of the crate waits by.
#[derive(Clone)]
struct SinceStart(Instant);

impl Clock for SinceStart {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_principals_take_a_bounded_memory_and_are_still_limited() {
        let budgets = Budgets::new(at_least_one(1));
        let many = 3 * MAX_PRINCIPALS as u64;
        let admitted = (0..many).filter(|key| budgets.spend(*key).is_ok()).count();
        assert_eq!(budgets.own.len(), MAX_PRINCIPALS);
        assert!(budgets.shared.len() <= SHARED as usize);
        assert!(admitted <= MAX_PRINCIPALS + SHARED as usize, "{admitted}");
        assert!(budgets.spend(7).is_err());

        tokio::time::advance(Duration::from_secs(121)).await;
        assert!(budgets.spend(many).is_ok());
        assert_eq!(budgets.own.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_budget_comes_back_with_time_and_says_when() {
        let budgets = Budgets::new(at_least_one(2));
        assert_eq!(
            [(); 3].map(|()| budgets.spend(1).is_ok()),
            [true, true, false]
        );
        let wait = budgets.spend(1).unwrap_err();
        assert_eq!(wait, Duration::from_secs(30));
        assert!(budgets.spend(2).is_ok());
        tokio::time::advance(wait).await;
        assert_eq!([(); 2].map(|()| budgets.spend(1).is_ok()), [true, false]);
    }
}
