//! Searches find words, whatever is in them.

use std::sync::Arc;

use super::samples;
use super::trail::{Trail, newest_first};
use crate::event::Fields;
use crate::{AuditStore, Filter, Record};

/// Puts a text into a column.
type Set = fn(&mut Fields, String);

/// Checks which columns a [search](Filter::search) looks into, and that it
/// finds words by their start, in any case and order, all of them.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn searches_find_words(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let set: [(&str, Set); 11] = [
        ("action", |fields, text| fields.action = Some(text)),
        ("path", |fields, text| fields.path = Some(text)),
        ("actor_id", |fields, text| fields.actor_id = Some(text)),
        ("actor_name", |fields, text| fields.actor_name = Some(text)),
        ("actor_email", |fields, text| {
            fields.actor_email = Some(text);
        }),
        ("resource_type", |fields, text| {
            fields.resource_type = Some(text);
        }),
        ("resource_id", |fields, text| {
            fields.resource_id = Some(text);
        }),
        ("resource_name", |fields, text| {
            fields.resource_name = Some(text);
        }),
        ("error", |fields, text| fields.error = Some(text)),
        ("description", |fields, text| {
            fields.description = Some(text);
        }),
        ("user_agent", |fields, text| fields.user_agent = Some(text)),
    ];
    let mut given: Vec<_> = set
        .iter()
        .map(|(name, set)| {
            let mut fields = trail.fields();
            set(&mut fields, format!("Common/in_{name}-\u{dc}ber"));
            Record::seal(fields)
        })
        .collect();
    let mut elsewhere = trail.fields();
    elsewhere.host = Some("common".to_owned());
    elsewhere.request_body = Some("common".to_owned());
    given.push(Record::seal(elsewhere));
    trail.append(given.clone()).await;

    let search = |text: &str| trail.filter().search(text);
    let all = newest_first(&given[..set.len()]);
    for text in ["common", "COMM", "\u{fc}BER in", "c i \u{fc}", "in.common"] {
        assert_eq!(trail.ids(&search(text)).await, all, "a search for {text:?}");
    }
    for (record, (name, _)) in given.iter().zip(set) {
        let words: String = name.split('_').rev().collect::<Vec<_>>().join(" ");
        let others = set
            .iter()
            .filter(|(other, _)| name.split('_').all(|word| other.contains(word)));
        if others.count() == 1 {
            let found = trail.ids(&search(&words)).await;
            assert_eq!(found, [record.id], "a search for {words:?}");
        }
    }
    for text in ["ommon", "common missing", "u\u{308}ber", "commons"] {
        assert_eq!(trail.ids(&search(text)).await, [], "a search for {text:?}");
    }
    let several = search("common").search("email");
    assert_eq!(trail.ids(&several).await, [given[4].id], "two searches");
    let with = search("common").flagged(true);
    assert_eq!(trail.ids(&with).await, [], "a search and a condition");
    let found = trail.reader.count(&search("common")).await;
    let found = found.expect("a search could not be counted");
    assert_eq!(found.records, all.len() as u64, "the count of a search");
    assert_eq!(
        trail.ids(&search("?")).await,
        newest_first(&given),
        "no words"
    );
}

/// Checks that a search for any text finds what [`Filter::matches`] says,
/// whatever the text means to the store.
///
/// # Panics
/// If the store breaks the contract, or has no reading side.
///
/// # Cancel safety
/// Records that are stored by then stay.
pub async fn searches_take_any_text(store: Arc<dyn AuditStore>) {
    let trail = Trail::new(store);
    let long = "x".repeat(70);
    let longer = "\u{e4}".repeat(3_000);
    let mut texts = samples::TEXTS.to_vec();
    texts.extend([
        "a:* & !b | (c <-> d)",
        "\"quoted\" AND NOT near(a, b)",
        "it''s 'quoted'",
        "*",
        "words:path ^first + second*",
        "[a-z]+ (?i)x {2,3} \\w \\u0041",
        "1e5 0x1F 12.5 -7 007 1,000",
        "2001:db8::1 192.0.2.7 a@b.example",
        "\u{130}stanbul I\u{307} ISTANBUL \u{131}stanbul \u{3a3}\u{3c3}\u{3c2} \u{1e9e}\u{df} \u{212a}k \u{1c5}",
        "\u{4f60}\u{597d}\u{ff0c}\u{4e16}\u{754c} \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{e2a}\u{e27}\u{e31}",
        "e\u{301}t\u{e9} \u{c9}T\u{c9}\u{200b}zero\u{a0}width\u{3000}wide",
        &long,
        &long[..64],
        &long[..63],
        &longer,
    ]);
    let given: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(place, text)| {
            let mut fields = trail.fields();
            fields.description = Some((*text).to_owned());
            fields.actor_name = texts.get(place / 2).map(|text| (*text).to_owned());
            Record::seal(fields)
        })
        .collect();
    trail.append(given.clone()).await;
    let mut questions: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    for text in &texts {
        let half = text.chars().count() / 2;
        questions.push(text.chars().take(half).collect());
        questions.push(text.chars().skip(half).collect());
        questions.push(text.to_uppercase());
        questions.push(text.to_lowercase());
    }
    questions.extend(["\0", "a\0b", "i", "k", "\u{3c3}", "\u{1c6}", "s"].map(str::to_owned));
    for question in questions {
        let filter = trail.filter().search(&question);
        let found = trail.ids(&filter).await;
        assert_eq!(
            found,
            expected(&filter, &given),
            "a search for {question:?}"
        );
    }
}

fn expected(filter: &Filter, given: &[Record]) -> Vec<crate::EventId> {
    let passing = given.iter().filter(|record| filter.matches(record));
    newest_first(&passing.cloned().collect::<Vec<_>>())
}
