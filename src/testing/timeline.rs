//! Timelines hold what belongs together.

use std::sync::Arc;

use super::trail::Trail;
use crate::query::Link;
use crate::{AuditStore, EventId, Kind, Record};

/// Checks that a timeline has the events of one operation, trace, request or
/// session in their order, what the event has caused, and the gaps between.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn timelines_hold_what_belongs_together(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let name = |text: &str| Some(format!("{text} of {}", trail.tenant));
    let mut given: Vec<_> = (0..7).map(|_| trail.fields()).collect();
    let caused = given[1].id;
    for (place, fields) in given.iter_mut().enumerate() {
        // The first is a stranger, and so is the last.
        fields.session_id = name("session").filter(|_| (1..6).contains(&place));
        fields.request_id = name("request").filter(|_| (1..4).contains(&place));
        fields.trace_id = name("trace").filter(|_| place % 2 == 1);
    }
    given[4].kind = Kind::Gap;
    given[4].session_id = None;
    given[6].parent_id = Some(caused);
    let given: Vec<_> = given.into_iter().map(Record::seal).collect();
    trail.append(given.clone()).await;
    let ids = |places: &[usize]| -> Vec<EventId> {
        places.iter().map(|place| given[*place].id).collect()
    };

    for (of, by, expected_by, expected) in [
        (1, None, Some(Link::Trace), &[1, 3, 4, 5, 6][..]),
        (
            1,
            Some(Link::Request),
            Some(Link::Request),
            &[1, 2, 3, 4, 6],
        ),
        (2, None, Some(Link::Request), &[1, 2, 3]),
        (
            3,
            Some(Link::Session),
            Some(Link::Session),
            &[1, 2, 3, 4, 5],
        ),
        (5, None, Some(Link::Trace), &[1, 3, 4, 5]),
        (2, Some(Link::Operation), None, &[2]),
        (0, None, None, &[0]),
    ] {
        let timeline = trail.reader.timeline(given[of].id, by).await;
        let timeline = timeline.expect("a timeline could be read");
        let timeline = timeline.expect("the event is there");
        let found: Vec<_> = timeline.items.iter().map(|record| record.id).collect();
        // Others may tell of gaps at the same time.
        let found: Vec<_> = found
            .into_iter()
            .filter(|id| given.iter().any(|record| record.id == *id))
            .collect();
        assert_eq!(found, ids(expected), "of {of} by {by:?}");
        assert_eq!(timeline.by, expected_by, "of {of} by {by:?}");
        assert!(timeline.is_complete, "of {of} by {by:?}");
    }
    let nobody = trail.reader.timeline(EventId::now(), None).await;
    assert_eq!(nobody.expect("it could be looked for"), None);
}
