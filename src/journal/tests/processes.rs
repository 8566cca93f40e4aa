//! Real processes that die, and real limits. Each child is this test binary,
//! told to run one of the ignored tests below.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::super::samples::{ordinary, sized, smalls};
use super::*;

const DIRECTORY: &str = "JOURNAL_TEST_DIRECTORY";

/// The settings that a child was given; `None` if somebody runs its test by hand.
fn own_settings() -> Option<Settings> {
    let directory = std::env::var_os(DIRECTORY)?;
    Some(Settings {
        segment_bytes: 1 << 20,
        min_free_bytes: 0,
        ..Settings::new(directory, Uuid::from_u128(8))
    })
}

/// Starts a test of this module in a process of its own, by way of `shell`.
fn start(test: &str, settings: &Settings, shell: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new("sh")
        .args(["-c", &format!("{shell} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg(format!("journal::tests::processes::{test}"))
        .env(DIRECTORY, &settings.directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// The number in the next line that has one behind `word`; `None` at the end.
fn number(lines: &mut Lines<BufReader<ChildStdout>>, word: &str) -> Option<u64> {
    lines.find_map(|line| line.unwrap().split_once(word)?.1.trim().parse().ok())
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn say(word: &str, number: u64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{word}{number}").unwrap();
}

#[test]
#[ignore = "a child of the tests below"]
fn child_that_appends_until_it_is_killed() {
    let Some(settings) = own_settings() else {
        return;
    };
    let mut journal = open(&settings);
    let mut next = 0;
    loop {
        journal.append(&smalls(next..next + 5)).unwrap();
        next += 5;
        say("appended ", next);
    }
}

#[test]
#[ignore = "a child of the tests below"]
fn child_that_appends_once_and_waits() {
    let Some(settings) = own_settings() else {
        return;
    };
    let mut journal = open(&settings);
    journal.append(&smalls(0..5)).unwrap();
    say("appended ", 5);
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[test]
#[ignore = "a child of the tests below"]
fn child_that_appends_many() {
    let Some(settings) = own_settings() else {
        return;
    };
    let mut journal = open(&settings);
    let records: Vec<_> = (0..300).map(ordinary).collect();
    let appended = journal.append(&records).unwrap();
    say("appended ", appended.records());
    say("segments ", appended.parts.len() as u64);
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "a child of the tests below"]
fn child_that_reads_much() {
    let Some(settings) = own_settings() else {
        return;
    };
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes: u64 = line.unwrap().trim_end_matches("kB").trim().parse().unwrap();
        kilobytes
    };
    let mut journal = open(&settings);
    let before = resident();
    let mut records = 0;
    while let Some(backlog) = journal.read_backlog(1_000, 1 << 20) {
        records += backlog.records.len() as u64;
    }
    say("records ", records);
    say("kilobytes ", resident() - before);
}

#[test]
fn whatever_was_appended_when_a_process_is_killed_comes_back_in_order() {
    for acknowledged in [1, 2, 10, 50, 200] {
        let directory = temporary();
        let settings = settings(&directory);
        let (child, mut lines) = start("child_that_appends_until_it_is_killed", &settings, "");
        let mut known = 0;
        for _ in 0..acknowledged {
            known = number(&mut lines, "appended ").unwrap();
        }
        kill(child);
        let (mut journal, recovery) = Journal::open(settings).unwrap();
        assert_eq!(recovery.unclean().count(), 1);
        let (read, damage) = drain(&mut journal);
        assert!(read.len() as u64 >= known);
        assert_eq!(read, smalls(0..read.len() as u64));
        assert!(!damage.is_serious());
    }
}

#[test]
fn of_four_processes_those_that_are_killed_are_adopted_and_the_others_are_not() {
    let directory = temporary();
    let settings = settings(&directory);
    let mut children: Vec<_> = (0..4)
        .map(|_| start("child_that_appends_once_and_waits", &settings, ""))
        .collect();
    for (_, lines) in &mut children {
        assert_eq!(number(lines, "appended "), Some(5));
    }
    for (child, _) in children.drain(..2) {
        kill(child);
    }
    let (mut journal, recovery) = Journal::open(settings.clone()).unwrap();
    assert_eq!((recovery.adopted.len(), recovery.in_use), (2, 2));
    assert_eq!(drain(&mut journal).0.len(), 10);
    journal.recovery_noted();
    let (_, recovery) = Journal::open(settings).unwrap();
    assert_eq!((recovery.adopted.len(), recovery.in_use), (0, 3));
    for (child, _) in children {
        kill(child);
    }
}

#[test]
fn a_limit_on_the_size_of_files_costs_segments_and_no_record() {
    let directory = temporary();
    let settings = settings(&directory);
    // Whatever a block is to this shell, it is no more than a kilobyte.
    let shell = "trap '' XFSZ; ulimit -f 400;";
    let (mut child, mut lines) = start("child_that_appends_many", &settings, shell);
    assert_eq!(number(&mut lines, "appended "), Some(300));
    assert_eq!(number(&mut lines, "segments "), Some(2));
    child.wait().unwrap();
    let (read, damage) = drain(&mut open(&settings));
    assert_eq!(read, (0..300).map(ordinary).collect::<Vec<_>>());
    assert_eq!(damage, Damage::default());
}

#[cfg(target_os = "linux")]
#[test]
fn a_large_backlog_is_read_in_little_memory() {
    let directory = temporary();
    let settings = own_settings_in(&directory);
    let mut journal = open(&settings);
    let records: Vec<_> = (0..16).map(|number| sized(number, 64 * 1024)).collect();
    for _ in 0..MEGABYTES {
        journal.append(&records).unwrap();
    }
    drop(journal);
    let (mut child, mut lines) = start("child_that_reads_much", &settings, "");
    assert_eq!(number(&mut lines, "records "), Some(16 * MEGABYTES));
    let kilobytes = number(&mut lines, "kilobytes ").unwrap();
    assert!(kilobytes < 8 * 1024, "{kilobytes} KiB");
    child.wait().unwrap();
}

/// Several times what may be held.
const MEGABYTES: u64 = 40;

fn own_settings_in(directory: &TempDir) -> Settings {
    Settings {
        segment_bytes: 8 << 20,
        ..settings(directory)
    }
}
