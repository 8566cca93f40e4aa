//! Judging early and late agrees with judging at once.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{End, Head, Judgement, Policy, Rule};
use crate::{Level, Outcome};

const METHODS: [Method; 2] = [Method::GET, Method::POST];
const PATHS: [&str; 3] = ["/", "/a", "/a/b"];
const WILDCARDS: [&str; 3] = ["/a", "/a*", "*b"];
const OUTCOMES: [Outcome; 2] = [Outcome::Completed, Outcome::Panicked];

prop_compose! {
    fn rule()(
        method in option::of(select(&METHODS[..])),
        path in option::of(select(&WILDCARDS[..])),
        route in option::of(select(&PATHS[..])),
        header in option::of(select(&["1", "2"][..])),
        status in option::of(select(&[200..=299, 400..=599, 500..=500][..])),
        outcome in option::of(select(&OUTCOMES[..])),
        actor in option::of(select(&["ada", "*"][..])),
        level in option::of(select(&Level::ALL[..])),
        sample in option::of(0.0..=1.0),
    ) -> Rule {
        let mut rule = Rule::new();
        if let Some(method) = method { rule = rule.method(method); }
        if let Some(path) = path { rule = rule.path(path); }
        if let Some(route) = route { rule = rule.route(route); }
        if let Some(value) = header { rule = rule.header("x-canary", value); }
        if let Some(status) = status { rule = rule.status(status); }
        if let Some(outcome) = outcome { rule = rule.outcome(outcome); }
        if let Some(actor) = actor { rule = rule.actor(actor); }
        if let Some(level) = level { rule = rule.level(level); }
        if let Some(sample) = sample { rule = rule.sample(sample); }
        rule
    }
}

proptest! {
    #[test]
    fn what_is_captured_early_is_never_less_than_the_verdict_needs(
        rules in prop::collection::vec(rule(), 0..6),
        default in select(&Level::ALL[..]),
        (method, path) in (select(&METHODS[..]), select(&PATHS[..])),
        route in option::of(select(&PATHS[..])),
        header in option::of(select(&["1", "2"][..])),
        status in option::of(select(&[200, 404, 500][..])),
        outcome in select(&OUTCOMES[..]),
        actor in option::of(select(&["ada", "bob"][..])),
    ) {
        let rules: Vec<_> = rules.into_iter().filter(|rule| !rule.matches_everything()).collect();
        let policy = rules
            .iter()
            .fold(Policy::builder().level(default), |policy, rule| policy.rule(rule.clone()));
        let policy = Arc::new(policy.build().unwrap());
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert("x-canary", HeaderValue::from_static(value));
        }
        let head = Head { method: &method, path, route, headers: &headers };
        let end = End { status, outcome, actor: actor.map(str::as_bytes) };

        let judgement = Judgement::of(&policy, || head);
        let verdict = judgement.verdict(|| end);
        let at_once = rules
            .iter()
            .find(|rule| rule.matches_head(&head) && rule.matches_end(&end))
            .map_or(policy.default, |rule| policy.verdict_of(rule));
        prop_assert_eq!(verdict, at_once);
        prop_assert!(judgement.highest() >= verdict.level);
        if let Some(status) = status {
            let with_status = judgement.highest_with(StatusCode::from_u16(status).unwrap());
            prop_assert!(with_status >= verdict.level && with_status <= judgement.highest());
        }
    }
}

#[test]
fn without_rules_neither_head_nor_end_is_looked_at() {
    let judgement = Judgement::of(&Arc::new(Policy::default()), || panic!("the head"));
    assert_eq!(judgement.verdict(|| panic!("the end")).level, Level::Full);
}

#[test]
fn a_rule_that_the_head_decides_leaves_nothing_open() {
    let late = || Rule::new().status(500..).level(Level::Full);
    let early = Rule::new().path("/a").level(Level::None);
    let policy = Policy::builder()
        .rule(early)
        .rule(late())
        .level(Level::Metadata);
    let policy = Arc::new(policy.build().unwrap());
    let headers = HeaderMap::new();
    let judge = |path| {
        Judgement::of(&policy, || Head {
            method: &Method::GET,
            path,
            route: None,
            headers: &headers,
        })
    };
    assert_eq!(judge("/a").highest(), Level::None);
    assert_eq!(judge("/b").highest(), Level::Full);
    assert_eq!(judge("/b").highest_with(StatusCode::OK), Level::Metadata);
}
