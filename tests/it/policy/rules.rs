//! Which policies are refused, and how.

use axum::http::Method;
use tower_audit::{Level, Policy, PolicyBuilder, Rule};

#[test]
#[allow(clippy::reversed_empty_ranges)] // that is what is refused
fn a_policy_that_makes_no_sense_is_refused_and_the_rule_is_named() {
    let fine = || Rule::new().method(Method::GET).path("/a*");
    let cases = [
        (
            fine().sample(1.5),
            "sample",
            "rule 2 (path \"/a*\"): a sample must",
        ),
        (
            fine().sample(f64::NAN),
            "sample",
            "rule 2 (path \"/a*\"): a sample must",
        ),
        (
            Rule::new().path("x"),
            "path",
            "rule 2 (path \"x\"): a path must start",
        ),
        (Rule::new().path("/x?y=1"), "path", "holds no '?'"),
        (Rule::new().route("x"), "route", "rule 2 (route \"x\")"),
        (
            Rule::new().header("no name", "1"),
            "header",
            "rule 2: \"no name\" is not",
        ),
        (
            Rule::new().status(600..500),
            "status",
            "rule 2 (status 600..=499): no status",
        ),
        (
            Rule::new().status(..100),
            "status",
            "no status from 100 to 999 is asked for",
        ),
        (Rule::new().status(99), "status", "rule 2 (status 99): "),
        (Rule::new().actor(""), "actor", "rule 2 (actor \"\")"),
        (
            fine().name("probes").sample(-0.1),
            "sample",
            "rule 2 (\"probes\"): ",
        ),
        (
            Rule::new().level(Level::None),
            "rule",
            "rule 2 matches everything",
        ),
    ];
    for (rule, parameter, message) in cases {
        let policy = Policy::builder().rule(fine()).rule(rule).rule(fine());
        let error = policy.build().unwrap_err();
        assert_eq!(error.parameter(), Some(parameter), "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }
    let error = Policy::builder().sample(2.0).build().unwrap_err();
    assert_eq!(error.parameter(), Some("sample"));
    assert!(
        Policy::builder()
            .rule(fine())
            .rule(Rule::new())
            .build()
            .is_ok()
    );
}

#[test]
fn a_policy_does_not_print_what_a_header_has_to_be() {
    let policy = Policy::builder().rule(Rule::new().header("x-key", "open sesame"));
    let printed = format!("{:?}", policy.build().unwrap());
    assert!(
        printed.contains("x-key") && !printed.contains("sesame"),
        "{printed}"
    );
}

#[test]
fn the_parts_of_a_policy_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Policy>();
    shared::<PolicyBuilder>();
    shared::<Rule>();
    shared::<Level>();
    shared::<tower_audit::Audited>();
    shared::<tower_audit::AuditedService<()>>();
    shared::<tower_audit::Overflow>();
}
