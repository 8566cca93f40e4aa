//! The indexes of a partition whose day is over.
//!
//! While records arrive, a partition has its key and a BRIN only; B-trees on
//! it would halve what the writer gets through. Once its day is over, upkeep
//! adds one for each question that people ask. They belong to the partition
//! and not to the table: days that are still open have none.

use std::borrow::Cow;

use super::search;

/// An index, by the end of its name and its definition behind the table's name.
#[derive(Clone, Debug)]
pub(super) struct Index {
    suffix: &'static str,
    definition: Cow<'static, str>,
}

impl Index {
    /// The same partition always gives the same name, so that what is there
    /// can be told from what is missing. At most 63 bytes.
    pub(super) fn name(&self, partition: &str) -> String {
        format!("{partition}_{}", self.suffix)
    }

    /// The statement that builds it while others read and write. It is no
    /// part of a transaction.
    pub(super) fn create(&self, partition: &str, table: &str) -> String {
        format!(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS {} ON {table} {}",
            self.name(partition),
            self.definition
        )
    }
}

macro_rules! by {
    ($($column:literal),* $(,)?) => {
        [$(Index {
            suffix: $column,
            definition: Cow::Borrowed(concat!("(", $column, ", id) WHERE ", $column, " IS NOT NULL")),
        }),*]
    };
}

/// By one value, newest first.
const BY_VALUE: [Index; 11] = by![
    "actor_id",
    "actor_email",
    "tenant_id",
    "session_id",
    "request_id",
    "operation_id",
    "trace_id",
    "parent_id",
    "client_ip",
    "action",
    "route",
];

/// What a single column does not say, or what few records have.
const OTHERS: [Index; 4] = [
    // The id comes first: a type alone is common enough to be found by time.
    Index {
        suffix: "resource",
        definition: Cow::Borrowed("(resource_id, resource_type, id) WHERE resource_id IS NOT NULL"),
    },
    Index {
        suffix: "flagged",
        definition: Cow::Borrowed("(id) WHERE flagged"),
    },
    Index {
        suffix: "failed",
        definition: Cow::Borrowed("(id) WHERE NOT success"),
    },
    // Other statuses are what most records have.
    Index {
        suffix: "status",
        definition: Cow::Borrowed("(status, id) WHERE status >= 400"),
    },
];

/// All that a closed partition gets, with one for searches or without.
pub(super) fn all(search: bool) -> impl Iterator<Item = Index> {
    let words = search.then(|| Index {
        suffix: "words",
        definition: Cow::Owned(format!("USING gin ({})", *search::WORDS)),
    });
    BY_VALUE.into_iter().chain(OTHERS).chain(words)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::event::Column;

    #[test]
    fn names_are_short_and_their_own() {
        let names: BTreeSet<_> = all(true)
            .map(|index| index.name("events_20240229"))
            .collect();
        assert_eq!(names.len(), all(true).count());
        assert!(names.iter().all(|name| name.len() <= 63));
    }

    #[test]
    fn values_are_those_of_columns() {
        for index in BY_VALUE {
            assert!(Column::named(index.suffix).is_some(), "{}", index.suffix);
        }
    }
}
