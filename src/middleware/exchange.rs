//! One request and its response, from arrival to end.

use quanta::Instant;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Buf;
use http::{HeaderMap, Request, StatusCode, Version};

use super::capture::BodyCapture;
use super::peer;
use super::reading::{Reading, reading};
use super::routing;
use super::settings::Settings;
use crate::Auditor;
use crate::event::{EventId, Frame, Outcome, Tag, limits};
use crate::writer::CaptureBudget;

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
    id: EventId,
    started: Instant,
    request: Meter,
    response: Meter,
    state: Mutex<State>,
}

/// How much of a body has passed. Only the body itself writes it, so that
/// counting needs no lock.
#[derive(Default)]
struct Meter {
    bytes: AtomicU64,
    is_complete: AtomicBool,
    /// Whether the start of the body is kept.
    is_kept: AtomicBool,
}

struct State {
    frame: Frame,
    request: BodyCapture,
    response: BodyCapture,
    /// A panic went past the handler's context, although a response may still follow.
    panicked: bool,
    finished: bool,
}

impl Exchange {
    pub(super) fn begin<B>(shared: Arc<Shared>, request: &Request<B>, has_body: bool) -> Arc<Self> {
        let Shared { auditor, settings } = &*shared;
        let started = Instant::now();
        let id = EventId::of(started);
        let mut frame = Frame::reusing();
        frame.id(Tag::Id, id);
        frame.bytes(Tag::Level, settings.level().as_bytes());
        frame.name(Tag::Method, request.method().as_str());
        put_target(&mut frame, request);
        frame.bytes(Tag::HttpVersion, version(request.version()).as_bytes());
        if let Some(peer) = peer::of(request.extensions()) {
            frame.peer(peer.ip());
        }
        if !frame.headers(Tag::RequestHeaders, request.headers()) {
            frame.forwarded(request.headers(), auditor.client_ip_header());
        }
        let mut limit = settings.request_limit();
        if limit > 0 {
            match reading(request.headers(), settings) {
                Some(_) if !has_body => limit = 0,
                Some(Reading::Plain) => {}
                Some(Reading::Decoded) => frame.number(Tag::RequestDecode, limit as u64),
                None => limit = 0,
            }
        }
        Arc::new(Self {
            shared,
            id,
            started,
            request: Meter::new(limit > 0),
            response: Meter::default(),
            state: Mutex::new(State {
                frame,
                request: BodyCapture::of(limit),
                response: BodyCapture::default(),
                panicked: false,
                finished: false,
            }),
        })
    }

    pub(super) fn id(&self) -> EventId {
        self.id
    }

    /// Adds to the record, unless the exchange has ended.
    pub(super) fn enrich(&self, fields: &Frame) {
        let mut state = self.lock();
        if !state.finished {
            state.frame.append(fields);
        }
    }

    /// To be called by the request's body alone.
    pub(super) fn see_request(&self, data: &impl Buf) {
        if self.request.count(data) {
            let wants_more = self.lock().request.see(data, self.budget());
            self.request.keep(wants_more);
        }
    }

    pub(super) fn request_complete(&self) {
        self.request.complete();
    }

    /// The response's head is there.
    pub(super) fn head(&self, status: StatusCode, headers: &HeaderMap) {
        let ttfb_us = self.elapsed_us();
        let limit = self.shared.settings.response_limit(status);
        let mut state = self.lock();
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
        if self.response.count(data) {
            let wants_more = self.lock().response.see(data, self.budget());
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
        self.lock().frame.headers(Tag::ResponseTrailers, trailers);
    }

    /// A panic passes by; the outcome will say so, whatever response is made of it.
    pub(super) fn panicking(&self) {
        self.lock().panicked = true;
    }

    /// Says what went wrong, before the end.
    pub(super) fn error(&self, error: &str) {
        self.lock()
            .frame
            .text(Tag::Error, error, limits::TEXT_BYTES);
    }

    /// Ends the exchange and offers its record. Only the first call counts.
    pub(super) fn finish(&self, outcome: Outcome) {
        let duration_us = self.elapsed_us();
        let mut state = self.lock();
        if state.finished {
            return;
        }
        state.finished = true;
        let outcome = if state.panicked {
            Outcome::Panicked
        } else {
            outcome
        };
        let State {
            frame,
            request,
            response,
            ..
        } = &mut *state;
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
        // The handler may hold the exchange for long; what it has kept goes now.
        let held = request.end() + response.end();
        let frame = std::mem::take(frame);
        drop(state);
        self.release(held);
        self.shared.auditor.push(frame.as_bytes());
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

    fn elapsed_us(&self) -> u64 {
        let elapsed = self.started.elapsed();
        elapsed.as_secs() * 1_000_000 + u64::from(elapsed.subsec_micros())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock runs foreign code, save a body's `Buf`; the frame stays whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter {
    fn new(is_kept: bool) -> Self {
        Self {
            is_kept: AtomicBool::new(is_kept),
            ..Self::default()
        }
    }

    /// Counts a piece of the body; says whether it is to be kept, too.
    fn count(&self, data: &impl Buf) -> bool {
        let bytes = self.bytes() + data.remaining() as u64;
        self.bytes.store(bytes, Ordering::Relaxed);
        self.is_kept.load(Ordering::Relaxed)
    }

    fn keep(&self, is_kept: bool) {
        self.is_kept.store(is_kept, Ordering::Relaxed);
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn complete(&self) {
        self.is_complete.store(true, Ordering::Relaxed);
    }

    /// Adds what is kept of the body. What did not come to its end counts as cut.
    fn put(&self, frame: &mut Frame, body: &BodyCapture, content: Tag, cut: Tag) {
        if !body.kept().is_empty() {
            frame.bytes(content, body.kept());
        }
        let is_open = self.bytes() > 0 && !self.is_complete.load(Ordering::Relaxed);
        if body.is_cut() || is_open {
            frame.mark(cut);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // Every exchange is finished; should one not be, the budget is still whole.
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let held = state.request.end() + state.response.end();
        self.release(held);
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

fn put_target<B>(frame: &mut Frame, request: &Request<B>) {
    let extensions = request.extensions();
    let uri = routing::original_uri(extensions).unwrap_or(request.uri());
    frame.text(Tag::Path, uri.path(), limits::PATH_BYTES);
    if let Some(query) = uri.query() {
        frame.text(Tag::Query, query, limits::QUERY_BYTES);
        if query.len() > limits::QUERY_BYTES {
            frame.mark(Tag::QueryCut);
        }
    }
    if let Some(authority) = uri.authority() {
        frame.name(Tag::Host, authority.as_str());
    }
    if let Some(route) = routing::matched_route(extensions) {
        frame.text(Tag::Route, route, limits::PATH_BYTES);
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "unknown",
    }
}

/// Ends the exchange should a part of the inner service panic, which then goes on.
///
/// A future that panics is not dropped while the stack unwinds but later, by
/// the runtime or by a layer that has caught the panic; only the stack tells.
pub(super) struct PanicGuard<'a>(Option<&'a Exchange>);

impl<'a> PanicGuard<'a> {
    pub(super) fn new(exchange: Option<&'a Exchange>) -> Self {
        Self(exchange)
    }

    pub(super) fn disarm(self) {
        std::mem::forget(self);
    }
}

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if let Some(exchange) = self.0 {
            exchange.finish(Outcome::Panicked);
        }
    }
}
