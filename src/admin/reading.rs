//! The record of what somebody has read.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Access;
use super::operation::Operation;
use crate::{Auditor, Event, EventId, Kind};

/// What one request has read so far. It is recorded when the last that reads
/// for the request is gone: after the answer, or after as much of a stream as the client took.
pub(super) struct Reading {
    /// Where it is recorded, if it is.
    auditor: Option<Auditor>,
    operation: Operation,
    access: Access,
    query: Option<Box<str>>,
    /// Whether the store was asked at all: a malformed request reads nothing.
    asked: AtomicBool,
    failed: AtomicBool,
    rows: AtomicU64,
    /// The one event that was asked for.
    about: OnceLock<EventId>,
}

impl Reading {
    pub(super) fn new(
        auditor: Option<Auditor>,
        operation: Operation,
        access: Access,
        query: Option<&str>,
    ) -> Self {
        Self {
            auditor,
            operation,
            access,
            query: query.map(Box::from),
            asked: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            rows: AtomicU64::new(0),
            about: OnceLock::new(),
        }
    }

    /// The store is asked, if for one event then for this.
    pub(super) fn asks(&self, about: Option<EventId>) {
        self.asked.store(true, Ordering::Relaxed);
        if let Some(id) = about {
            // A request that asks for several is about the first.
            self.about.get_or_init(|| id);
        }
    }

    /// The store has answered with so many records, or failed.
    pub(super) fn answered(&self, rows: Option<usize>) {
        match rows {
            Some(rows) => _ = self.rows.fetch_add(rows as u64, Ordering::Relaxed),
            None => self.failed.store(true, Ordering::Relaxed),
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let Some(auditor) = self.auditor.take().filter(|_| *self.asked.get_mut()) else {
            return;
        };
        let mut event = Event::new(Kind::Read)
            .action(self.operation.action())
            .route(self.operation.route())
            .success(!*self.failed.get_mut())
            .detail("rows", self.rows.get_mut());
        if let Some(query) = self.query.as_deref() {
            event = event.query(query);
        }
        if let Some(actor) = self.access.who() {
            event = event.actor(actor.clone());
        }
        if let Some(tenant) = self.access.scope().tenant_id() {
            event = event.tenant(tenant);
        }
        if let Some(id) = self.about.get() {
            event = event.resource("event", id);
        }
        auditor.record(event);
    }
}
