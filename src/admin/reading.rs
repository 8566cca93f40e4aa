//! The record of what somebody has read.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;

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
    query: OnceLock<Box<str>>,
    /// Whether the store was asked at all: a malformed request reads nothing.
    asked: AtomicBool,
    failed: AtomicBool,
    rows: AtomicU64,
    /// The one event that was asked for.
    about: OnceLock<EventId>,
    /// What else is worth telling.
    notes: Mutex<Vec<(&'static str, Value)>>,
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
            query: query.map(Box::from).map(OnceLock::from).unwrap_or_default(),
            asked: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            rows: AtomicU64::new(0),
            about: OnceLock::new(),
            notes: Mutex::default(),
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
            None => self.fail(),
        }
    }

    /// What was asked for was not done.
    pub(super) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// The filter, where it did not come as the query string.
    pub(super) fn tell_query(&self, query: &str) {
        self.query.get_or_init(|| query.into());
    }

    /// What else is worth telling, as a detail of this name.
    pub(super) fn tell(&self, name: &'static str, value: Value) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push((name, value));
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
        if let Some(query) = self.query.get() {
            event = event.query(query);
        }
        let notes = self.notes.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (name, value) in notes {
            event = event.detail(name, value);
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
