//! One request and its response, from arrival to end.

mod admitted;
mod digests;
mod judged;

use quanta::Instant;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Buf;
use http::{HeaderMap, Request, StatusCode};

use self::digests::Digests;
use super::capture::BodyCapture;
use super::head;
use super::meter::Meter;
use super::reading::{Reading, reading};
use super::settings::Settings;
use crate::event::{EventId, Frame, Outcome, Stage, Tag, limits};
use crate::policy::Judgement;
use crate::writer::{CaptureBudget, Loss, Room};
use crate::{Auditor, Level};

/// What all exchanges of a layer share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) auditor: Auditor,
    pub(super) settings: Settings,
}

/// What is known of an exchange so far. Shared by the wrappers and the
/// handler; the first end that one of them reports is the one that counts.
pub(super) struct Exchange {
    shared: Arc<Shared>,
    judgement: Judgement,
    /// None if nothing was to be recorded; then the head was not looked at.
    begun: Option<Begun>,
    /// The same, for what a route wants recorded nevertheless.
    begun_late: OnceLock<Begun>,
    request: Meter,
    response: Meter,
    state: Mutex<State>,
}

/// When the record begins, and under which id.
struct Begun {
    id: EventId,
    started: Instant,
}

struct State {
    frame: Frame,
    request: BodyCapture,
    response: BodyCapture,
    /// Where digests of both bodies are asked for.
    digests: Option<Box<Digests>>,
    /// What a route says instead of the policy.
    level: Option<Level>,
    sample: Option<f64>,
    /// What is set apart for the record in the queue.
    room: Option<Room>,
    /// An early word of the record was given.
    staged: bool,
    /// The request was refused, since its record would have found no room.
    refused: bool,
    /// A panic went past the handler's context, although a response may still follow.
    panicked: bool,
    /// The client went away before the request's body had ended.
    broke_off: bool,
    finished: bool,
}

impl Exchange {
    pub(super) fn begin<B>(shared: Arc<Shared>, request: &Request<B>, has_body: bool) -> Arc<Self> {
        let judgement = shared.auditor.judge(|| head::of(request));
        let level = judgement.highest();
        let (begun, frame, limit) = if level == Level::None {
            (None, Frame::default(), 0)
        } else {
            let (begun, mut frame) = Begun::now(&shared.auditor, request);
            let limit = if has_body {
                shared.request_limit(level, request, &mut frame)
            } else {
                0
            };
            (Some(begun), frame, limit)
        };
        let digests = begun.as_ref().and_then(|_| shared.digests());
        Arc::new(Self {
            shared,
            judgement,
            begun,
            begun_late: OnceLock::new(),
            request: Meter::new(limit > 0),
            response: Meter::default(),
            state: Mutex::new(State {
                frame,
                request: BodyCapture::of(limit),
                response: BodyCapture::default(),
                digests,
                level: None,
                sample: None,
                room: None,
                staged: false,
                refused: false,
                panicked: false,
                broke_off: false,
                finished: false,
            }),
        })
    }

    /// The record's id, if there will be one as far as can be told yet.
    pub(super) fn id(&self) -> Option<EventId> {
        let begun = self.begun()?;
        (self.lock().level != Some(Level::None)).then_some(begun.id)
    }

    /// Whether there is something to add to.
    pub(super) fn has_begun(&self) -> bool {
        self.begun().is_some()
    }

    fn begun(&self) -> Option<&Begun> {
        self.begun.as_ref().or_else(|| self.begun_late.get())
    }

    /// Adds to the record, unless the exchange has ended.
    pub(super) fn enrich(&self, fields: &Frame) {
        let mut state = self.lock();
        if !state.finished && self.has_begun() {
            state.frame.append(fields);
        }
    }

    /// To be called by the request's body alone.
    pub(super) fn see_request(&self, data: &impl Buf) {
        let is_kept = self.request.count(data);
        if !is_kept && !self.shared.settings.digest {
            return;
        }
        let mut state = self.lock();
        if let Some(digests) = &mut state.digests {
            digests.request.see(data);
        }
        if is_kept {
            let wants_more = state.request.see(data, self.budget());
            self.request.keep(wants_more);
        }
    }

    pub(super) fn request_complete(&self) {
        self.request.complete();
    }

    /// The client has gone away in the middle of its body.
    pub(super) fn request_broke_off(&self) {
        self.lock().broke_off = true;
    }

    /// The response's head is there.
    pub(super) fn head(&self, status: StatusCode, headers: &HeaderMap) {
        let Some(begun) = self.begun() else {
            return;
        };
        let ttfb_us = begun.elapsed_us();
        let mut state = self.lock();
        let limit = self.response_limit(&state, status);
        state.frame.number(Tag::TtfbUs, ttfb_us);
        state.frame.number(Tag::Status, status.as_u16().into());
        state.frame.headers(Tag::ResponseHeaders, headers);
        if limit == 0 || state.finished {
            return;
        }
        let Some(reading) = reading(headers, &self.shared.settings) else {
            return;
        };
        if reading == Reading::Decoded {
            state.frame.number(Tag::ResponseDecode, limit as u64);
        }
        state.response = BodyCapture::of(limit);
        self.response.keep(true);
    }

    /// To be called by the response's body alone.
    pub(super) fn see_response(&self, data: &impl Buf) {
        let is_kept = self.response.count(data);
        if !is_kept && !self.shared.settings.digest {
            return;
        }
        let mut state = self.lock();
        if let Some(digests) = &mut state.digests {
            digests.response.see(data);
        }
        if is_kept {
            let wants_more = state.response.see(data, self.budget());
            self.response.keep(wants_more);
        }
    }

    pub(super) fn response_bytes(&self) -> u64 {
        self.response.bytes()
    }

    pub(super) fn response_complete(&self) {
        self.response.complete();
    }

    pub(super) fn see_trailers(&self, trailers: &HeaderMap) {
        if self.has_begun() {
            self.lock().frame.headers(Tag::ResponseTrailers, trailers);
        }
    }

    /// A panic passes by; the outcome will say so, whatever response is made of it.
    pub(super) fn panicking(&self) {
        self.lock().panicked = true;
    }

    /// Says what went wrong, before the end.
    pub(super) fn error(&self, error: &str) {
        if self.has_begun() {
            let frame = &mut self.lock().frame;
            frame.text(Tag::Error, error, limits::TEXT_BYTES);
        }
    }

    /// Ends the exchange and offers its record, if there is to be one. Only the first call counts.
    pub(super) fn finish(&self, outcome: Outcome) {
        let Some(begun) = self.begun() else {
            self.lock().finished = true;
            return;
        };
        let duration_us = begun.elapsed_us();
        let mut state = self.lock();
        if state.finished {
            return;
        }
        state.finished = true;
        // Given back at the end, unless the record takes it.
        let room = state.room.take();
        let outcome = state.outcome(outcome);
        let Some((level, weight)) = self.kept(&state, outcome) else {
            let held = state.forget_bodies(Level::None);
            let is_staged = state.staged;
            std::mem::take(&mut state.frame).reuse();
            drop(state);
            self.release(held);
            if let Some(room) = room.filter(|_| is_staged) {
                room.dismiss(begun.dismissal().as_bytes());
            }
            return;
        };
        let above = state.forget_bodies(level);
        self.put_digests(&mut state);
        let State {
            frame,
            request,
            response,
            ..
        } = &mut *state;
        frame.bytes(Tag::Level, level.as_str().as_bytes());
        if weight != 1.0 {
            frame.number(Tag::SampleWeight, weight.to_bits());
        }
        frame.bytes(Tag::Outcome, outcome.as_str().as_bytes());
        frame.number(Tag::DurationUs, duration_us);
        frame.number(Tag::RequestBytes, self.request.bytes());
        self.request
            .put(frame, request, Tag::RequestBody, Tag::RequestBodyCut);
        frame.number(Tag::ResponseBytes, self.response.bytes());
        self.response
            .put(frame, response, Tag::ResponseBody, Tag::ResponseBodyCut);
        if request.is_refused() || response.is_refused() {
            frame.note("capture_budget_spent");
        }
        let frame = std::mem::take(frame);
        let loss = if state.refused {
            Loss::RequestRefused
        } else {
            Loss::QueueFull
        };
        // The handler may hold the exchange for long; what it has kept goes now.
        let held = above + state.forget_bodies(Level::None);
        drop(state);
        self.release(held);
        match room {
            Some(room) => room.push(frame.as_bytes()),
            None => self.shared.auditor.push(frame.as_bytes(), loss),
        }
        frame.reuse();
    }

    fn budget(&self) -> &CaptureBudget {
        self.shared.auditor.capture_budget()
    }

    fn release(&self, held: usize) {
        if held > 0 {
            self.budget().release(held);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock runs foreign code, save a body's `Buf`; the frame stays whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Begun {
    /// Begins a record with the request's head.
    fn now<B>(auditor: &Auditor, request: &Request<B>) -> (Self, Frame) {
        let started = Instant::now();
        let id = EventId::of(started);
        let mut frame = Frame::reusing();
        frame.id(Tag::Id, id);
        head::put(&mut frame, request, auditor.client_ip_header());
        (Self { id, started }, frame)
    }

    /// Says that no record will follow.
    fn dismissal(&self) -> Frame {
        let mut frame = Frame::default();
        frame.id(Tag::Id, self.id);
        frame.stage(Stage::Dismissed);
        frame
    }

    fn elapsed_us(&self) -> u64 {
        let elapsed = self.started.elapsed();
        elapsed.as_secs() * 1_000_000 + u64::from(elapsed.subsec_micros())
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // Every exchange is finished; should one not be, the budget is still whole.
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let held = state.forget_bodies(Level::None);
        self.release(held);
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("id", &self.begun().map(|begun| begun.id))
            .finish_non_exhaustive()
    }
}
