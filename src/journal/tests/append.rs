use std::fs::{self, File, OpenOptions};
use std::sync::Arc;

use super::super::current::Current;
use super::super::samples::{sized, small, smalls};
use super::*;

#[test]
fn records_outlive_a_journal_that_was_not_closed() {
    let directory = temporary();
    let settings = settings(&directory);
    let mut journal = open(&settings);
    let records = smalls(0..500);
    for some in records.chunks(7) {
        journal.append(some).unwrap();
    }
    assert_eq!(journal.records_pending(), 500);
    drop(journal);
    assert!(segment_files(&settings).len() > 1);
    let (read, damage) = drain(&mut open(&settings));
    assert_eq!((read, damage), (records, Damage::default()));
    assert_eq!(segment_files(&settings).len(), 0);
}

#[test]
fn one_call_is_one_write_for_each_segment() {
    let directory = temporary();
    let settings = settings(&directory);
    let (mut journal, disk) = open_faulty(&settings);
    journal.append(&smalls(0..10)).unwrap();
    journal.append(&[]).unwrap();
    assert_eq!(disk.plan(|plan| plan.writes), 1);
    let appended = journal.append(&smalls(10..400)).unwrap();
    let segments = appended.parts.len();
    assert!(segments > 2);
    assert_eq!(disk.plan(|plan| plan.writes), 1 + segments);
    assert_eq!(appended.records(), 390);
    assert_eq!(segment_files(&settings).len(), segments);
}

#[test]
fn segments_keep_to_their_size_but_for_a_single_large_record() {
    let directory = temporary();
    let settings = settings(&directory);
    let mut journal = open(&settings);
    let appended = journal
        .append(&[small(0), sized(1, 50_000), small(2)])
        .unwrap();
    assert_eq!(appended.parts.len(), 3);
    journal.append(&smalls(3..300)).unwrap();
    let sizes: Vec<_> = segment_files(&settings)
        .iter()
        .map(|path| path.metadata().unwrap().len())
        .collect();
    assert_eq!(journal.bytes(), sizes.iter().sum::<u64>());
    let larger = sizes.iter().filter(|size| **size > settings.segment_bytes);
    assert_eq!(larger.count(), 1);
}

#[test]
fn a_record_that_is_too_large_is_named_and_the_others_can_be_appended() {
    let directory = temporary();
    let mut journal = open(&settings(&directory));
    let records = [small(0), sized(1, 17 << 20), small(2)];
    let error = journal.append(&records).unwrap_err();
    assert!(error.is_too_large() && !error.is_full());
    assert_eq!(error.accepted.records(), 1);
    assert_eq!(error.into_error().rejected_index(), Some(1));
    journal.append(&records[2..]).unwrap();
    assert_eq!(journal.records_pending(), 2);
}

#[test]
fn a_short_write_is_completed() {
    let directory = temporary();
    let settings = settings(&directory);
    let (mut journal, disk) = open_faulty(&settings);
    disk.plan(|plan| plan.longest_write = Some(100));
    let records = smalls(0..100);
    journal.append(&records).unwrap();
    drop(journal);
    assert_eq!(drain(&mut open(&settings)), (records, Damage::default()));
}

#[test]
fn after_a_failed_write_the_rest_goes_to_a_new_segment_and_nothing_is_there_twice() {
    for (fails_after, truncate_fails) in (0..60).map(|write| (write, write % 2 == 1)) {
        let directory = temporary();
        let settings = settings(&directory);
        let (mut journal, disk) = open_faulty(&settings);
        disk.plan(|plan| {
            plan.longest_write = Some(97);
            plan.write_fails_after = Some(fails_after);
            plan.truncate_fails = truncate_fails;
        });
        let records = smalls(0..50);
        let appended = journal.append(&records).unwrap();
        assert_eq!(appended.records(), 50);
        let ends = appended.parts.first().zip(appended.parts.last());
        let ends = ends.map(|(first, last)| first.sequences.start..last.sequences.end);
        assert_eq!(ends, Some(1..51));
        journal.append(&[small(50)]).unwrap();
        drop(journal);
        let (read, damage) = drain(&mut open(&settings));
        assert_eq!(read, smalls(0..51));
        assert!(!damage.is_serious());
        assert!(truncate_fails || damage == Damage::default());
    }
}

#[test]
fn a_full_disk_is_told_with_what_was_accepted_and_appending_goes_on_once_there_is_room() {
    for room in (0..8_000).step_by(509) {
        let directory = temporary();
        let settings = settings(&directory);
        let (mut journal, disk) = open_faulty(&settings);
        disk.plan(|plan| plan.room = Some(room));
        let records = smalls(0..100);
        let error = journal.append(&records).unwrap_err();
        assert!(error.is_full() && !error.is_too_large());
        let accepted = error.accepted.records();
        assert!(accepted < 100 && journal.records_pending() == accepted);
        assert!(error.into_error().is_transient());
        disk.plan(|plan| plan.room = None);
        journal.append(&records[accepted as usize..]).unwrap();
        drop(journal);
        assert_eq!(drain(&mut open(&settings)), (records, Damage::default()));
    }
}

#[test]
fn a_write_error_that_stays_is_not_a_full_disk() {
    let directory = temporary();
    let settings = settings(&directory);
    let mut journal = open(&settings);
    // No file can be made where there is no directory any more.
    fs::remove_dir_all(&settings.directory).unwrap();
    let error = journal.append(&[small(0)]).unwrap_err();
    assert!(!error.is_full() && error.accepted == Appended::default());
}

#[test]
fn the_budget_counts_all_segments_and_what_is_settled_gives_room() {
    let directory = temporary();
    let mut settings = settings(&directory);
    settings.max_bytes = 40_000;
    let mut journal = open(&settings);
    let records = smalls(0..1_000);
    let error = journal.append(&records).unwrap_err();
    assert!(error.is_full() && journal.bytes() <= 40_000 && journal.bytes() > 39_000);
    let first = error.accepted.parts[0].clone();
    drop(journal);
    // The next process has adopted as much.
    let (mut journal, recovery) = Journal::open(settings.clone()).unwrap();
    assert!(recovery.adopted[0].bytes > 39_000);
    assert!(journal.append(&records).unwrap_err().is_full());
    let backlog = journal
        .read_backlog(first.records() as usize, 1 << 20)
        .unwrap();
    journal.settle(backlog.segment, first.records());
    assert!(journal.bytes() > 39_000, "its end was not seen yet");
    let backlog = journal.read_backlog(1, 1).unwrap();
    assert_ne!(backlog.segment, first.segment);
    assert!(journal.append(&records[..10]).is_ok());
}

#[test]
fn what_is_to_stay_free_stays_free() {
    let directory = temporary();
    let mut settings = settings(&directory);
    settings.min_free_bytes = 1 << 30;
    let (mut journal, disk) = open_faulty(&settings);
    disk.plan(|plan| plan.free = Some((1 << 30) - 1));
    assert!(journal.append(&[small(0)]).unwrap_err().is_full());
    assert_eq!(segment_files(&settings).len(), 0);
    disk.plan(|plan| plan.free = Some(1 << 40));
    journal.append(&[small(0)]).unwrap();
    let looks = disk.plan(|plan| plan.looks);
    for number in 1..100 {
        journal.append(&[small(number)]).unwrap();
    }
    assert_eq!(disk.plan(|plan| plan.looks), looks);
}

#[test]
fn a_sealed_segment_goes_with_its_last_record_and_the_current_one_stays() {
    let directory = temporary();
    let settings = settings(&directory);
    let mut journal = open(&settings);
    let first = journal.append(&smalls(0..5)).unwrap();
    settle(&mut journal, &first);
    assert_eq!(segment_files(&settings).len(), 1);
    let second = journal.append(&smalls(5..8)).unwrap();
    assert_eq!(first.parts[0].segment, second.parts[0].segment);
    journal.rotate();
    journal.rotate();
    assert_eq!(segment_files(&settings).len(), 1);
    journal.settle(second.parts[0].segment, 2);
    assert_eq!(
        (journal.records_pending(), segment_files(&settings).len()),
        (1, 1)
    );
    journal.settle(second.parts[0].segment, 1);
    assert_eq!((journal.bytes(), segment_files(&settings).len()), (0, 0));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_what_is_there() {
    use std::os::unix::fs::PermissionsExt;
    let directory = temporary();
    let settings = settings(&directory);
    let mut journal = open(&settings);
    journal.append(&[small(0)]).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&settings.directory), 0o700);
    for path in files(&settings.directory, "") {
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_that_is_full_takes_nothing() {
    let file = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut current = Current {
        id: SegmentId {
            home: super::super::samples::id(1),
            number: 1,
        },
        file: Arc::<File>::new(file),
        bytes: 0,
        unsynced_from: 1,
    };
    let written = current.write(b"one frame", &[9]);
    let error = written.error.unwrap();
    assert!(super::super::failure::is_full(&error));
    assert_eq!((written.frames, written.bytes), (0, 0));
}
