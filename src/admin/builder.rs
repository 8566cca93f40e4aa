//! Settings of the router.

use std::fmt;
use std::sync::Arc;

use axum::Router;

use super::limits::Limiter;
use super::trail::Trail;
use super::{Authorizer, Limits, router};
use crate::{AuditReader, Auditor};

/// Settings of a router, for those to whom [`Auditor::router`] is too short.
///
/// ```
/// use tower_audit::Auditor;
/// use tower_audit::admin::{BasicAuth, Limits};
///
/// # fn mount(auditor: &Auditor, password: &str) -> axum::Router {
/// auditor
///     .router_builder(BasicAuth::new("admin", password))
///     .limits(Limits::default().export(2))
///     .record_lists(true)
///     .build()
/// # }
/// ```
#[must_use]
pub struct RouterBuilder {
    reader: Option<Arc<dyn AuditReader>>,
    authorizer: Arc<dyn Authorizer>,
    limits: Limits,
    auditor: Option<Auditor>,
    record_lists: bool,
    manage: bool,
}

impl RouterBuilder {
    /// A router that lets those read the trail whom `authorizer` lets. It
    /// records nothing of that without an [`auditor`](Self::auditor).
    pub fn new(reader: Arc<dyn AuditReader>, authorizer: impl Authorizer) -> Self {
        Self::over(Some(reader), authorizer)
    }

    /// Like [`new`](Self::new), also for a store that can only be written: the API then says so.
    pub(super) fn over(reader: Option<Arc<dyn AuditReader>>, authorizer: impl Authorizer) -> Self {
        Self {
            reader,
            authorizer: Arc::new(authorizer),
            limits: Limits::default(),
            auditor: None,
            record_lists: false,
            manage: false,
        }
    }

    /// Sets how often everybody may ask. Defaults to [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets where it is recorded who read what: an event of kind
    /// [`read`](crate::Kind::Read) for each detail, with the principal, the
    /// route, the query and the number of records. Set already by
    /// [`Auditor::router_builder`].
    pub fn auditor(mut self, auditor: &Auditor) -> Self {
        self.auditor = Some(auditor.clone());
        self
    }

    /// Sets whether lists are recorded, too: one event for each page.
    /// Defaults to false. A page of a dashboard that reloads itself writes many of them.
    pub fn record_lists(mut self, record_lists: bool) -> Self {
        self.record_lists = record_lists;
        self
    }

    /// Sets whether the trail can be changed over HTTP: events told by hand,
    /// flagged, and purged. Defaults to false: there are no such routes then.
    /// It needs an [`auditor`](Self::auditor), since all of that is recorded.
    ///
    /// # Security
    /// Only those can use it whose access [says so](super::Access::manage).
    /// Requests of pages of other origins are refused; a proxy that changes
    /// the `host` header makes a browser's own requests look like those.
    pub fn manage(mut self, manage: bool) -> Self {
        self.manage = manage;
        self
    }

    /// The router; see [`router`](super::router()) for how to mount it.
    pub fn build(self) -> Router {
        let limiter = Limiter::new(&self.limits);
        let trail = Trail::new(self.reader, limiter, self.auditor, self.record_lists);
        router::routes(trail, self.authorizer, self.manage)
    }
}

impl fmt::Debug for RouterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterBuilder")
            .field("limits", &self.limits)
            .field("record_lists", &self.record_lists)
            .field("manage", &self.manage)
            .finish_non_exhaustive()
    }
}
