//! The sums that one connection has committed.

use std::collections::HashMap;

use uuid::Uuid;

use super::answer::Sum;
use super::hour::Hour;
use super::label::Label;
use super::measures::Measures;
use super::tally::{Key, MAX_VALUES};
use crate::query::Dimension;

/// When a connection has written so many rollups it starts anew, so that it need not remember them all.
const MAX_ENTRIES: usize = 20_000;

/// The rollups of one source: a connection that writes. No other touches
/// them, so their values are known here and are written as they are, not
/// added to; and writers never wait for each other.
///
/// It must end with its connection, for what was sent on that may be stored or not.
#[derive(Debug)]
pub(in crate::store) struct Ledger {
    source: Uuid,
    entries: HashMap<Key, Entry>,
    /// How many values there are in an hour.
    values: HashMap<(Hour, Option<Dimension>), usize>,
}

/// A rollup.
#[derive(Clone, Debug)]
pub(in crate::store) struct Entry {
    /// The source's own number for it.
    pub(in crate::store) slot: i32,
    pub(in crate::store) sum: Measures,
}

/// What a batch changes.
#[derive(Debug)]
pub(in crate::store) struct Staged {
    pub(in crate::store) source: Uuid,
    /// The rollups that exist, with their new values, by slot.
    pub(in crate::store) updated: Vec<(Key, Entry)>,
    /// Those that do not.
    pub(in crate::store) inserted: Vec<(Key, Entry)>,
}

impl Default for Ledger {
    fn default() -> Self {
        let random = uuid::Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes());
        Self {
            source: random.into_uuid(),
            entries: HashMap::new(),
            values: HashMap::new(),
        }
    }
}

impl Ledger {
    /// What adding these sums would change.
    pub(in crate::store) fn stage(
        &self,
        sums: impl IntoIterator<Item = (Key, Measures)>,
    ) -> Staged {
        let mut changed: HashMap<Key, Entry> = HashMap::new();
        let mut new_values: HashMap<(Hour, Option<Dimension>), usize> = HashMap::new();
        let mut new_slots = self.entries.len() as i32..;
        for (mut key, sum) in sums {
            let place = (key.hour, key.dimension);
            if matches!(key.label, Label::Value(_)) && !self.entries.contains_key(&key) {
                let known = self.values.get(&place).copied().unwrap_or_default();
                let new = new_values.entry(place).or_default();
                if known + *new < MAX_VALUES {
                    *new += 1;
                } else {
                    key.label = Label::Other;
                }
            }
            let known = self.entries.get(&key);
            let entry = changed.entry(key).or_insert_with(|| {
                known.cloned().unwrap_or_else(|| Entry {
                    slot: new_slots.next().expect("slots have no end"),
                    sum: Measures::default(),
                })
            });
            entry.sum.merge(&sum);
        }
        let is_known = |(_, entry): &(Key, Entry)| (entry.slot as usize) < self.entries.len();
        let (mut updated, inserted): (Vec<_>, Vec<_>) = changed.into_iter().partition(is_known);
        updated.sort_unstable_by_key(|(_, entry)| entry.slot);
        Staged {
            source: self.source,
            updated,
            inserted,
        }
    }

    /// Takes over what was committed.
    pub(in crate::store) fn commit(&mut self, staged: Staged) {
        for (key, _) in &staged.inserted {
            if matches!(key.label, Label::Value(_)) {
                *self.values.entry((key.hour, key.dimension)).or_default() += 1;
            }
        }
        self.entries.extend(staged.updated);
        self.entries.extend(staged.inserted);
        if self.entries.len() > MAX_ENTRIES {
            *self = Self::default();
        }
    }
}
