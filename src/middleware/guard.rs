//! Panics that pass by.

use super::exchange::Exchange;
use crate::Outcome;

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
