//! The size of a body, while it passes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Buf;

use super::capture::BodyCapture;
use crate::event::{Frame, Tag};

/// How much of a body has passed. Only the body itself writes it, so that
/// counting needs no lock.
#[derive(Default)]
pub(super) struct Meter {
    bytes: AtomicU64,
    is_complete: AtomicBool,
    /// Whether the start of the body is kept.
    is_kept: AtomicBool,
}

impl Meter {
    pub(super) fn new(is_kept: bool) -> Self {
        Self {
            is_kept: AtomicBool::new(is_kept),
            ..Self::default()
        }
    }

    /// Counts a piece of the body; says whether it is to be kept, too.
    pub(super) fn count(&self, data: &impl Buf) -> bool {
        let bytes = self.bytes() + data.remaining() as u64;
        self.bytes.store(bytes, Ordering::Relaxed);
        self.is_kept.load(Ordering::Relaxed)
    }

    pub(super) fn keep(&self, is_kept: bool) {
        self.is_kept.store(is_kept, Ordering::Relaxed);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn complete(&self) {
        self.is_complete.store(true, Ordering::Relaxed);
    }

    /// Whether there was anything, and all of it has passed.
    pub(super) fn is_whole(&self) -> bool {
        self.bytes() > 0 && self.is_complete.load(Ordering::Relaxed)
    }

    /// Adds what is kept of the body. What did not come to its end counts as cut.
    pub(super) fn put(&self, frame: &mut Frame, body: &BodyCapture, content: Tag, cut: Tag) {
        if !body.kept().is_empty() {
            frame.bytes(content, body.kept());
        }
        let is_open = self.bytes() > 0 && !self.is_complete.load(Ordering::Relaxed);
        if body.is_cut() || is_open {
            frame.mark(cut);
        }
    }
}
