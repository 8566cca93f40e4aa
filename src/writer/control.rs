//! What can be changed while the trail runs: the policy, and whether anything is recorded.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::auditor::Auditor;
use crate::Policy;
use crate::policy::{Head, Judgement};

/// The policy in force and the pause, as every request looks at them.
pub(super) struct Control {
    policy: ArcSwap<Policy>,
    /// [`PAUSED`] and [`SELECTIVE`]; neither for most trails, which costs a request one look.
    state: AtomicU8,
    /// Held while the policy and what `state` says of it are replaced.
    replacing: Mutex<()>,
}

const PAUSED: u8 = 1;
/// The policy does not just record everything.
const SELECTIVE: u8 = 2;

impl Control {
    pub(super) fn new(policy: Policy) -> Self {
        let control = Self {
            policy: ArcSwap::default(),
            state: AtomicU8::new(0),
            replacing: Mutex::new(()),
        };
        control.replace(policy);
        control
    }

    // A request that looks in between is judged by either policy, and by one only.
    fn replace(&self, policy: Policy) {
        let _guard = self
            .replacing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_selective = !policy.records_everything();
        self.policy.store(Arc::new(policy));
        self.set(SELECTIVE, is_selective);
    }

    /// Sets or clears a bit; says whether it was set before.
    fn set(&self, bit: u8, value: bool) -> bool {
        let before = if value {
            self.state.fetch_or(bit, Ordering::AcqRel)
        } else {
            self.state.fetch_and(!bit, Ordering::AcqRel)
        };
        before & bit != 0
    }

    fn state(&self) -> u8 {
        self.state.load(Ordering::Acquire)
    }
}

impl Auditor {
    /// Replaces the policy for all requests that arrive from now on, in all
    /// layers of this trail. A request is judged by one policy only: one that
    /// is under way keeps the policy with which it arrived.
    ///
    /// The log tells of it, at info.
    ///
    /// ```no_run
    /// use tower_audit::{Auditor, Level, Policy};
    ///
    /// fn only_metadata(auditor: &Auditor) -> Result<(), tower_audit::Error> {
    ///     auditor.set_policy(Policy::builder().level(Level::Metadata).build()?);
    ///     Ok(())
    /// }
    /// ```
    pub fn set_policy(&self, policy: Policy) {
        let rules = policy.rule_count();
        self.inner.control.replace(policy);
        tracing::info!(rules, "the audit policy was replaced");
    }

    /// The policy in force.
    pub fn policy(&self) -> Arc<Policy> {
        self.inner.control.policy.load_full()
    }

    /// Stops recording: of requests that arrive from now on, and of events
    /// that are [recorded](Self::record) by hand, nothing is kept and nothing
    /// counted until [`Auditor::resume`]. Requests that are under way are
    /// still recorded, and what was offered before is still stored.
    ///
    /// The log tells of it, at info; the trail itself does not.
    ///
    /// # Security
    /// What happens meanwhile leaves no trace. Let nobody call it whom the trail is to watch.
    pub fn pause(&self) {
        if !self.inner.control.set(PAUSED, true) {
            tracing::info!("the audit trail is paused: nothing is recorded until it is resumed");
        }
    }

    /// Records again after [`Auditor::pause`].
    ///
    /// The log tells of it, at info.
    pub fn resume(&self) {
        if self.inner.control.set(PAUSED, false) {
            tracing::info!("the audit trail is resumed");
        }
    }

    /// Whether the trail is paused.
    pub fn is_paused(&self) -> bool {
        self.inner.control.state() & PAUSED != 0
    }

    /// Judges a request that arrives now. The head is only looked at if the policy has rules.
    pub(crate) fn judge<'a>(&self, head: impl FnOnce() -> Head<'a>) -> Judgement {
        let control = &self.inner.control;
        match control.state() {
            0 => Judgement::everything(),
            SELECTIVE => Judgement::of(&control.policy.load(), head),
            _ => Judgement::nothing(),
        }
    }
}
