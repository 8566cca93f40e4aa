use std::fs;

use super::super::samples::{id, small, smalls};
use super::*;
use crate::Timestamp;

fn recover(settings: &Settings) -> (Journal, Recovery) {
    Journal::open(settings.clone()).unwrap()
}

fn entries(settings: &Settings) -> usize {
    settings.directory.read_dir().unwrap().count()
}

/// Makes a segment one of the next version.
fn make_newer(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[8..12].copy_from_slice(&[2, 0, 0xfd, 0xff]);
    bytes[12..].fill(0x77);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_journal_that_is_closed_with_nothing_owed_leaves_nothing_behind() {
    let directory = temporary();
    let settings = settings(&directory);
    let mut journal = open(&settings);
    let appended = journal.append(&smalls(0..3)).unwrap();
    settle(&mut journal, &appended);
    journal.close().unwrap();
    assert_eq!(entries(&settings), 0);
    assert!(recover(&settings).1.adopted.is_empty());
}

#[test]
fn a_journal_that_is_closed_leaves_what_is_owed_to_the_next_one_which_knows_that_all_is_well() {
    for syncs in [false, true] {
        let directory = temporary();
        let settings = Settings {
            syncs,
            ..settings(&directory)
        };
        let mut journal = open(&settings);
        journal.append(&smalls(0..300)).unwrap();
        journal.close().unwrap();
        let (mut journal, recovery) = recover(&settings);
        assert_eq!(recovery.unclean().count(), 0);
        assert!(recovery.adopted[0].is_clean);
        assert_eq!(drain(&mut journal).0, smalls(0..300));
        journal.close().unwrap();
        assert_eq!(entries(&settings), 0);
    }
}

#[test]
fn a_close_that_cannot_sync_says_so() {
    let directory = temporary();
    let settings = Settings {
        syncs: true,
        ..settings(&directory)
    };
    let (mut journal, disk) = open_faulty(&settings);
    journal.append(&smalls(0..3)).unwrap();
    disk.plan(|plan| plan.sync_fails_after = Some(0));
    assert!(journal.close().unwrap_err().is_transient());
    assert_eq!(drain(&mut open(&settings)).0, smalls(0..3));
}

#[test]
fn an_unclean_end_is_told_with_its_time_until_somebody_has_noted_it() {
    let directory = temporary();
    let settings = settings(&directory);
    let before = Timestamp::now();
    let mut journal = open(&settings);
    journal.append(&smalls(0..3)).unwrap();
    drop(journal);
    let after = Timestamp::now();
    let (mut journal, recovery) = recover(&settings);
    let unclean = recovery.unclean().next().unwrap().clone();
    assert_eq!(
        (unclean.segments, unclean.writer),
        (1, Some(settings.writer))
    );
    assert_eq!(unclean.bytes, journal.bytes());
    // File systems tell the time with fewer digits.
    let slack = |time: Timestamp| Timestamp::from_micros(time.as_micros() - 2_000_000);
    assert!(unclean.started_at >= before && unclean.started_at <= after);
    assert!(unclean.last_written_at >= slack(before) && unclean.last_written_at <= after);
    drain(&mut journal);
    drop(journal);
    // Nobody has noted it; and the one that should have has died, too.
    let (mut journal, recovery) = recover(&settings);
    let names: Vec<_> = recovery.unclean().map(|adopted| adopted.name).collect();
    assert!(names.len() == 2 && names[0] == unclean.name);
    journal.recovery_noted();
    assert_eq!(entries(&settings), 1);
    journal.close().unwrap();
    assert_eq!(entries(&settings), 0);
}

#[test]
fn an_unclean_end_that_was_noted_is_not_told_again_though_its_records_are_still_there() {
    let directory = temporary();
    let settings = settings(&directory);
    open(&settings).append(&smalls(0..3)).unwrap();
    let (mut journal, _) = recover(&settings);
    journal.recovery_noted();
    journal.close().unwrap();
    let (mut journal, recovery) = recover(&settings);
    assert_eq!((recovery.adopted.len(), recovery.unclean().count()), (1, 0));
    assert_eq!(drain(&mut journal).0, smalls(0..3));
    assert_eq!(entries(&settings), 1);
}

#[test]
fn a_process_that_ends_while_we_run_can_be_adopted_then() {
    let directory = temporary();
    let settings = settings(&directory);
    let mut other = open(&settings);
    other.append(&smalls(0..3)).unwrap();
    let (mut journal, recovery) = recover(&settings);
    assert_eq!((recovery.in_use, recovery.adopted.len()), (1, 0));
    assert_eq!(journal.adopt().unwrap().in_use, 1);
    drop(other);
    assert_eq!(journal.adopt().unwrap().adopted.len(), 1);
    assert!(journal.adopt().unwrap().adopted.is_empty());
    assert_eq!(drain(&mut journal).0, smalls(0..3));
}

#[test]
fn each_orphan_has_exactly_one_adopter_however_many_look_at_once() {
    let directory = temporary();
    let settings = settings(&directory);
    let orphans: Vec<_> = (0..20)
        .map(|number| {
            // All are open at once, lest one adopts another.
            let mut journal = open(&settings);
            journal.append(&[small(number)]).unwrap();
            journal
        })
        .collect();
    drop(orphans);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let settings = settings.clone();
            std::thread::spawn(move || {
                let (mut journal, _) = recover(&settings);
                let records = drain(&mut journal).0;
                journal.recovery_noted();
                (journal, records)
            })
        })
        .collect();
    let found: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    let mut records: Vec<_> = found
        .iter()
        .flat_map(|(_, records)| records.clone())
        .collect();
    records.sort_by_key(|record| record.id);
    assert_eq!(records, smalls(0..20));
    assert_eq!(entries(&settings), 4);
}

#[test]
fn homes_come_and_go_under_many_openers_without_an_error() {
    let directory = temporary();
    let settings = settings(&directory);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let settings = settings.clone();
            std::thread::spawn(move || {
                for _ in 0..50 {
                    let (journal, recovery) = recover(&settings);
                    // Nobody takes a home that is being made for one that was left.
                    assert!(recovery.adopted.is_empty());
                    journal.close().unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    open(&settings).close().unwrap();
    assert_eq!(entries(&settings), 0);
}

#[test]
fn segments_of_a_newer_version_stay_and_everything_goes_on() {
    let directory = temporary();
    let settings = settings(&directory);
    let mut journal = open(&settings);
    journal.append(&smalls(0..500)).unwrap();
    drop(journal);
    let newer = segment_files(&settings).remove(1);
    make_newer(&newer);
    let bytes = fs::read(&newer).unwrap();
    let (mut journal, recovery) = recover(&settings);
    assert_eq!(recovery.adopted[0].newer_segments, 1);
    let warning = recovery.warning().unwrap();
    assert!(warning.to_string().contains("newer version"));
    let (read, damage) = drain(&mut journal);
    assert!(read.first() == Some(&small(0)) && read.last() == Some(&small(499)));
    assert_eq!((damage, journal.bytes()), (Damage::default(), 0));
    journal.append(&[small(0)]).unwrap();
    journal.recovery_noted();
    assert_eq!(fs::read(&newer).unwrap(), bytes);
    // Alone, they do not keep their lock from the version that can read them.
    let second = recover(&settings);
    assert_eq!((second.1.in_use, second.1.adopted.len()), (1, 1));
    let third = recover(&settings);
    assert_eq!((third.1.in_use, third.1.adopted.len()), (2, 1));
    assert_eq!(fs::read(&newer).unwrap(), bytes);
}

#[test]
fn a_directory_that_cannot_be_used_is_an_error_that_says_what_to_do() {
    let directory = temporary();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("journal")] {
        let error = Journal::open(Settings::new(path, Uuid::nil())).unwrap_err();
        assert_eq!(error.code(), "configuration");
        assert!(error.to_string().contains("give the service the right"));
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[cfg(unix)]
#[test]
fn a_directory_without_the_right_to_write_is_found_out_at_once() {
    use std::os::unix::fs::PermissionsExt;
    let directory = temporary();
    let path = directory.path().join("journal");
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o500)).unwrap();
    let result = Journal::open(Settings::new(&path, Uuid::nil()));
    // Who may write everywhere, like root, is not kept from it by a mode.
    if fs::write(path.join("try"), "").is_err() {
        assert_eq!(result.unwrap_err().code(), "configuration");
    } else {
        assert!(result.is_ok());
    }
}

#[cfg(unix)]
#[test]
fn the_directory_itself_may_be_a_link() {
    let directory = temporary();
    let settings = settings(&directory);
    let target = directory.path().join("target");
    fs::create_dir(&target).unwrap();
    std::os::unix::fs::symlink(&target, &settings.directory).unwrap();
    open(&settings).append(&smalls(0..3)).unwrap();
    assert_eq!(files(&target, ".seg").len(), 1);
    assert_eq!(drain(&mut open(&settings)).0, smalls(0..3));
}

#[test]
fn a_home_whose_lock_somebody_has_removed_is_adopted_all_the_same() {
    let directory = temporary();
    let settings = settings(&directory);
    open(&settings).append(&smalls(0..3)).unwrap();
    fs::remove_file(segment_files(&settings)[0].with_file_name("lock")).unwrap();
    let (mut journal, recovery) = recover(&settings);
    assert_eq!(recovery.unclean().count(), 1);
    assert_eq!(drain(&mut journal).0, smalls(0..3));
}

#[test]
fn a_home_that_nobody_has_begun_to_use_is_removed_and_nothing_is_told_of_it() {
    let directory = temporary();
    let settings = settings(&directory);
    let home = settings.directory.join(id(5).to_string());
    fs::create_dir_all(&home).unwrap();
    fs::write(home.join("lock"), "").unwrap();
    let (_, recovery) = recover(&settings);
    assert!(recovery.adopted.is_empty() && !home.exists());
}

#[test]
fn files_of_others_are_left_alone() {
    let directory = temporary();
    let settings = settings(&directory);
    open(&settings).append(&smalls(0..3)).unwrap();
    let home = segment_files(&settings).remove(0);
    let kept = [
        settings.directory.join("notes.txt"),
        settings.directory.join(id(9).to_string()),
        home.parent().unwrap().join("notes.txt"),
    ];
    for path in &kept {
        fs::write(path, "not ours").unwrap();
    }
    let (mut journal, _) = recover(&settings);
    drain(&mut journal);
    journal.recovery_noted();
    journal.close().unwrap();
    assert!(
        kept.iter()
            .all(|path| fs::read(path).unwrap() == b"not ours")
    );
}
