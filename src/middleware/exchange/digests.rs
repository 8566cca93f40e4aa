//! Keyed digests of both bodies of an exchange.

use super::{Exchange, Shared, State};
use crate::event::Tag;
use crate::sanitize::BodyDigest;

/// The digests in the making.
#[derive(Clone)]
pub(super) struct Digests {
    pub(super) request: BodyDigest,
    pub(super) response: BodyDigest,
}

impl Shared {
    /// What both digests begin with, where they are asked for.
    pub(super) fn digests(&self) -> Option<Box<Digests>> {
        if !self.settings.digest {
            return None;
        }
        let digest = self.auditor.sanitizer().body_digest()?;
        Some(Box::new(Digests {
            request: digest.clone(),
            response: digest,
        }))
    }
}

impl Exchange {
    /// Adds the digests of those bodies that were seen to their end.
    pub(super) fn put_digests(&self, state: &mut State) {
        let Some(digests) = state.digests.take() else {
            return;
        };
        let Digests { request, response } = *digests;
        let sides = [
            (Tag::RequestDigest, &self.request, request),
            (Tag::ResponseDigest, &self.response, response),
        ];
        for (tag, meter, digest) in sides {
            if meter.is_whole()
                && let Some(text) = self.shared.auditor.sanitizer().digest_text(digest)
            {
                state.frame.bytes(tag, text.as_bytes());
            }
        }
    }
}
