//! Disks without room, without the right to write, or gone.

use super::system::{run_behind, run_beside, start_behind};
use super::trail::{Trail, assert_accounted};
use super::*;

/// The segments in the journal of this directory.
pub(super) fn segments(directory: &Path) -> Vec<std::path::PathBuf> {
    let homes = std::fs::read_dir(directory.join("journal"))
        .into_iter()
        .flatten();
    let homes = homes.map(|home| home.unwrap().path());
    let files = homes.flat_map(|home| std::fs::read_dir(home).into_iter().flatten());
    let files = files.map(|file| file.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|ending| ending == "seg"))
        .collect()
}

#[tokio::test]
async fn a_full_disk_costs_what_the_queue_cannot_hold_and_nothing_of_what_is_on_it() {
    let settings = [
        JOURNAL,
        ("AUDIT_JOURNAL_MIN_FREE_BYTES", "0"),
        ("AUDIT_QUEUE_SIZE", "100"),
        ("AUDIT_BATCH_SIZE", "10"),
    ];
    let mount = "mount -t tmpfs -o size=64k none journal";
    let app = start_behind(mount, directory(), &settings);
    let outage = Outage::begin(app.directory.path());
    let served = serve(&app, 0..1_000).await;
    logged(&app, "audit records could not be written to the journal").await;
    drop(outage);
    let last = in_time("it catches up", async {
        // Until there is room the queue has none for it.
        let mut number = served.len();
        loop {
            serve(&app, number..number + 1).await;
            let list = app
                .trail(&format!("/events?limit=1&request_id={number}"))
                .await;
            if !list["items"].as_array().unwrap().is_empty() {
                break number;
            }
            number += 1;
        }
    })
    .await;
    let (numbers, trail) = assert_accounted(&app.stop());
    assert!(numbers.dropped > 300, "{numbers:?}");
    assert!(trail.requests() > 200, "{trail:?}");
    assert_eq!(trail.requests() as u64 + numbers.dropped, last as u64 + 1);
    // So many had room in the queue alone.
    trail.assert_owes_nothing(&served[..100]);
}

#[test]
fn a_directory_that_cannot_be_written_to_is_told_at_the_start() {
    let directory = directory();
    let mount = "mount -t tmpfs -o ro none journal";
    let (is_success, said) = run_behind(mount, directory.path(), &[JOURNAL]);
    assert!(!is_success);
    assert!(
        said.contains("the journal's directory cannot be written to"),
        "{said}"
    );
}

#[tokio::test]
async fn a_disk_that_becomes_read_only_degrades_the_trail_until_it_is_writable_again() {
    let app = start_behind("true", directory(), &[JOURNAL]);
    let mut served = serve(&app, 0..20).await;
    let journal = app.directory.path().join("journal");
    let journal = journal.to_str().unwrap();
    run_beside(&app, &format!("mount -t tmpfs -o ro none {journal}"));
    served.extend(serve(&app, 20..40).await);
    logged(&app, "cannot be made again").await;
    assert!(
        app.log()
            .contains("the journal's directory cannot be written to")
    );
    served.push(caught_up(&app, 40).await);
    run_beside(&app, &format!("umount {journal}"));
    // With the store away only the journal can have what comes now.
    let outage = Outage::begin(app.directory.path());
    in_time("it writes again", async {
        while segments(app.directory.path()).is_empty() {
            let number = served.len();
            served.extend(serve(&app, number..number + 1).await);
        }
    })
    .await;
    let stopped = app.stop();
    drop(outage);
    let app = Quickstart::restart(stopped.directory, &[JOURNAL]);
    served.push(caught_up(&app, served.len()).await);
    let stopped = app.stop();
    let trail = Trail::of(stopped.directory.path());
    trail.assert_owes_nothing(&served);
    assert!(trail.told.is_empty(), "{trail:?}");
}

#[tokio::test]
async fn a_strict_program_serves_nobody_while_its_disk_is_read_only_and_loses_no_answered_request()
{
    let settings = [JOURNAL, STRICT];
    let app = start_behind("true", directory(), &settings);
    let mut served = serve(&app, 0..20).await;
    let journal = app.directory.path().join("journal");
    let journal = journal.to_str().unwrap();
    run_beside(&app, &format!("mount -t tmpfs -o ro none {journal}"));
    served.extend(serve_or_refuse(&app, 20..40).await);
    assert!(served.len() <= 21, "one may be on its way: {served:?}");
    run_beside(&app, &format!("umount {journal}"));
    let outage = Outage::begin(app.directory.path());
    let again = serve_again(&app, 40).await;
    served.push(again);
    served.extend(serve(&app, again + 1..again + 20).await);
    let directory = app.kill();
    drop(outage);
    let app = Quickstart::restart(directory, &settings);
    served.push(caught_up(&app, again + 20).await);
    let stopped = app.stop();
    let trail = Trail::of(stopped.directory.path());
    trail.assert_owes_nothing(&served);
    assert_eq!(trail.unclean_ends, 1);
}

#[tokio::test]
async fn a_directory_that_is_removed_costs_no_answered_request_that_memory_holds() {
    let settings = [JOURNAL, STRICT];
    let app = Quickstart::restart(directory(), &settings);
    let outage = Outage::begin(app.directory.path());
    let mut served = serve(&app, 0..20).await;
    assert!(!segments(app.directory.path()).is_empty());
    std::fs::remove_dir_all(app.directory.path().join("journal")).unwrap();
    let again = serve_again(&app, 20).await;
    served.push(again);
    served.extend(serve(&app, again + 1..again + 20).await);
    assert!(
        app.log()
            .contains("was removed by somebody and is made again")
    );
    let directory = app.kill();
    drop(outage);
    let app = Quickstart::restart(directory, &settings);
    served.push(caught_up(&app, again + 20).await);
    let (_, trail) = assert_accounted(&app.stop());
    trail.assert_owes_nothing(&served);
    assert_eq!(trail.unclean_ends, 1);
}
