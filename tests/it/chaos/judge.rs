//! What the trail owes after all of it, and what it has.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::WINDOW;
use super::load::Claim;
use crate::quickstart::program::Quickstart;

/// What was found.
#[derive(Debug)]
pub(super) struct Verdict {
    obligations: usize,
    stored: usize,
    duplicated: usize,
    unclean_ends: usize,
    /// Stored, although its answer was never seen.
    unanswered: usize,
    /// How long before the end of their program those were answered that are not stored.
    lost: Vec<Duration>,
}

impl Verdict {
    pub(super) fn assert_nothing_lost(&self) {
        assert!(self.lost.is_empty(), "{self:?}");
    }

    /// Asserts that the promise was kept, and that there was something to keep.
    pub(super) fn assert(&self, kills: usize) {
        eprintln!(
            "{kills} kills: {} obligations, {} stored, {} of them without an answer, {} duplicated, {} unclean ends told, {} lost within the window, the oldest of them {:?} before",
            self.obligations,
            self.stored,
            self.unanswered,
            self.duplicated,
            self.unclean_ends,
            self.lost.len(),
            self.lost.iter().max(),
        );
        assert!(self.lost.iter().all(|age| *age < WINDOW), "{self:?}");
        assert_eq!(self.duplicated, 0);
        assert_eq!(self.unclean_ends, kills, "each kill is told once");
        assert!(self.obligations >= 50 * kills);
        assert!(self.stored > self.obligations / 2, "{self:?}");
    }
}

/// Waits until all is stored that will be, and looks at every record.
pub(super) async fn judge(
    program: &Quickstart,
    claims: &[Claim],
    killed_at: &[Instant],
) -> Verdict {
    let claimed: HashMap<String, &Claim> = claims
        .iter()
        .map(|claim| (claim.request_id(), claim))
        .collect();
    let last = claims.last().unwrap().request_id();
    // Records are stored in their order, so that of the last request comes last.
    program.records(&format!("request_id={last}"), 1).await;
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut unclean_ends = 0;
    for record in all(program).await {
        if record["kind"] == "gap" {
            unclean_ends += usize::from(record["action"] == "process.ended");
            continue;
        }
        let id = record["request_id"].as_str().unwrap();
        let claim = claimed
            .get(id)
            .unwrap_or_else(|| panic!("{id} was never sent"));
        assert_eq!(record["path"], claim.path(), "{id} is what it was");
        *seen.entry(id.to_owned()).or_default() += 1;
    }
    let mut lost = Vec::new();
    for claim in claims {
        let Some(answered_at) = claim.answered_at else {
            continue;
        };
        if !seen.contains_key(&claim.request_id()) {
            let killed_at = killed_at.get(claim.program);
            let killed_at =
                killed_at.unwrap_or_else(|| panic!("{} was lost without a kill", claim.number));
            // An answer may be read a moment after the end of its sender.
            lost.push(killed_at.saturating_duration_since(answered_at));
        }
    }
    let answered = |claim: &&Claim| claim.answered_at.is_some();
    let obligations = claims.iter().filter(answered).count();
    Verdict {
        obligations,
        stored: seen.len(),
        duplicated: seen.values().filter(|count| **count > 1).count(),
        unclean_ends,
        unanswered: seen.len() + lost.len() - obligations,
        lost,
    }
}

async fn all(program: &Quickstart) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut page = program.trail(&format!("/events?limit=500{cursor}")).await;
        if let Value::Array(items) = page["items"].take() {
            all.extend(items);
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}
