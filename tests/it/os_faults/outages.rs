//! A database that is locked for long: too many events, and an end in the middle of it.

use std::time::Instant;

use super::trail::{Numbers, assert_accounted};
use super::*;

#[tokio::test]
async fn ten_times_what_there_is_room_for_is_counted_told_and_costs_no_memory() {
    let settings = [("AUDIT_QUEUE_SIZE", "500"), ("AUDIT_BATCH_SIZE", "100")];
    let app = Quickstart::restart(directory(), &settings);
    serve(&app, 0..700).await;
    caught_up(&app, 700).await;
    let before = app.memory("VmHWM:");
    let outage = Outage::begin(app.directory.path());
    let served = serve(&app, 701..8_000).await;
    // Some are lost in the seconds after which it says that the store fails, and some later.
    logged(&app, "audit records could not be stored").await;
    serve(&app, 8_000..8_100).await;
    let grown = app.memory("VmHWM:") - before;
    assert!(grown < 16 * 1024, "{grown} KiB");
    drop(outage);
    logged(&app, "audit events were lost").await;
    in_time("it catches up", async {
        let number = 9_000;
        app.records("kind=gap", 1).await;
        caught_up(&app, number).await;
    })
    .await;
    let stopped = app.stop();
    let (numbers, trail) = assert_accounted(&stopped);
    assert!(numbers.dropped > served.len() as u64 - 1_000, "{numbers:?}");
    assert_eq!(trail.told.keys().collect::<Vec<_>>(), ["queue_full"]);
    assert_eq!(trail.requests() as u64 + numbers.dropped, 8_101);
    for line in [
        "audit records could not be stored",
        "audit events were lost",
    ] {
        // One a minute.
        let lines = stopped.log.matches(line).count();
        assert!((1..=2).contains(&lines), "{lines} times: {line}");
    }
}

#[tokio::test]
async fn a_signal_in_an_outage_leaves_all_to_the_next_program_where_the_disk_was_not_needed_yet() {
    end_in_an_outage("spill").await;
}

#[tokio::test]
async fn a_signal_in_an_outage_leaves_all_to_the_next_program_where_all_is_on_disk() {
    end_in_an_outage("journal").await;
}

#[tokio::test]
async fn a_signal_in_an_outage_leaves_all_to_the_next_program_where_each_record_is_synced() {
    end_in_an_outage("strict").await;
}

async fn end_in_an_outage(durability: &str) {
    let settings = [JOURNAL, ("AUDIT_DURABILITY", durability)];
    let app = Quickstart::restart(directory(), &settings);
    let outage = Outage::begin(app.directory.path());
    let mut served = serve(&app, 0..200).await;
    let start = Instant::now();
    let stopped = app.stop();
    // Ten seconds for the store, one for the disk, and what a busy machine adds.
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
    let numbers = Numbers::of(&stopped);
    assert_eq!((numbers.pending, numbers.dropped), (200, 0));
    drop(outage);
    let app = Quickstart::restart(stopped.directory, &settings);
    served.push(caught_up(&app, 200).await);
    let (_, trail) = assert_accounted(&app.stop());
    trail.assert_owes_nothing(&served);
    assert_eq!((trail.requests(), trail.unclean_ends), (201, 0));
}
