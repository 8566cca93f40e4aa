//! How much of an exchange is recorded, by the policy, the route and the layer's settings.

use http::{Request, StatusCode};

use super::{Begun, Exchange, Shared, State};
use crate::Level;
use crate::event::{Frame, Outcome, Tag};
use crate::middleware::audited::Decoration;
use crate::middleware::capture::BodyCapture;
use crate::middleware::reading::{Reading, reading};
use crate::middleware::sampling;

impl Exchange {
    /// Takes over what a route says of its requests, before its handler.
    pub(in crate::middleware) fn decorate<B>(&self, decoration: &Decoration, request: &Request<B>) {
        if let Some(level) = decoration.level {
            self.set_level(level, request);
        }
        if self.has_begun() {
            if decoration.sample.is_some() {
                self.lock().sample = decoration.sample;
            }
            self.enrich(&decoration.fields);
        }
    }

    fn set_level<B>(&self, level: Level, request: &Request<B>) {
        let Shared { auditor, .. } = &*self.shared;
        let mut state = self.lock();
        if state.finished {
            return;
        }
        state.level = Some(level);
        if !self.has_begun() {
            if level == Level::None || auditor.is_paused() {
                return;
            }
            let (begun, frame) = Begun::now(auditor, request);
            state.frame = frame;
            // Under the lock, so nobody else has set it meanwhile.
            let _ = self.begun_late.set(begun);
        }
        // Of a body that somebody has begun to read, the start is missed.
        if self.request.bytes() == 0 {
            let limit = self.shared.request_limit(level, request, &mut state.frame);
            state.digests = self.shared.digests();
            state.request = BodyCapture::of(limit);
            self.request.keep(limit > 0);
        }
    }

    /// How much of a response's body is kept, at most, now that its status is known.
    pub(super) fn response_limit(&self, state: &State, status: StatusCode) -> usize {
        let policy = || self.judgement.highest_with(status);
        if state.level.unwrap_or_else(policy) < Level::Full {
            return 0;
        }
        self.shared.settings.response_limit(status)
    }

    /// How much is recorded, and of what weight; nothing if there is to be no record.
    pub(super) fn kept(&self, state: &State, outcome: Outcome) -> Option<(Level, f64)> {
        let verdict = self
            .judgement
            .verdict(|| sampling::end(&state.frame, outcome));
        let level = state.level.unwrap_or(verdict.level);
        if level == Level::None {
            return None;
        }
        let sample = state.sample.unwrap_or(verdict.sample);
        let weight = sampling::weight(sample, &state.frame, outcome)?;
        Some((level.min(self.shared.settings.level()), weight))
    }
}

impl State {
    /// How it ended, from what the last one to notice says and from what was noticed before.
    pub(super) fn outcome(&self, last: Outcome) -> Outcome {
        match last {
            _ if self.panicked => Outcome::Panicked,
            // What was answered then, and to nobody, is not how it ended.
            Outcome::Completed | Outcome::BodyError if self.broke_off => Outcome::AbortedMidBody,
            _ => last,
        }
    }

    /// Forgets the bodies that are above the level; says how much of the
    /// capture budget they held.
    #[must_use]
    pub(super) fn forget_bodies(&mut self, level: Level) -> usize {
        let mut held = 0;
        if level < Level::Request {
            held += std::mem::take(&mut self.request).end();
        }
        if level < Level::Full {
            held += std::mem::take(&mut self.response).end();
        }
        held
    }
}

impl Shared {
    /// How much of a request's body is kept, at most. Notes in the frame if it is to be decoded.
    pub(super) fn request_limit<B>(
        &self,
        level: Level,
        request: &Request<B>,
        frame: &mut Frame,
    ) -> usize {
        let limit = self.settings.request_limit();
        if limit == 0 || level < Level::Request {
            return 0;
        }
        match reading(request.headers(), &self.settings) {
            Some(Reading::Plain) => limit,
            Some(Reading::Decoded) => {
                frame.number(Tag::RequestDecode, limit as u64);
                limit
            }
            None => 0,
        }
    }
}
