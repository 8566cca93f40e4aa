//! The sums of a batch.

use std::borrow::Cow;
use std::collections::HashMap;

use super::hour::Hour;
use super::label::Label;
use super::measures::Measures;
use crate::Record;
use crate::query::Dimension;

/// The most values that a dimension has within an hour. Methods and actions
/// can come from outside, and each value costs space. Those beyond are summed
/// up together.
pub(in crate::store) const MAX_VALUES: usize = 1_000;
/// The most bytes of a value. Longer ones are summed up together.
const MAX_VALUE_BYTES: usize = 512;

/// What is summed up: the records of an hour that have one value of a
/// dimension; without a dimension all records of an hour.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::store) struct Key<T = String> {
    pub(in crate::store) hour: Hour,
    pub(in crate::store) dimension: Option<Dimension>,
    pub(in crate::store) label: Label<T>,
}

/// The sums of some records, by all that is summed up.
#[derive(Default)]
pub(in crate::store) struct Tally<'a> {
    sums: HashMap<Key<Cow<'a, str>>, Measures>,
}

impl<'a> Tally<'a> {
    pub(in crate::store) fn of(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut tally = Self::default();
        for record in records {
            tally.add(record);
        }
        tally
    }

    fn add(&mut self, record: &'a Record) {
        let hour = Hour::of(record.id);
        self.add_to(hour, None, Label::Missing, record);
        for dimension in rolled_up() {
            let label = match dimension.of(record) {
                None => Label::Missing,
                Some(value) if is_too_odd(&value) => Label::Other,
                Some(value) => Label::Value(value),
            };
            self.add_to(hour, Some(dimension), label, record);
        }
    }

    fn add_to(
        &mut self,
        hour: Hour,
        dimension: Option<Dimension>,
        label: Label<Cow<'a, str>>,
        record: &Record,
    ) {
        let key = Key {
            hour,
            dimension,
            label,
        };
        self.sums.entry(key).or_default().add(record);
    }
}

impl IntoIterator for Tally<'_> {
    type Item = (Key, Measures);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        let owned = |(key, sum): (Key<Cow<'_, str>>, Measures)| {
            let label = match key.label {
                Label::Value(value) => Label::Value(value.into_owned()),
                Label::Missing => Label::Missing,
                Label::Other => Label::Other,
            };
            let key = Key {
                hour: key.hour,
                dimension: key.dimension,
                label,
            };
            (key, sum)
        };
        let sums: Vec<_> = self.sums.into_iter().map(owned).collect();
        sums.into_iter()
    }
}

/// The dimensions that are summed up.
pub(super) fn rolled_up() -> impl Iterator<Item = Dimension> {
    Dimension::ALL
        .into_iter()
        .filter(|dimension| dimension.has_rollups())
}

/// The name of a dimension in a database.
pub(in crate::store) fn name_of(dimension: Option<Dimension>) -> &'static str {
    dimension.map_or("all", Dimension::as_str)
}

/// No database takes a text with NUL, and a rollup must not be what a batch fails by.
pub(super) fn is_too_odd(value: &str) -> bool {
    value.len() > MAX_VALUE_BYTES || value.contains('\0')
}
