//! How an exchange can end, as far as an error tells.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt::Display;
use std::io;

use super::routing;
use crate::Outcome;

type BoxError = Box<dyn StdError + Send + Sync>;
type Cause = dyn StdError + 'static;

/// The end of an exchange by an error: `otherwise`, unless the error says that time ran out.
pub(super) fn of_error<E: Display + 'static>(error: &E, otherwise: Outcome) -> (Outcome, String) {
    let text = match known(error) {
        Some(error) => text_of(error),
        None => error.to_string(),
    };
    let timed_out = known(error).is_some_and(|error| chain(error).any(is_timeout));
    let outcome = if timed_out {
        Outcome::TimedOut
    } else {
        otherwise
    };
    (outcome, text)
}

/// Whether the error of a request's body says that the client went away.
/// A limit of its size or of its time says something else.
pub(super) fn is_hang_up<E: 'static>(error: &E) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    known(error).is_some_and(|error| {
        let kinds =
            || chain(error).filter_map(|cause| Some(cause.downcast_ref::<io::Error>()?.kind()));
        let is_lost = |kind| matches!(kind, ConnectionReset | ConnectionAborted | BrokenPipe);
        // Decoders say so, too, of a body that came whole and is too short;
        // they say it as it is, servers within an error of their own.
        kinds().any(is_lost)
            || (is_told_by_another(error) && kinds().any(|kind| kind == UnexpectedEof))
    })
}

/// Whether something stands around the I/O error that says more than to pass it on.
fn is_told_by_another(error: &Cause) -> bool {
    let text = error.to_string();
    let io_error = chain(error).find(|cause| cause.is::<io::Error>());
    io_error.is_some_and(|io_error| io_error.to_string() != text)
}

/// An error and what caused it.
fn chain(error: &Cause) -> impl Iterator<Item = &Cause> {
    std::iter::successors(Some(error), |&error| error.source()).take(MAX_CAUSES)
}

/// The error, if its type is one of those that tell their causes.
fn known<E: 'static>(error: &E) -> Option<&Cause> {
    let any: &dyn Any = error;
    any.downcast_ref::<BoxError>()
        .map(|boxed| -> &Cause { boxed.as_ref() })
        .or_else(|| routing::error(any))
        .or_else(|| as_cause::<io::Error>(any))
        .or_else(|| as_cause::<tower::timeout::error::Elapsed>(any))
        .or_else(|| as_cause::<tokio::time::error::Elapsed>(any))
}

fn as_cause<E: StdError + 'static>(any: &dyn Any) -> Option<&Cause> {
    any.downcast_ref::<E>().map(|error| -> &Cause { error })
}

/// The texts of an error and of its causes; what wraps one only to pass it on adds nothing.
fn text_of(error: &Cause) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for cause in chain(error) {
        let own = cause.to_string();
        if own == last {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&own);
        last = own;
    }
    text
}

fn is_timeout(error: &Cause) -> bool {
    error.is::<tower::timeout::error::Elapsed>()
        || error.is::<tokio::time::error::Elapsed>()
        || error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

/// Causes of causes that are looked at.
const MAX_CAUSES: usize = 8;
