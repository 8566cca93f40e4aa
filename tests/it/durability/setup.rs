//! How a journal is asked for.

use std::time::Duration;

use tower_audit::{Auditor, Durability, MemoryStore};

use super::directory;

fn refused(builder: tower_audit::AuditorBuilder) -> String {
    match builder.store(MemoryStore::new()).build() {
        Ok(_) => panic!("it is refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_durability_without_a_directory_says_what_is_missing() {
    for (durability, name) in [
        (Durability::Spill, "spill"),
        (Durability::Journal, "journal"),
        (Durability::Synced(Duration::from_secs(1)), "synced:1s"),
    ] {
        let message = refused(Auditor::builder().durability(durability));
        assert!(
            message.contains(name) && message.contains("AUDIT_JOURNAL_DIR"),
            "{message}"
        );
    }
}

#[test]
fn numbers_that_make_no_sense_are_named() {
    let directory = directory();
    let builder = || Auditor::builder().journal(directory.path());
    let message = refused(builder().durability(Durability::Synced(Duration::ZERO)));
    assert!(message.contains("from 1ms to 3600s"), "{message}");
    let message = refused(builder().journal_max_bytes(1_000));
    assert!(
        message.contains("journal_max_bytes must be at least"),
        "{message}"
    );
}

#[test]
fn a_directory_that_cannot_be_used_is_told_at_the_start() {
    let directory = directory();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below"), "/proc/nothing".into()] {
        let message = refused(Auditor::builder().journal(&path));
        assert!(message.contains("cannot be made or entered"), "{message}");
    }
}

#[test]
fn in_memory_the_directory_stays_untouched() {
    let directory = directory();
    let builder = Auditor::builder()
        .store(MemoryStore::new())
        .journal(directory.path())
        .durability(Durability::Memory);
    drop(builder.build().unwrap());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
