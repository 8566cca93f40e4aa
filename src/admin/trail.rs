//! What all routes share, and how a handler comes to read.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::Access;
use super::limits::Limiter;
use super::operation::{Operation, Recorded};
use super::problem::Problem;
use super::reading::Reading;
use super::scoped::Scoped;
use crate::{AuditReader, Auditor};

/// What all routes share. The reader is handed out as [`Scoped`] only.
#[derive(Clone)]
pub(super) struct Trail(Arc<Inner>);

struct Inner {
    /// The reading side of the store, if it has one.
    reader: Option<Arc<dyn AuditReader>>,
    limiter: Limiter,
    /// Where it is recorded what was read.
    auditor: Option<Auditor>,
    records_lists: bool,
}

impl Trail {
    pub(super) fn new(
        reader: Option<Arc<dyn AuditReader>>,
        limiter: Limiter,
        auditor: Option<Auditor>,
        records_lists: bool,
    ) -> Self {
        Self(Arc::new(Inner {
            reader,
            limiter,
            auditor,
            records_lists,
        }))
    }

    pub(super) fn auditor(&self) -> Option<&Auditor> {
        self.0.auditor.as_ref()
    }

    /// Where reading by this operation is recorded, if it is.
    fn recorder(&self, operation: Operation) -> Option<Auditor> {
        let recorded = match operation.recorded() {
            Recorded::Never => false,
            Recorded::OnRequest => self.0.records_lists,
            Recorded::Always => true,
        };
        self.0.auditor.clone().filter(|_| recorded)
    }
}

/// A handler takes it first: before it, nothing else of the request is looked at.
impl FromRequestParts<Trail> for Scoped {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, trail: &Trail) -> Result<Self, Problem> {
        let reader = trail.0.reader.clone().ok_or_else(Problem::write_only)?;
        let (Some(access), Some(operation)) = (
            parts.extensions.get::<Access>(),
            parts.extensions.get::<Operation>(),
        ) else {
            return Err(Problem::unguarded());
        };
        trail.0.limiter.admit(access, operation.class())?;
        let reading = Reading::new(
            trail.recorder(*operation),
            *operation,
            access.clone(),
            parts.uri.query(),
        );
        Ok(Self::new(reader, access.clone(), reading))
    }
}
