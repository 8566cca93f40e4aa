//! What is recorded of a client that goes away, on real connections.

use tower_audit::Outcome;
use tower_audit::Outcome::{AbortedBeforeHead, AbortedMidBody};

use crate::support::started;

use super::site::Protocol::{self, Http1, Http2};
use super::site::Site;
use super::stack::STACKS;
use super::{cases, recorded};

/// Outcome, status, bytes of the request, whether it was cut, bytes of the response.
type Recorded = (Outcome, Option<u16>, i64, bool, i64);

/// Over HTTP/1 a handler may still answer when a body has broken off; what
/// it answers is in the record, and that the client went away, too.
const ABORTS: &[(Protocol, &str, Recorded)] = &[
    (
        Http1,
        "a client that hangs up before the head",
        (AbortedBeforeHead, None, 0, false, 0),
    ),
    (
        Http1,
        "a client that hangs up in the middle of the answer",
        (AbortedMidBody, Some(200), 0, false, 5),
    ),
    (
        Http1,
        "a client that hangs up in the middle of its body",
        (AbortedMidBody, Some(200), 3, true, 9),
    ),
    (
        Http1,
        "a client that hangs up between two chunks",
        (AbortedMidBody, Some(200), 3, true, 9),
    ),
    (
        Http1,
        "a client that hangs up while its body comes back",
        (AbortedMidBody, Some(200), 3, true, 3),
    ),
    (
        Http2,
        "a client that cancels before the head",
        (AbortedBeforeHead, None, 0, false, 0),
    ),
    (
        Http2,
        "a client that cancels in the middle of the answer",
        (AbortedMidBody, Some(200), 0, false, 5),
    ),
    (
        Http2,
        "a client that cancels in the middle of its body",
        (AbortedMidBody, Some(200), 3, true, 0),
    ),
    (
        Http2,
        "a client that cancels while its body comes back",
        (AbortedMidBody, Some(200), 3, true, 3),
    ),
    (
        Http2,
        "a client that hangs up before the head",
        (AbortedBeforeHead, None, 0, false, 0),
    ),
    (
        Http2,
        "a client that hangs up in the middle of the answer",
        (AbortedMidBody, Some(200), 0, false, 5),
    ),
    (
        Http2,
        "a client that hangs up in the middle of its body",
        (AbortedMidBody, Some(200), 3, true, 0),
    ),
    (
        Http2,
        "a client that breaks the protocol",
        (AbortedBeforeHead, None, 0, false, 0),
    ),
];

#[tokio::test]
async fn a_client_that_goes_away_is_recorded_as_what_it_is() {
    for &(protocol, name, expected) in ABORTS {
        let (auditor, store) = started().await;
        let (_, stack) = STACKS[0];
        let mut site = Site::start(protocol, stack, Some(auditor.layer())).await;
        let cases = cases::of(protocol);
        let case = cases.iter().find(|case| case.name == name).unwrap();
        site.exchange(&case.steps).await;
        let records = recorded(&auditor, &store, site.calls()).await;
        let record = &records[0];
        let actual = (
            record.outcome.unwrap(),
            record.status,
            record.request_bytes.unwrap(),
            record.request_truncated,
            record.response_bytes.unwrap(),
        );
        assert_eq!(actual, expected, "{name}");
        assert!(!record.success, "{name}");
    }
}
