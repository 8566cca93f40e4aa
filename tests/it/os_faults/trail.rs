//! What the trail has in the end, beside what it owes and what the program says.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;

use crate::quickstart::program::Stopped;

/// All rows of a trail.
#[derive(Debug)]
pub(super) struct Trail {
    rows: u64,
    /// How many records each request has, by number.
    requests: BTreeMap<usize, usize>,
    /// What gap events tell to be lost, by reason.
    pub(super) told: BTreeMap<String, u64>,
    pub(super) unclean_ends: usize,
}

impl Trail {
    pub(super) fn of(directory: &Path) -> Self {
        let database = Connection::open(directory.join("audit-quickstart.db")).unwrap();
        let mut trail = Self {
            rows: 0,
            requests: BTreeMap::new(),
            told: BTreeMap::new(),
            unclean_ends: 0,
        };
        let select = "SELECT kind, request_id, details FROM audit_events";
        let mut rows = database.prepare(select).unwrap();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            trail.rows += 1;
            if row.get::<_, String>(0).unwrap() != "gap" {
                let number: String = row.get(1).unwrap();
                *trail.requests.entry(number.parse().unwrap()).or_default() += 1;
                continue;
            }
            let details: String = row.get(2).unwrap();
            let details: serde_json::Value = serde_json::from_str(&details).unwrap();
            match details["reason"].as_str().unwrap() {
                "unclean_end" => trail.unclean_ends += 1,
                reason => {
                    let count = details["count"].as_u64().unwrap();
                    *trail.told.entry(reason.to_owned()).or_default() += count;
                }
            }
        }
        let distinct = "SELECT count(DISTINCT id) FROM audit_events";
        let distinct: i64 = database.query_row(distinct, [], |row| row.get(0)).unwrap();
        assert_eq!(distinct as u64, trail.rows, "no id twice");
        trail
    }

    /// Asserts that each of these requests is there, and none twice.
    #[track_caller]
    pub(super) fn assert_owes_nothing(&self, obligations: &[usize]) {
        let missing: Vec<_> = obligations
            .iter()
            .filter(|number| !self.requests.contains_key(number))
            .collect();
        assert!(missing.is_empty(), "missing: {missing:?}");
        let twice: Vec<_> = self
            .requests
            .iter()
            .filter(|(_, count)| **count > 1)
            .collect();
        assert!(twice.is_empty(), "twice: {twice:?}");
    }

    /// How many requests are there.
    pub(super) fn requests(&self) -> usize {
        self.requests.len()
    }
}

/// The numbers of a program's last line.
#[derive(Debug)]
pub(super) struct Numbers {
    pub(super) offered: u64,
    pub(super) stored: u64,
    pub(super) quarantined: u64,
    pub(super) dropped: u64,
    pub(super) pending: u64,
}

impl Numbers {
    /// Of a program that has ended as it should, with the identity asserted.
    #[track_caller]
    pub(super) fn of(stopped: &Stopped) -> Self {
        let line = &stopped.last_line;
        let number = |name: &str| -> u64 {
            let mut words = line.split(' ');
            let value = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            value
                .unwrap_or_else(|| panic!("{name}: {line}"))
                .parse()
                .unwrap()
        };
        let numbers = Self {
            offered: number("offered"),
            stored: number("stored"),
            quarantined: number("quarantined"),
            dropped: number("dropped"),
            pending: number("pending"),
        };
        let accounted = numbers.stored + numbers.quarantined + numbers.dropped + numbers.pending;
        assert_eq!(numbers.offered, accounted, "{line}");
        numbers
    }
}

/// Asserts that a program which has drained has stored all rows that there are, and told of all that it dropped.
#[track_caller]
pub(super) fn assert_accounted(stopped: &Stopped) -> (Numbers, Trail) {
    let numbers = Numbers::of(stopped);
    let trail = Trail::of(stopped.directory.path());
    assert_eq!(
        (numbers.quarantined, numbers.pending),
        (0, 0),
        "{numbers:?}"
    );
    assert_eq!(numbers.stored, trail.rows, "{trail:?}");
    assert_eq!(
        numbers.dropped,
        trail.told.values().sum::<u64>(),
        "{trail:?}"
    );
    (numbers, trail)
}
