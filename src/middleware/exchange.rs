//! One request and its response, from arrival to end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use http::{HeaderMap, Request, StatusCode, Version, header};

use super::capture::BodyCapture;
use super::peer;
use super::routing;
use super::settings::Settings;
use crate::Auditor;
use crate::event::{EventId, Frame, Outcome, Tag, limits};
use crate::sanitize;

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
    state: Mutex<State>,
}

struct State {
    frame: Frame,
    request: BodyCapture,
    /// A panic went past the handler's context, although a response may still follow.
    panicked: bool,
    finished: bool,
}

impl Exchange {
    pub(super) fn begin<B: http_body::Body>(
        shared: Arc<Shared>,
        request: &Request<B>,
    ) -> Arc<Self> {
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
        let mut body = BodyCapture::default();
        let limit = settings.request_limit();
        if limit > 0 && !request.body().is_end_stream() && is_readable(request.headers()) {
            body.keep(limit);
        }
        Arc::new(Self {
            shared,
            id,
            started,
            state: Mutex::new(State {
                frame,
                request: body,
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

    pub(super) fn see_request(&self, data: &impl bytes::Buf, is_end: bool) {
        let mut state = self.lock();
        state.request.see(data);
        if is_end {
            state.request.complete();
        }
    }

    pub(super) fn request_complete(&self) {
        self.lock().request.complete();
    }

    /// The response's head is there. Returns what is to be kept of its body.
    pub(super) fn head(&self, status: StatusCode, headers: &HeaderMap) -> BodyCapture {
        let ttfb_us = self.elapsed_us();
        let mut state = self.lock();
        state.frame.number(Tag::TtfbUs, ttfb_us);
        state.frame.number(Tag::Status, status.as_u16().into());
        state.frame.headers(Tag::ResponseHeaders, headers);
        drop(state);
        let limit = self.shared.settings.response_limit(status);
        let mut body = BodyCapture::default();
        if limit > 0 && is_readable(headers) {
            body.keep(limit);
        }
        body
    }

    pub(super) fn see_trailers(&self, trailers: &HeaderMap) {
        self.lock().frame.headers(Tag::ResponseTrailers, trailers);
    }

    /// A panic passes by; the outcome will say so, whatever response is made of it.
    pub(super) fn panicking(&self) {
        self.lock().panicked = true;
    }

    pub(super) fn fail(&self, outcome: Outcome, error: &str, response: &mut BodyCapture) {
        self.lock()
            .frame
            .text(Tag::Error, error, limits::TEXT_BYTES);
        self.finish(outcome, response);
    }

    /// Ends an exchange of whose response there is no body to tell of.
    pub(super) fn finish_bodiless(&self, outcome: Outcome) {
        self.finish(outcome, &mut BodyCapture::default());
    }

    /// Ends the exchange and offers its record. Only the first call counts.
    pub(super) fn finish(&self, outcome: Outcome, response: &mut BodyCapture) {
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
        if outcome == Outcome::Completed {
            response.complete();
        }
        let State { frame, request, .. } = &mut *state;
        frame.bytes(Tag::Outcome, outcome.as_str().as_bytes());
        frame.number(Tag::DurationUs, duration_us);
        request.close();
        response.close();
        put_body(
            frame,
            request,
            Tag::RequestBytes,
            Tag::RequestBody,
            Tag::RequestBodyCut,
        );
        put_body(
            frame,
            response,
            Tag::ResponseBytes,
            Tag::ResponseBody,
            Tag::ResponseBodyCut,
        );
        let frame = std::mem::take(frame);
        drop(state);
        self.shared.auditor.push(frame.as_bytes());
        frame.reuse();
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

fn put_body(frame: &mut Frame, body: &BodyCapture, size: Tag, content: Tag, cut: Tag) {
    frame.number(size, body.seen());
    if !body.kept().is_empty() {
        frame.bytes(content, body.kept());
    }
    if body.is_cut() {
        frame.mark(cut);
    }
}

/// Whether the sanitizer could make something of the body.
fn is_readable(headers: &HeaderMap) -> bool {
    let is_plain =
        |encoding: &http::HeaderValue| encoding.as_bytes().eq_ignore_ascii_case(b"identity");
    headers.get(header::CONTENT_ENCODING).is_none_or(is_plain)
        && headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| sanitize::readable_content_type(value.as_bytes()))
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

/// Runs a part of the inner service; a panic in it ends the exchange, and goes on.
///
/// A future that panics is not dropped while the stack unwinds but later, by
/// the runtime or by a layer that has caught the panic; only the stack tells.
pub(super) fn noticing_panics<T>(panicked: impl FnOnce(), run: impl FnOnce() -> T) -> T {
    let guard = PanicGuard(Some(panicked));
    let result = run();
    guard.disarm();
    result
}

struct PanicGuard<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> PanicGuard<F> {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl<F: FnOnce()> Drop for PanicGuard<F> {
    fn drop(&mut self) {
        if let Some(panicked) = self.0.take() {
            panicked();
        }
    }
}
