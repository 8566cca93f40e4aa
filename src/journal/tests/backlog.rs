use std::fs;

use super::super::samples::{sized, small, smalls};
use super::*;

/// A journal of somebody who died, with these records, and its settings.
fn left_behind(directory: &TempDir, records: &[Record]) -> Settings {
    let settings = settings(directory);
    open(&settings).append(records).unwrap();
    settings
}

/// Changes a segment's bytes.
fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_backlog_comes_in_batches_within_both_bounds() {
    let directory = temporary();
    let records: Vec<_> = (0..40).map(|number| sized(number, 1_000)).collect();
    let mut journal = open(&left_behind(&directory, &records));
    assert_eq!(
        journal.read_backlog(3, usize::MAX).unwrap().records.len(),
        3
    );
    // Until there is enough, so one more than would fit.
    assert_eq!(journal.read_backlog(99, 4_500).unwrap().records.len(), 5);
    assert_eq!(journal.read_backlog(99, 0).unwrap().records.len(), 1);
    assert_eq!(journal.read_backlog(0, 99).unwrap().records.len(), 1);
    assert_eq!(journal.records_pending(), 10);
    let rest = read_all(&mut journal).0;
    assert_eq!(rest, records[10..]);
    assert!(journal.read_backlog(1, 1).is_none());
}

#[test]
fn a_batch_is_of_one_segment_and_the_oldest_process_comes_first() {
    let directory = temporary();
    let settings = left_behind(&directory, &smalls(0..300));
    // This one adopts the first, reads of it, dies.
    let mut second = open(&settings);
    second.append(&smalls(300..600)).unwrap();
    second.read_backlog(50, 1 << 20).unwrap();
    drop(second);
    let mut journal = open(&settings);
    journal.append(&smalls(600..603)).unwrap();
    assert_eq!(read_all(&mut journal).0, smalls(0..600));
}

#[test]
fn an_adopted_segment_goes_when_it_was_read_and_settled() {
    let directory = temporary();
    let settings = left_behind(&directory, &smalls(0..10));
    let mut journal = open(&settings);
    let backlog = journal.read_backlog(10, 1 << 20).unwrap();
    journal.settle(backlog.segment, 10);
    assert_eq!(
        (journal.unread_segments(), segment_files(&settings).len()),
        (1, 1)
    );
    assert!(journal.read_backlog(10, 1 << 20).is_none());
    assert_eq!(
        (journal.unread_segments(), segment_files(&settings).len()),
        (0, 0)
    );
}

#[test]
fn what_is_left_to_the_journal_comes_back_once_and_nothing_else_does() {
    let directory = temporary();
    let settings = settings(&directory);
    let mut journal = open(&settings);
    let held = journal.append(&smalls(0..10)).unwrap();
    let left = journal.append(&smalls(10..400)).unwrap();
    let held_too = journal.append(&smalls(400..403)).unwrap();
    let left_too = journal.append(&smalls(403..405)).unwrap();
    assert!(journal.read_backlog(1, 1).is_none());
    journal.defer(&left);
    journal.defer(&left_too);
    let (read, damage) = read_all(&mut journal);
    assert_eq!(read, [smalls(10..400), smalls(403..405)].concat());
    assert_eq!(damage, Damage::default());
    assert_eq!(journal.records_pending(), 405);
    for appended in [held, left, held_too, left_too] {
        settle(&mut journal, &appended);
    }
    assert_eq!((journal.bytes(), segment_files(&settings).len()), (0, 0));
}

#[test]
fn what_is_left_to_the_journal_while_its_segment_is_read_comes_later() {
    let directory = temporary();
    let mut journal = open(&settings(&directory));
    let parts: Vec<_> = (0..4)
        .map(|number| journal.append(&[small(number)]).unwrap())
        .collect();
    journal.defer(&parts[2]);
    journal.defer(&parts[3]);
    let first = journal.read_backlog(1, 1).unwrap();
    assert_eq!(first.records, [small(2)]);
    journal.defer(&parts[0]);
    assert_eq!(read_all(&mut journal).0, [small(3), small(0)]);
}

#[test]
fn a_damaged_segment_gives_what_is_whole_and_is_set_aside_once_that_is_settled() {
    let directory = temporary();
    let settings = left_behind(&directory, &smalls(0..20));
    let path = segment_files(&settings).remove(0);
    edit(&path, |bytes| {
        let middle = bytes.len() - 600;
        bytes[middle..middle + 40].fill(0xaa);
    });
    let before = fs::read(&path).unwrap();
    let mut journal = open(&settings);
    let (read, damage) = read_all(&mut journal);
    assert_eq!(damage.records + read.len() as u64, 20);
    assert!(damage.records > 0);
    assert!(path.exists());
    drop(journal);
    // The same again, after a crash; nothing was settled.
    let mut journal = open(&settings);
    assert_eq!(drain(&mut journal), (read, damage));
    assert!(!path.exists());
    let aside = files(&settings.directory.join("quarantine"), ".seg");
    assert_eq!(fs::read(&aside[0]).unwrap(), before);
    assert_eq!((aside.len(), journal.bytes()), (1, 0));
}

#[test]
fn damage_to_records_that_are_not_held_any_more_is_counted_to_the_record() {
    let directory = temporary();
    let settings = settings(&directory);
    let mut journal = open(&settings);
    let held = journal.append(&smalls(0..10)).unwrap();
    let left = journal.append(&smalls(10..20)).unwrap();
    journal.defer(&left);
    let path = segment_files(&settings).remove(0);
    // The last two, and of those that are held some.
    edit(&path, |bytes| {
        let end = bytes.len();
        bytes[end - 150..].fill(0);
        bytes[end - 2_000..end - 1_900].fill(0);
    });
    let (read, damage) = drain(&mut journal);
    assert!(read.len() < 10);
    assert_eq!(read.len() as u64 + damage.records, 10);
    assert_eq!(journal.records_pending(), 10);
    settle(&mut journal, &held);
    assert_eq!(journal.records_pending(), 0);
    assert!(!path.exists() && !files(&settings.directory, ".seg").is_empty());
}

#[test]
fn a_torn_tail_is_counted_and_nothing_is_set_aside() {
    let directory = temporary();
    let settings = left_behind(&directory, &smalls(0..20));
    edit(&segment_files(&settings)[0], |bytes| {
        bytes.truncate(bytes.len() - 5)
    });
    let (read, damage) = drain(&mut open(&settings));
    assert_eq!(read, smalls(0..19));
    assert!(damage.torn_bytes > 0 && !damage.is_serious());
    assert_eq!(files(&settings.directory, ".seg").len(), 0);
}

#[test]
fn a_segment_that_is_nothing_but_noise_or_empty_holds_nothing_up() {
    let directory = temporary();
    let settings = left_behind(&directory, &smalls(0..500));
    let paths = segment_files(&settings);
    edit(&paths[0], |bytes| bytes.fill(0x5a));
    edit(&paths[1], Vec::clear);
    let mut journal = open(&settings);
    let (read, damage) = drain(&mut journal);
    assert!(!read.is_empty() && read.last() == Some(&small(499)));
    assert_eq!(damage.records, 1, "at least");
    assert_eq!(files(&settings.directory, ".seg").len(), 1);
}

#[test]
fn a_segment_that_somebody_has_removed_is_counted_and_holds_nothing_up() {
    let directory = temporary();
    let settings = left_behind(&directory, &smalls(0..300));
    let mut journal = open(&settings);
    fs::remove_file(&segment_files(&settings)[0]).unwrap();
    let (read, damage) = drain(&mut journal);
    assert_eq!(read.last(), Some(&small(299)));
    assert!(damage.is_serious());
    assert_eq!((journal.bytes(), journal.records_pending()), (0, 0));
}

#[cfg(unix)]
#[test]
fn links_and_pipes_among_the_segments_are_passed_over() {
    let directory = temporary();
    let settings = left_behind(&directory, &smalls(0..3));
    let home = segment_files(&settings).remove(0);
    let home = home.parent().unwrap();
    let secret = directory.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    std::os::unix::fs::symlink(&secret, home.join("00000007.seg")).unwrap();
    let pipe = std::process::Command::new("mkfifo")
        .arg(home.join("00000008.seg"))
        .status();
    assert!(pipe.unwrap().success());
    fs::create_dir(home.join("00000009.seg")).unwrap();
    fs::write(home.join("9.seg"), "not ours").unwrap();
    let elsewhere = directory.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let link = settings
        .directory
        .join(super::super::samples::id(5).to_string());
    std::os::unix::fs::symlink(&elsewhere, link).unwrap();
    let (mut journal, recovery) = Journal::open(settings.clone()).unwrap();
    assert_eq!(
        (recovery.adopted.len(), recovery.adopted[0].segments),
        (1, 1)
    );
    assert_eq!(drain(&mut journal), (smalls(0..3), Damage::default()));
    assert!(secret.exists() && elsewhere.read_dir().unwrap().next().is_none());
}

#[test]
fn what_cannot_be_removed_now_is_removed_later() {
    let directory = temporary();
    let settings = settings(&directory);
    let mut journal = open(&settings);
    let appended = journal.append(&smalls(0..3)).unwrap();
    let path = segment_files(&settings).remove(0);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    settle(&mut journal, &appended);
    journal.rotate();
    assert!(journal.bytes() > 0 && journal.records_pending() == 0);
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "").unwrap();
    journal.rotate();
    assert!(journal.bytes() == 0 && !path.exists());
}
