//! Filters find what they name, and nothing else.

use std::sync::Arc;

use super::samples;
use super::trail::{Trail, newest_first};
use crate::event::Fields;
use crate::{AuditStore, EventId, Filter, Kind, Outcome, Record, Timestamp};

/// Checks every condition of a [`Filter`] on its own, several at once, and
/// that a missing value fulfils none.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn filters_find_what_they_name(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let mut wanted = trail.fields();
    describe(&mut wanted, "wanted");
    wanted.kind = Kind::Auth;
    wanted.outcome = Some(Outcome::TimedOut);
    wanted.success = false;
    wanted.method = Some("POST".to_owned());
    wanted.status = Some(408);
    let mut other = trail.fields();
    describe(&mut other, "Wanted");
    other.kind = Kind::custom("auth.own").expect("a valid name");
    other.outcome = Some(Outcome::Completed);
    other.method = Some("GET".to_owned());
    other.status = Some(200);
    let id = wanted.id;
    let bare = trail.fields();
    let given: Vec<_> = [wanted, other, bare].map(Record::seal).into();
    trail.append(given.clone()).await;

    let all = trail.filter();
    assert_eq!(trail.ids(&all).await, newest_first(&given), "tenant_id");
    let single = [
        ("kind", all.clone().kind(Kind::Auth)),
        ("action", all.clone().action("wanted action")),
        ("outcome", all.clone().outcome(Outcome::TimedOut)),
        ("success", all.clone().success(false)),
        ("method", all.clone().method("POST")),
        ("status", all.clone().status(408)),
        ("route", all.clone().route("/wanted/{route}")),
        ("path", all.clone().path("/wanted/path")),
        ("path_prefix", all.clone().path_prefix("/wanted/")),
        ("actor_id", all.clone().actor_id("wanted actor")),
        ("request_id", all.clone().request_id("wanted request")),
        ("trace_id", all.clone().trace_id("wanted trace")),
    ];
    for (name, filter) in single {
        assert_eq!(trail.ids(&filter).await, [id], "the filter by {name}");
    }
    let several = all.clone().success(false).status(408).path_prefix("/w");
    assert_eq!(trail.ids(&several).await, [id], "several conditions");
    let path = all.clone().path("/wanted/path");
    let both = path.clone().path_prefix("/wanted");
    assert_eq!(trail.ids(&both).await, [id], "a path and its prefix");
    let neither = path.path_prefix("/Wanted");
    assert_eq!(trail.ids(&neither).await, [], "a path and another prefix");
    let contradiction = all.clone().kind(Kind::Auth).status(200);
    assert_eq!(trail.ids(&contradiction).await, [], "several conditions");
    let successes = all.clone().success(true);
    assert_eq!(trail.ids(&successes).await, newest_first(&given[1..]));
    let somebody = Filter::new().tenant_id(&format!("{}-", trail.tenant));
    assert_eq!(trail.ids(&somebody).await, [], "another tenant");
}

fn describe(fields: &mut Fields, word: &str) {
    fields.action = Some(format!("{word} action"));
    fields.route = Some(format!("/{word}/{{route}}"));
    fields.path = Some(format!("/{word}/path"));
    fields.actor_id = Some(format!("{word} actor"));
    fields.request_id = Some(format!("{word} request"));
    fields.trace_id = Some(format!("{word} trace"));
}

/// Checks that a prefix of a path is compared character by character: `%`,
/// `_` and the like mean themselves, and case matters.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn path_prefixes_are_literal(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let paths = [
        "/a%b/c",
        "/axb/c",
        "/A%b/c",
        "/a_b",
        "/a\\b",
        "/a*b",
        "/gr\u{fc}\u{df}e/\u{1f980}/x",
        "/a",
    ];
    let given: Vec<_> = paths
        .iter()
        .map(|path| {
            let mut fields = trail.fields();
            fields.path = Some((*path).to_owned());
            Record::seal(fields)
        })
        .chain(trail.records(1))
        .collect();
    trail.append(given.clone()).await;
    let prefixes = [
        "/a%",
        "/a_",
        "/a\\",
        "/a*",
        "/a[",
        "%",
        "/gr\u{fc}\u{df}e/\u{1f980}",
        "/gr\u{fc}",
        "/a",
        "/a%b/c",
        "/a%b/c/",
        "/",
        "",
    ];
    for prefix in prefixes {
        let passing = |record: &&Record| {
            let path = record.path.as_deref();
            path.is_some_and(|path| path.starts_with(prefix))
        };
        let expected: Vec<_> = given.iter().filter(passing).cloned().collect();
        let found = trail.ids(&trail.filter().path_prefix(prefix)).await;
        assert_eq!(found, newest_first(&expected), "the prefix {prefix:?}");
    }
}

/// Checks that no text in a filter means anything but itself, and that one
/// that no column can hold finds nothing.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn text_in_filters_is_only_text(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let given: Vec<_> = samples::TEXTS
        .iter()
        .map(|text| {
            let mut fields = trail.fields();
            fields.actor_id = Some((*text).to_owned());
            fields.path = Some((*text).to_owned());
            Record::seal(fields)
        })
        .collect();
    trail.append(given.clone()).await;
    for (text, record) in samples::TEXTS.iter().zip(&given) {
        let found = trail.ids(&trail.filter().actor_id(text)).await;
        assert_eq!(found, [record.id], "the actor {text:?}");
        let found = trail.ids(&trail.filter().path_prefix(text)).await;
        assert!(found.contains(&record.id), "the prefix {text:?}");
    }
    for nul in ["\0", "a\0", "\0a"] {
        let filters = [
            trail.filter().actor_id(nul),
            trail.filter().path_prefix(nul),
        ];
        for filter in filters {
            assert_eq!(trail.ids(&filter).await, [], "a text with NUL");
        }
    }
}

/// Checks that `from` is included and `to` is not, to the microsecond.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn times_are_half_open_to_the_microsecond(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let start = Timestamp::now().as_micros();
    let at = |micros: i64| Timestamp::from_micros(start + micros);
    let given: Vec<_> = (0..5)
        .map(|micros| Record::seal(trail.fields_at(EventId::at(at(micros)))))
        .collect();
    trail.append(given.clone()).await;

    let all = trail.filter();
    let epoch = Timestamp::from_micros(0);
    let ranges = [
        (all.clone().from(at(2)), 2..5),
        (all.clone().to(at(2)), 0..2),
        (all.clone().from(at(1)).to(at(3)), 1..3),
        (all.clone().from(at(1)).to(at(2)), 1..2),
        (all.clone().from(at(2)).to(at(2)), 0..0),
        (all.clone().from(at(3)).to(at(1)), 0..0),
        (all.clone().from(at(5)), 0..0),
        (all.clone().to(at(0)), 0..0),
        (all.clone().from(epoch).to(at(9)), 0..5),
        (all.clone().from(Timestamp::from_micros(i64::MIN)), 0..5),
        (all.clone().to(Timestamp::from_micros(i64::MAX)), 0..5),
        (all.clone().to(Timestamp::from_micros(i64::MIN)), 0..0),
    ];
    for (filter, expected) in ranges {
        let found = trail.ids(&filter).await;
        assert_eq!(found, newest_first(&given[expected]), "{filter:?}");
    }
}
