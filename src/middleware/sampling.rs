//! What of an exchange that has ended decides whether it is recorded.

use crate::Outcome;
use crate::event::{Capture, Frame, Kind, Tag};
use crate::policy::End;

/// What a policy asks about the end, from what was captured.
pub(super) fn end(frame: &Frame, outcome: Outcome) -> End<'_> {
    let mut end = End {
        status: None,
        outcome,
        actor: None,
    };
    for (tag, payload) in Capture::new(frame.as_bytes()).fields() {
        if tag == Tag::Status {
            end.status = Capture::number(payload).and_then(|status| status.try_into().ok());
        } else if tag == Tag::ActorId {
            end.actor = (!payload.is_empty()).then_some(payload);
        }
    }
    end
}

/// How many requests the record stands for, where one of them in 1 / `share`
/// is recorded; none if it is left out.
pub(super) fn weight(share: f64, frame: &Frame, outcome: Outcome) -> Option<f64> {
    if share >= 1.0 || is_always_kept(frame, outcome) {
        return Some(1.0);
    }
    (fastrand::f64() < share).then(|| 1.0 / share)
}

/// Whether it is a failure, a mutation, about credentials, or for somebody to
/// look at. Of fields that are single, the last one counts.
fn is_always_kept(frame: &Frame, outcome: Outcome) -> bool {
    let mut failed = !matches!(outcome, Outcome::Completed | Outcome::Upgraded);
    let (mut unsuccessful, mut mutates, mut of_kind) = (false, false, false);
    for (tag, payload) in Capture::new(frame.as_bytes()).fields() {
        match tag {
            Tag::Status => failed |= Capture::number(payload).is_none_or(|status| status >= 400),
            Tag::Error => failed |= !payload.is_empty(),
            Tag::ResponseHeaders | Tag::ResponseTrailers => failed |= tells_grpc_failure(payload),
            Tag::Success => unsuccessful = payload != [1],
            Tag::Method => mutates |= !matches!(payload, b"GET" | b"HEAD" | b"OPTIONS"),
            Tag::Change => mutates = true,
            Tag::Kind => of_kind = is_kept_kind(payload),
            Tag::Flag => return true,
            // What was left behind may have been any of this.
            Tag::Note if payload == b"event_truncated" => return true,
            _ => {}
        }
    }
    failed || unsuccessful || mutates || of_kind
}

fn is_kept_kind(name: &[u8]) -> bool {
    [Kind::Auth, Kind::DataChange]
        .iter()
        .any(|kind| kind.as_str().as_bytes() == name)
}

fn tells_grpc_failure(headers: &[u8]) -> bool {
    Capture::headers(headers).any(|(name, value)| name == b"grpc-status" && value != b"0")
}
