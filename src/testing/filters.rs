//! Filters find what they name, and nothing else.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::samples;
use super::trail::{Trail, newest_first};
use crate::event::Fields;
use crate::{AuditStore, EventId, Filter, Kind, Outcome, Record, Timestamp};

/// Checks conditions of a [`Filter`] on their own, several at once, and
/// that a missing value fulfils none but those that leave something out.
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
    wanted.grpc_status = Some(7);
    wanted.flagged = true;
    wanted.parent_id = Some(wanted.id);
    wanted.duration_us = Some(2_000);
    wanted.is_mobile = Some(true);
    wanted.is_bot = Some(true);
    let mut other = trail.fields();
    describe(&mut other, "Wanted");
    other.kind = Kind::custom("auth.own").expect("a valid name");
    other.outcome = Some(Outcome::Completed);
    other.method = Some("GET".to_owned());
    other.status = Some(200);
    other.grpc_status = Some(0);
    other.parent_id = Some(other.id);
    other.duration_us = Some(1_999);
    other.is_mobile = Some(false);
    other.is_bot = Some(false);
    let id = wanted.id;
    let bare = trail.fields();
    let given: Vec<_> = [wanted, other, bare].map(Record::seal).into();
    let without_other = [given[0].clone(), given[2].clone()];
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
        ("category", all.clone().category("wanted category")),
        ("error_code", all.clone().error_code("wanted code")),
        ("severity", all.clone().severity("wanted severity")),
        ("component", all.clone().component("wanted component")),
        ("service", all.clone().service("wanted service")),
        ("flagged", all.clone().flagged(true)),
        ("tags", all.clone().tags("wanted tag")),
        ("parent_id", all.clone().parent_id(id)),
        ("operation_id", all.clone().operation_id("wanted operation")),
        ("actor_kind", all.clone().actor_kind("wanted kind")),
        ("actor_email", all.clone().actor_email("wanted@example.com")),
        ("actor_role", all.clone().actor_role("wanted role")),
        ("session_id", all.clone().session_id("wanted session")),
        ("resource_type", all.clone().resource_type("wanted type")),
        ("resource_id", all.clone().resource_id("wanted id")),
        ("host", all.clone().host("wanted.example")),
        ("status_class", all.clone().status_class(4)),
        ("grpc_status", all.clone().grpc_status(7)),
        (
            "min_duration",
            all.clone().min_duration(Duration::from_millis(2)),
        ),
        (
            "max_duration",
            all.clone()
                .max_duration(Duration::from_micros(2_000))
                .min_duration(Duration::from_millis(2)),
        ),
        ("country", all.clone().country("wanted country")),
        ("browser", all.clone().browser("wanted browser")),
        ("os", all.clone().os("wanted os")),
        ("device", all.clone().device("wanted device")),
        ("is_mobile", all.clone().is_mobile(true)),
        ("is_bot", all.clone().is_bot(true)),
    ];
    for (name, filter) in single {
        assert_eq!(trail.ids(&filter).await, [id], "the filter by {name}");
    }
    let several = all.clone().success(false).status(408).path_prefix("/w");
    assert_eq!(trail.ids(&several).await, [id], "several conditions");
    for (name, filter) in [
        ("actor_id", all.clone().except().actor_id("Wanted actor")),
        ("status", all.clone().except().status_class(2)),
        ("path", all.clone().except().path_prefix("/W")),
    ] {
        let found = trail.ids(&filter).await;
        assert_eq!(found, newest_first(&without_other), "all but one {name}");
    }
    let any = all.clone().path("/wanted/path").path_prefix("/Wanted");
    let found = trail.ids(&any).await;
    assert_eq!(found, newest_first(&given[..2]), "a path or a prefix");
    let any = all.clone().status(200).status_class(4).status(299);
    let found = trail.ids(&any).await;
    assert_eq!(found, newest_first(&given[..2]), "any status");
    let none = all.clone().except().status(200).except().status_class(4);
    let found = trail.ids(&none).await;
    assert_eq!(found, newest_first(&given[2..]), "no status of these");
    let but = all.clone().status_class(4).except().status(408);
    assert_eq!(trail.ids(&but).await, [], "a class but one status");
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
    fields.category = Some(format!("{word} category"));
    fields.error_code = Some(format!("{word} code"));
    fields.severity = Some(format!("{word} severity"));
    fields.component = Some(format!("{word} component"));
    fields.service = Some(format!("{word} service"));
    fields.tags = vec![format!("another {word} tag"), format!("{word} tag")];
    fields.operation_id = Some(format!("{word} operation"));
    fields.actor_kind = Some(format!("{word} kind"));
    fields.actor_email = Some(format!("{word}@example.com"));
    fields.actor_role = Some(format!("{word} role"));
    fields.session_id = Some(format!("{word} session"));
    fields.resource_type = Some(format!("{word} type"));
    fields.resource_id = Some(format!("{word} id"));
    fields.host = Some(format!("{word}.example"));
    fields.country = Some(format!("{word} country"));
    fields.browser = Some(format!("{word} browser"));
    fields.os = Some(format!("{word} os"));
    fields.device = Some(format!("{word} device"));
}

/// Checks that a filter by network finds the addresses in it, whatever their text sorts like.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn networks_hold_their_addresses(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let addresses = [
        "0.0.0.0",
        "9.255.255.255",
        "10.0.0.0",
        "10.0.0.9",
        "10.0.0.10",
        "10.255.255.255",
        "11.0.0.0",
        "100.0.0.1",
        "255.255.255.255",
        "::",
        "::a00:1",
        "2001:db8::",
        "2001:db8::9",
        "2001:db8::10",
        "2001:db8:0:1::",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ];
    let addresses = addresses.map(|text| text.parse::<IpAddr>().expect("an address"));
    let given: Vec<_> = addresses
        .iter()
        .map(|address| {
            let mut fields = trail.fields();
            fields.client_ip = Some(*address);
            Record::seal(fields)
        })
        .chain(trail.records(1))
        .collect();
    trail.append(given.clone()).await;
    for network in [
        "0.0.0.0/0",
        "10.0.0.0/8",
        "10.1.2.3/8",
        "10.0.0.8/29",
        "10.0.0.9/32",
        "255.255.255.255/32",
        "::/0",
        "::/96",
        "2001:db8::/64",
        "2001:db8::/32",
        "2001:db8::9/128",
    ] {
        let network: IpNet = network.parse().expect("a network");
        let inside = |record: &Record| record.client_ip.is_some_and(|ip| network.contains(&ip));
        let (inside, outside): (Vec<_>, Vec<_>) = given.iter().cloned().partition(inside);
        let found = trail.ids(&trail.filter().client_ip(network)).await;
        assert_eq!(found, newest_first(&inside), "{network}");
        let found = trail.ids(&trail.filter().except().client_ip(network)).await;
        assert_eq!(found, newest_first(&outside), "all but {network}");
    }
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
            fields.tags = vec!["first".to_owned(), (*text).to_owned()];
            Record::seal(fields)
        })
        .collect();
    trail.append(given.clone()).await;
    for (text, record) in samples::TEXTS.iter().zip(&given) {
        let found = trail.ids(&trail.filter().actor_id(text)).await;
        assert_eq!(found, [record.id], "the actor {text:?}");
        let found = trail.ids(&trail.filter().tags(text)).await;
        assert_eq!(found, [record.id], "the tag {text:?}");
        let found = trail.ids(&trail.filter().path_prefix(text)).await;
        assert!(found.contains(&record.id), "the prefix {text:?}");
    }
    for nul in ["\0", "a\0", "\0a"] {
        let filters = [
            trail.filter().actor_id(nul),
            trail.filter().path_prefix(nul),
            trail.filter().tags(nul),
        ];
        for filter in filters {
            assert_eq!(trail.ids(&filter).await, [], "a text with NUL");
        }
        let all = trail.filter().except().actor_id(nul);
        assert_eq!(trail.ids(&all).await, newest_first(&given), "none with NUL");
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
