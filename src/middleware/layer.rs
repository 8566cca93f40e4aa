//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::exchange::Shared;
use super::service::Audit;
use super::settings::{ResponseBodies, Settings};
use crate::Auditor;
use crate::event::limits::BODY_BYTES;

/// Records every request that passes, as one row each; made by [`Auditor::layer`].
///
/// The answer is what it would be without the layer: same status, headers,
/// bytes and trailers, at the same time.
///
/// Any service of `http::Request` will do that is `Clone` and whose response
/// bodies' data can be made of `Bytes`, as it can of nearly all: an [`Overflow`](crate::Overflow)
/// keeps the service until there is room, or answers in its place.
///
/// With Axum add it by [`Router::layer`](https://docs.rs/axum/0.8/axum/struct.Router.html#method.layer)
/// after the routes that it shall see; then it knows the matched route.
///
/// Its settings bound what is captured; within them the trail's
/// [`Policy`](crate::Policy) says what is recorded, and [`audited`](crate::audited)
/// what a single route wants instead. By default all is recorded that the settings allow.
#[derive(Clone, Debug)]
#[must_use]
pub struct AuditLayer {
    shared: Arc<Shared>,
}

impl Auditor {
    /// A layer that records requests into this trail.
    pub fn layer(&self) -> AuditLayer {
        let auditor = self.clone();
        let settings = Settings::default();
        AuditLayer {
            shared: Arc::new(Shared { auditor, settings }),
        }
    }
}

impl AuditLayer {
    /// Sets that no body is captured, only its type and size.
    pub fn metadata_only(mut self) -> Self {
        self.settings().request_bodies = false;
        self.settings().response_bodies = ResponseBodies::Off;
        self
    }

    /// Sets whether request bodies are captured. Defaults to true.
    ///
    /// # Security
    /// Bodies are sanitized before they are stored; what the sanitizer
    /// cannot read leaves a placeholder only.
    pub fn request_bodies(mut self, captured: bool) -> Self {
        self.settings().request_bodies = captured;
        self
    }

    /// Sets which response bodies are captured. Defaults to [`ResponseBodies::OnFailure`].
    pub fn response_bodies(mut self, captured: ResponseBodies) -> Self {
        self.settings().response_bodies = captured;
        self
    }

    /// Sets how many bytes of a request body are kept. Defaults to 16 KiB.
    /// More makes larger rows; the rest of a longer body passes uncopied.
    ///
    /// # Panics
    /// If it is more than 256 KiB.
    pub fn request_body_limit(mut self, bytes: usize) -> Self {
        self.settings().request_body_limit = checked(bytes);
        self
    }

    /// Sets how many bytes of a response body are kept. Defaults to 16 KiB.
    /// More makes larger rows; the rest of a longer body passes uncopied.
    ///
    /// # Panics
    /// If it is more than 256 KiB.
    pub fn response_body_limit(mut self, bytes: usize) -> Self {
        self.settings().response_body_limit = checked(bytes);
        self
    }

    /// Sets whether a keyed digest of each whole body is recorded, however
    /// little of it is kept: HMAC-SHA256 (RFC 2104) under the sanitizer's
    /// [key](crate::SanitizerBuilder::pseudonym_key) in use, in `request_digest`
    /// and `response_digest`. Defaults to false. A body that did not come to its end has none.
    /// [`Auditor::body_digests`] tells what to search for.
    ///
    /// The bytes are digested while they pass, on the request's own thread, at some
    /// hundred MB/s or, with the processor's own instructions for it, a few GB/s.
    ///
    /// # Panics
    /// If the sanitizer has no key.
    ///
    /// # Security
    /// Whoever has the key can find out a short body by trying.
    pub fn digest_bodies(mut self, digested: bool) -> Self {
        assert!(
            !digested || self.shared.auditor.sanitizer().body_digest().is_some(),
            "digests of bodies need a key: see SanitizerBuilder::pseudonym_key"
        );
        self.settings().digest = digested;
        self
    }
}

impl AuditLayer {
    pub(super) fn settings(&mut self) -> &mut Settings {
        &mut Arc::make_mut(&mut self.shared).settings
    }
}

fn checked(bytes: usize) -> usize {
    assert!(
        bytes <= BODY_BYTES,
        "a body limit must be at most {BODY_BYTES} bytes"
    );
    bytes
}

impl<S> Layer<S> for AuditLayer {
    type Service = Audit<S>;

    fn layer(&self, inner: S) -> Audit<S> {
        // Axum may call this for every request, so it only counts a reference.
        Audit::new(inner, Arc::clone(&self.shared))
    }
}
