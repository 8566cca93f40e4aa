//! What can be changed while the trail runs: the policy, and whether anything is recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, Guard};

use super::auditor::Auditor;
use crate::Policy;

/// The policy in force and the pause, as every request looks at them.
pub(super) struct Control {
    policy: ArcSwap<Policy>,
    paused: AtomicBool,
}

impl Control {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            policy: ArcSwap::from_pointee(policy),
            paused: AtomicBool::new(false),
        }
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
        self.inner.control.policy.store(Arc::new(policy));
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
        if !self.inner.control.paused.swap(true, Ordering::AcqRel) {
            tracing::info!("the audit trail is paused: nothing is recorded until it is resumed");
        }
    }

    /// Records again after [`Auditor::pause`].
    ///
    /// The log tells of it, at info.
    pub fn resume(&self) {
        if self.inner.control.paused.swap(false, Ordering::AcqRel) {
            tracing::info!("the audit trail is resumed");
        }
    }

    /// Whether the trail is paused.
    pub fn is_paused(&self) -> bool {
        self.inner.control.paused.load(Ordering::Acquire)
    }

    /// The policy by which to judge a request that arrives now; none while the trail is paused.
    pub(crate) fn policy_now(&self) -> Option<Guard<Arc<Policy>>> {
        (!self.is_paused()).then(|| self.inner.control.policy.load())
    }
}
