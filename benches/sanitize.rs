//! How fast JSON is sanitized, in MB/s, beside what it takes with values of `serde_json`.
//!
//! Both read the same documents in turns: payloads of an API with customers,
//! orders, timestamps, ids, URLs and prose. The other side parses into a
//! `Value`, masks by name in place and serializes; it looks at names only,
//! not at what is inside of strings. A figure is the median over all rounds.
//! Run it with `cargo bench --bench sanitize`.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::print_stdout,
    clippy::unwrap_used
)]

use std::collections::HashSet;
use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use serde_json::{Value, json};
use tower_audit::{Sanitizer, testing};

const ROUNDS: usize = 201;
const ROUND_BYTES: usize = 1 << 20;

fn main() {
    let sanitizer = Sanitizer::default();
    let names: HashSet<&str> = SENSITIVE.split_whitespace().collect();
    println!(
        "{:<8} {:>8} {:>12} {:>14} {:>7}",
        "corpus", "bytes", "ours MB/s", "values MB/s", "ratio"
    );
    let rows = [
        ("1k", corpus(32, 1_000)),
        ("16k", corpus(16, 16_000)),
        ("1m", corpus(1, 1_000_000)),
    ]
    .map(|(name, documents)| {
        documents.iter().for_each(|text| check(text, &sanitizer));
        let bytes: usize = documents.iter().map(String::len).sum();
        let times = ROUND_BYTES.div_ceil(bytes);
        let (mut ours, mut values) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(time(&documents, times, |text| {
                testing::sanitize_json(&sanitizer, text).unwrap()
            }));
            values.push(time(&documents, times, |text| through_values(&names, text)));
        }
        let speed = |seconds: f64| (bytes * times) as f64 / seconds / 1e6;
        let (ours, values) = (speed(median(ours)), speed(median(values)));
        let mean = bytes / documents.len();
        let ratio = ours / values;
        println!("{name:<8} {mean:>8} {ours:>12.0} {values:>14.0} {ratio:>7.2}");
        (ours, ratio)
    });
    let tenths = |figure: f64| (figure * 10.0).round() / 10.0;
    println!(
        "{}",
        json!({
            "bench": "sanitize",
            "mb_s_1k": tenths(rows[0].0),
            "mb_s_16k": tenths(rows[1].0),
            "mb_s_1m": tenths(rows[2].0),
            "ratio_16k": (rows[1].1 * 100.0).round() / 100.0,
        })
    );
}

/// Seconds for one round over all documents.
fn time(documents: &[String], times: usize, sanitize: impl Fn(&str) -> String) -> f64 {
    let start = Instant::now();
    for _ in 0..times {
        for text in documents {
            black_box(sanitize(black_box(text)));
        }
    }
    start.elapsed().as_secs_f64()
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// A figure means something only if the work was done.
fn check(text: &str, sanitizer: &Sanitizer) {
    let ours = testing::sanitize_json(sanitizer, text).unwrap();
    assert!(
        text.contains("canary") && !ours.contains("canary"),
        "{ours}"
    );
    let kept = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let mut expected = kept(text);
    mask(&SENSITIVE.split_whitespace().collect(), &mut expected);
    assert_eq!(kept(&ours), expected);
}

const SENSITIVE: &str = "
    password passwd passphrase secret clientsecret credential credentials apikey accesskey privatekey
    token accesstoken refreshtoken sessiontoken idtoken authorization auth cookie setcookie sessionid
    cardnumber creditcard cvv cvc pin pan otp totp ssn jwt signature sig csrf mnemonic seedphrase";

fn through_values(names: &HashSet<&str>, text: &str) -> String {
    let mut value: Value = serde_json::from_str(text).unwrap();
    mask(names, &mut value);
    serde_json::to_string(&value).unwrap()
}

fn mask(names: &HashSet<&str>, value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if is_sensitive(names, name) {
                    *value = Value::String("[redacted]".to_owned());
                } else {
                    mask(names, value);
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| mask(names, element)),
        _ => {}
    }
}

fn is_sensitive(names: &HashSet<&str>, name: &str) -> bool {
    let mut joined = [0; 24];
    let mut length = 0;
    for byte in name.bytes().filter(u8::is_ascii_alphanumeric) {
        let Some(place) = joined.get_mut(length) else {
            return false;
        };
        *place = byte.to_ascii_lowercase();
        length += 1;
    }
    std::str::from_utf8(&joined[..length]).is_ok_and(|joined| names.contains(joined))
}

/// So many documents of about so many bytes, the same in every run.
fn corpus(documents: usize, bytes: usize) -> Vec<String> {
    let mut dice = Dice(7);
    (0..documents).map(|_| document(&mut dice, bytes)).collect()
}

/// One order, or a page of them if there is room.
fn document(dice: &mut Dice, bytes: usize) -> String {
    let mut out = String::new();
    if bytes < 2_000 {
        order(&mut out, dice, 1);
        return out;
    }
    out.push_str(r#"{"items":["#);
    loop {
        let items = 1 + dice.below(4);
        order(&mut out, dice, items);
        if out.len() >= bytes {
            break;
        }
        out.push(',');
    }
    let cursor = dice.next();
    write!(
        out,
        r#"],"next_cursor":"{cursor:x}","total":{},"has_more":true}}"#,
        cursor % 10_000
    )
    .unwrap();
    out
}

fn order(out: &mut String, dice: &mut Dice, items: usize) {
    let (id, high) = (dice.next(), dice.next());
    let (day, second) = (1 + dice.below(28), dice.below(60));
    write!(
        out,
        r#"{{"id":"{:08x}-{:04x}-7{:03x}-a{:03x}-{:012x}","number":{},"created_at":"2026-03-{day:02}T09:14:{second:02}.512Z","status":"{}","currency":"EUR","total_cents":{},"tax_rate":0.{:02},"customer":"#,
        high >> 32,
        high & 0xffff,
        high >> 16 & 0xfff,
        high >> 28 & 0xfff,
        id & 0xffff_ffff_ffff,
        id % 1_000_000,
        dice.of(&["paid", "shipped", "open", "returned"]),
        id % 100_000,
        dice.below(26),
    )
    .unwrap();
    customer(out, dice);
    out.push_str(r#","lines":["#);
    for line in 0..items {
        if line > 0 {
            out.push(',');
        }
        item(out, dice);
    }
    write!(
        out,
        r#"],"payment":{{"method":"card","cardNumber":"canary {:016}","last4":"{:04}","captured":{},"refunded_at":null}},"note":"{}","links":{{"self":"https://shop.example/api/v1/orders/{}","invoice":"https://cdn.shop.example/invoices/2026/03/{day:02}/{:x}.pdf?page=1&size=a4"}}}}"#,
        dice.next() % 10_000_000_000,
        dice.below(10_000),
        dice.below(2) == 0,
        dice.of(NOTES),
        id % 1_000_000,
        dice.next(),
    )
    .unwrap();
}

fn customer(out: &mut String, dice: &mut Dice) {
    let (first, last) = (dice.of(FIRST_NAMES), dice.of(LAST_NAMES));
    write!(
        out,
        r#"{{"id":{},"firstName":"{first}","lastName":"{last}","email":"{}.{}@mail.example","phone":"+49 30 {:07}","password":"canary-{:x}","newsletter":{},"address":{{"street":"{} {}","city":"{}","zipCode":"{:05}","country":"{}","geo":[{}.{:06},-{}.{:06}]}},"roles":["customer","{}"],"accessToken":"canary{:x}"}}"#,
        dice.below(100_000),
        dice.of(&["ada", "grace", "zoe", "barbara", "edsger"]),
        dice.below(1_000),
        dice.below(10_000_000),
        dice.next(),
        dice.below(2) == 0,
        dice.of(STREETS),
        1 + dice.below(200),
        dice.of(CITIES),
        dice.below(100_000),
        dice.of(&["DE", "FR", "PL", "JP", "US"]),
        dice.below(90),
        dice.below(1_000_000),
        dice.below(180),
        dice.below(1_000_000),
        dice.of(&["beta", "wholesale", "staff", "partner"]),
        dice.next(),
    )
    .unwrap();
}

fn item(out: &mut String, dice: &mut Dice) {
    write!(
        out,
        r#"{{"sku":"{}-{:05}","title":"{}","quantity":{},"unitPrice":{}.{:02},"discount":null,"inStock":{},"image":"https://cdn.shop.example/img/{:x}.webp","attributes":{{"color":"{}","weight_g":{},"tags":["{}","{}"]}}}}"#,
        dice.of(&["TEA", "CUP", "POT", "TIN"]),
        dice.below(100_000),
        dice.of(TITLES),
        1 + dice.below(9),
        dice.below(90),
        dice.below(100),
        dice.below(5) > 0,
        dice.next(),
        dice.of(&["green", "blå", "black", "white"]),
        dice.below(2_000),
        dice.of(&["organic", "new", "sale", "fair trade"]),
        dice.of(&["gift", "seasonal", "limited edition", "b2b"]),
    )
    .unwrap();
}

const FIRST_NAMES: &[&str] = &["Ada", "Grace", "Zo\\u00eb", "Barbara", "Edsger", "Łukasz"];
const LAST_NAMES: &[&str] = &[
    "Lovelace", "Hopper", "Müller", "O'Brien", "山田", "Kowalska",
];
const STREETS: &[&str] = &["Hauptstraße", "Rue de la Paix", "Mill Lane", "ul. Długa"];
const CITIES: &[&str] = &["Berlin", "Paris", "Gdańsk", "東京", "Springfield"];
const TITLES: &[&str] = &[
    "Darjeeling first flush, 250 g",
    "Teapot \\\"Kyoto\\\" with strainer",
    "Cup and saucer",
    "Earl Grey – loose leaf, a tin of 100 g",
];
const NOTES: &[&str] = &[
    "",
    "Please ring twice.",
    "Leave it with the neighbours on the second floor if nobody answers the door;\\nthe bell is broken and the dog is friendly.",
    "Thank you for the quick delivery last time. The second cup was chipped, so I kept it for pencils: could you add a spare one to this order and charge it as usual? No hurry at all, we drink from glasses for now – the tea itself was wonderful, better than anything we had in years, and my mother keeps asking where it came from.",
];

/// Numbers that look random and are the same in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}
