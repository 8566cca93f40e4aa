//! Single calls on the journal's files that fail.

use super::disks::segments;
use super::system::Tracer;
use super::trail::{Numbers, Trail};
use super::*;

/// Lets calls on the one segment of a strict program fail, kills it later,
/// and returns the calls after having asserted that no answered request is lost.
async fn fail(fault: &str) -> Vec<String> {
    let settings = [JOURNAL, STRICT];
    let app = Quickstart::restart(directory(), &settings);
    // With the store away the records stay in the journal, and their segment with them.
    let outage = Outage::begin(app.directory.path());
    let mut served = serve(&app, 0..5).await;
    let before = segments(app.directory.path());
    let [segment] = &before[..] else {
        panic!("one segment: {before:?}");
    };
    let tracer = Tracer::inject(&app, segment, fault);
    served.extend(serve_or_refuse(&app, 5..10).await);
    let again = serve_again(&app, 10).await;
    served.push(again);
    served.extend(serve(&app, again + 1..again + 10).await);
    assert!(
        segments(app.directory.path()).len() > 1,
        "it goes on in another one"
    );
    let directory = app.kill();
    let calls = tracer.calls().await;
    drop(outage);
    let app = Quickstart::restart(directory, &settings);
    served.push(caught_up(&app, again + 10).await);
    let stopped = app.stop();
    Numbers::of(&stopped);
    let trail = Trail::of(stopped.directory.path());
    trail.assert_owes_nothing(&served);
    assert_eq!(trail.unclean_ends, 1);
    assert!(
        calls.iter().any(|call| call.contains("INJECTED")),
        "{calls:?}"
    );
    calls
}

#[tokio::test]
async fn a_sync_that_fails_once_is_never_asked_of_the_same_file_again() {
    let calls = fail("fdatasync:error=EIO:when=1").await;
    assert_eq!(calls.len(), 1, "{calls:?}");
}

#[tokio::test]
async fn a_sync_that_fails_later_costs_as_little() {
    let calls = fail("fdatasync:error=EIO:when=4").await;
    let (last, before) = calls.split_last().unwrap();
    assert!(last.contains("EIO"), "{calls:?}");
    assert!(before.iter().all(|call| call.ends_with("= 0")), "{calls:?}");
}

#[tokio::test]
async fn a_write_for_which_there_is_no_room_is_made_to_another_file() {
    let calls = fail("write:error=ENOSPC:when=2").await;
    assert!(calls.last().unwrap().contains("ENOSPC"), "{calls:?}");
}

#[tokio::test]
async fn a_write_that_fails_is_made_to_another_file() {
    let calls = fail("write:error=EIO:when=1").await;
    assert_eq!(calls.len(), 1, "{calls:?}");
}
