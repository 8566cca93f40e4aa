//! What a client has been told already.

use std::collections::BTreeSet;

use crate::{EventId, Timestamp};

/// The most ids that are kept of one client: about 4 MB.
const MAX_IDS: usize = 100_000;

#[derive(Default)]
pub(super) struct Seen(BTreeSet<EventId>);

/// There are more records than can be kept apart.
#[derive(Debug)]
pub(super) struct TooMany;

impl Seen {
    /// Whether the id is a new one.
    pub(super) fn add(&mut self, id: EventId) -> Result<bool, TooMany> {
        let is_new = self.0.insert(id);
        if self.0.len() > MAX_IDS {
            return Err(TooMany);
        }
        Ok(is_new)
    }

    /// Lets go of all ids before a time.
    pub(super) fn forget_before(&mut self, time: Timestamp) {
        self.0 = self.0.split_off(&EventId::lower_bound(time));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once_until_it_is_let_go() {
        let time = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let (old, new) = (EventId::at(time(5)), EventId::at(time(10)));
        let mut seen = Seen::default();
        for (id, expected) in [(old, true), (new, true), (old, false), (new, false)] {
            assert_eq!(seen.add(id).unwrap(), expected);
        }
        seen.forget_before(time(10));
        assert!(seen.add(old).unwrap());
        assert!(!seen.add(new).unwrap());
    }

    #[test]
    fn it_does_not_grow_without_bound() {
        let mut seen = Seen::default();
        let id = |number: i64| EventId::at(Timestamp::from_micros(number));
        for number in 0..MAX_IDS as i64 {
            assert!(seen.add(id(number)).unwrap());
        }
        assert!(seen.add(id(MAX_IDS as i64)).is_err());
    }
}
