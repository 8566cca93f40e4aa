//! How an exchange can end, as far as an error tells.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt::Display;
use std::io;

use crate::Outcome;

type BoxError = Box<dyn StdError + Send + Sync>;

/// The end of an exchange by an error: `otherwise`, unless the error says that time ran out.
pub(super) fn of_error<E: Display + 'static>(error: &E, otherwise: Outcome) -> (Outcome, String) {
    let any: &dyn Any = error;
    let (timed_out, text) = match any.downcast_ref::<BoxError>() {
        Some(boxed) => chain(boxed.as_ref()),
        None => (is_elapsed(any), error.to_string()),
    };
    (
        if timed_out {
            Outcome::TimedOut
        } else {
            otherwise
        },
        text,
    )
}

/// Whether a cause of the error is a timeout, and the texts of all causes.
fn chain(error: &(dyn StdError + 'static)) -> (bool, String) {
    let (mut timed_out, mut text) = (false, String::new());
    let mut next = Some(error);
    for _ in 0..MAX_CAUSES {
        let Some(error) = next else { break };
        timed_out |= error.is::<tower::timeout::error::Elapsed>()
            || error.is::<tokio::time::error::Elapsed>()
            || error.downcast_ref::<io::Error>().is_some_and(is_timed_out);
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        next = error.source();
    }
    (timed_out, text)
}

fn is_elapsed(error: &dyn Any) -> bool {
    error.is::<tower::timeout::error::Elapsed>()
        || error.is::<tokio::time::error::Elapsed>()
        || error.downcast_ref::<io::Error>().is_some_and(is_timed_out)
}

fn is_timed_out(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut
}

/// Causes of causes that are looked at.
const MAX_CAUSES: usize = 8;
