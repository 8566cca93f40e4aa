//! A limit on the size of files, which comes as short writes and as a signal.

use std::os::unix::process::ExitStatusExt;

use super::trail::{Trail, assert_accounted};
use super::*;

/// A block is half a kilobyte to some shells, and a whole one to others.
const LIMIT: &str = "ulimit -f 800; exec \"$0\" \"$@\"";
/// What the kernel sends to who writes beyond the limit.
const SIGXFSZ: i32 = 25;

#[tokio::test]
async fn where_its_signal_is_ignored_it_costs_neither_the_program_nor_a_record() {
    let shell = format!("trap '' XFSZ; {LIMIT}");
    let settings = [JOURNAL];
    let app = Quickstart::restart_by(&["sh", "-c", &shell], directory(), &settings);
    let outage = Outage::begin(app.directory.path());
    let mut served = serve(&app, 0..4_000).await;
    let segments = disks::segments(app.directory.path());
    assert!(segments.len() > 1, "{segments:?}");
    let stopped = app.stop();
    drop(outage);
    let app = Quickstart::restart(stopped.directory, &settings);
    served.push(caught_up(&app, served.len()).await);
    let (_, trail) = assert_accounted(&app.stop());
    trail.assert_owes_nothing(&served);
    assert_eq!((trail.unclean_ends, trail.requests()), (0, served.len()));
}

#[tokio::test]
async fn where_its_signal_is_not_ignored_it_ends_the_program_as_a_kill_does() {
    let settings = [JOURNAL, STRICT];
    let app = Quickstart::restart_by(&["sh", "-c", LIMIT], directory(), &settings);
    let outage = Outage::begin(app.directory.path());
    let mut served = Vec::new();
    while let Some(status) = send(&app, served.len()).await {
        assert_eq!(status, StatusCode::NOT_FOUND);
        served.push(served.len());
    }
    let (status, directory) = app.ended();
    assert_eq!(status.signal(), Some(SIGXFSZ));
    drop(outage);
    let app = Quickstart::restart(directory, &settings);
    // That which was not answered may be there.
    served.push(caught_up(&app, served.len() + 1).await);
    let trail = Trail::of(app.stop().directory.path());
    trail.assert_owes_nothing(&served);
    assert_eq!(trail.unclean_ends, 1);
}
