use super::super::samples::{small, smalls};
use super::*;

fn syncing(directory: &TempDir) -> Settings {
    Settings {
        syncs: true,
        ..settings(directory)
    }
}

#[test]
fn each_sync_covers_what_was_appended_since_the_last_one() {
    let directory = temporary();
    let (mut journal, disk) = open_faulty(&syncing(&directory));
    let syncs = || disk.plan(|plan| plan.syncs);
    journal.sync().unwrap();
    assert_eq!(syncs(), 0);
    let segments = journal.append(&smalls(0..400)).unwrap().parts.len();
    journal.sync().unwrap();
    assert_eq!(syncs(), segments);
    journal.sync().unwrap();
    assert_eq!(syncs(), segments);
    journal.append(&[small(400)]).unwrap();
    journal.sync().unwrap();
    assert_eq!(syncs(), segments + 1);
}

#[test]
fn a_failed_sync_names_the_records_and_its_file_is_never_asked_again() {
    let directory = temporary();
    let settings = syncing(&directory);
    let (mut journal, disk) = open_faulty(&settings);
    journal.append(&smalls(0..3)).unwrap();
    journal.sync().unwrap();
    let first = journal.append(&smalls(3..8)).unwrap();
    disk.plan(|plan| plan.sync_fails_after = Some(0));
    let error = journal.sync().unwrap_err();
    assert_eq!(error.suspect, first.parts);
    assert!(error.into_error().is_transient());
    let syncs = disk.plan(|plan| plan.syncs);
    // The next sync would succeed, and would be a lie.
    journal.sync().unwrap();
    assert_eq!(disk.plan(|plan| plan.syncs), syncs);
    let again = journal.append(&smalls(3..8)).unwrap();
    assert_ne!(again.parts[0].segment, first.parts[0].segment);
    journal.sync().unwrap();
    assert_eq!(disk.plan(|plan| plan.syncs), syncs + 1);
    assert_eq!(journal.records_pending(), 13);
    journal.settle(first.parts[0].segment, 8);
    assert_eq!(segment_files(&settings).len(), 1);
}

#[test]
fn of_several_segments_only_the_one_whose_sync_failed_is_suspect() {
    let directory = temporary();
    let (mut journal, disk) = open_faulty(&syncing(&directory));
    let appended = journal.append(&smalls(0..400)).unwrap();
    disk.plan(|plan| plan.sync_fails_after = Some(1));
    let error = journal.sync().unwrap_err();
    assert_eq!(error.suspect, appended.parts[1..2]);
    journal.sync().unwrap();
}

#[test]
fn another_thread_can_sync_while_records_are_appended() {
    let directory = temporary();
    let (mut journal, disk) = open_faulty(&syncing(&directory));
    journal.append(&smalls(0..3)).unwrap();
    let handle = journal.sync_handle().unwrap();
    let later = journal.append(&smalls(3..300)).unwrap();
    assert!(journal.sync_handle().is_none());
    assert!(journal.sync().unwrap_err().suspect.is_empty());
    let synced = std::thread::spawn(|| handle.sync()).join().unwrap();
    journal.synced(synced).unwrap();
    let syncs = disk.plan(|plan| plan.syncs);
    journal.sync().unwrap();
    assert_eq!(disk.plan(|plan| plan.syncs), syncs + later.parts.len());
}

#[test]
fn what_came_while_a_sync_failed_is_suspect_too() {
    let directory = temporary();
    let (mut journal, disk) = open_faulty(&syncing(&directory));
    journal.append(&smalls(0..3)).unwrap();
    let handle = journal.sync_handle().unwrap();
    journal.append(&smalls(3..5)).unwrap();
    disk.plan(|plan| plan.sync_fails_after = Some(0));
    let error = journal.synced(handle.sync()).unwrap_err();
    assert_eq!(error.suspect[0].sequences, 1..6);
}

#[test]
fn what_was_settled_while_a_sync_failed_is_not_suspect() {
    let directory = temporary();
    let (mut journal, disk) = open_faulty(&syncing(&directory));
    let appended = journal.append(&smalls(0..3)).unwrap();
    let handle = journal.sync_handle().unwrap();
    journal.rotate();
    settle(&mut journal, &appended);
    disk.plan(|plan| plan.sync_fails_after = Some(0));
    let error = journal.synced(handle.sync()).unwrap_err();
    assert_eq!(error.suspect, []);
}

#[test]
fn a_directory_that_cannot_be_synced_makes_its_new_segments_suspect() {
    let directory = temporary();
    let (mut journal, disk) = open_faulty(&syncing(&directory));
    let appended = journal.append(&smalls(0..3)).unwrap();
    disk.plan(|plan| plan.directory_sync_fails = true);
    let error = journal.sync().unwrap_err();
    assert_eq!(error.suspect, appended.parts);
    disk.plan(|plan| plan.directory_sync_fails = false);
    journal.append(&smalls(0..3)).unwrap();
    journal.sync().unwrap();
}

#[test]
fn without_syncs_full_segments_are_not_kept_open() {
    let directory = temporary();
    let (mut journal, disk) = open_faulty(&settings(&directory));
    journal.append(&smalls(0..400)).unwrap();
    assert!(journal.unsynced.is_empty());
    journal.sync().unwrap();
    assert_eq!(disk.plan(|plan| plan.syncs), 1);
}

#[test]
fn nothing_counts_as_synced_while_a_handle_is_out_or_lost() {
    let directory = temporary();
    let (mut journal, _) = open_faulty(&syncing(&directory));
    assert!(journal.is_synced() && !journal.is_unsynced());
    journal.append(&smalls(0..3)).unwrap();
    assert!(!journal.is_synced() && journal.is_unsynced());
    journal.sync().unwrap();
    assert!(journal.is_synced());
    journal.append(&smalls(3..6)).unwrap();
    drop(journal.sync_handle());
    assert!(!journal.is_synced() && !journal.is_unsynced());
}
