//! The end of the process.

use std::time::Duration;

use tower_audit::{Durability, Event, EventId};

use super::{Process, WRITING_AHEAD, directory, files, gaps, small, stored};
use crate::support::{Gate, GatedStore, assert_accounted};

fn down() -> GatedStore {
    GatedStore::new(std::iter::repeat_n(Gate::Fail, 1_000_000))
}

#[tokio::test(start_paused = true)]
async fn what_was_written_outlives_the_process_and_is_stored_once_by_the_next() {
    for durability in WRITING_AHEAD {
        let directory = directory();
        let first = Process::over(&down(), &directory, durability);
        let ids = first.record(95);
        first.journaled(95).await;
        first.kill().await;

        let store = GatedStore::default();
        let second = Process::over(&store, &directory, durability);
        let more = second.record(5);
        second.auditor.flush().await.unwrap();
        second
            .auditor
            .shutdown(Duration::from_secs(5))
            .await
            .unwrap();
        assert_eq!(stored(&store.memory), [ids, more].concat());
        assert_accounted(second.auditor.stats(), &store.memory.records());
        assert_eq!(second.auditor.stats().journal_bytes, 0);
        assert_eq!(files(directory.path()), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unclean_end_is_told_once_and_a_clean_one_never() {
    let directory = directory();
    let first = Process::over(&GatedStore::default(), &directory, Durability::Journal);
    first.record(3);
    first.auditor.flush().await.unwrap();
    first.kill().await;
    let store = GatedStore::default();
    for _ in 0..3 {
        let next = Process::over(&store, &directory, Durability::Journal);
        next.record(1);
        next.auditor.flush().await.unwrap();
        next.auditor.shutdown(Duration::from_secs(5)).await.unwrap();
        let [gap] = &gaps(&store.memory, "unclean_end")[..] else {
            panic!("one end is told");
        };
        assert_eq!(gap.action.as_deref(), Some("process.ended"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_could_not_be_told_is_told_by_the_next_process() {
    let directory = directory();
    let first = Process::over(&down(), &directory, Durability::Journal);
    first.record(1);
    first.journaled(1).await;
    first.kill().await;
    let second = Process::over(&down(), &directory, Durability::Journal);
    second.record(1);
    second.journaled(1).await;
    second.kill().await;
    let store = GatedStore::default();
    let third = Process::over(&store, &directory, Durability::Journal);
    third.auditor.flush().await.unwrap();
    third
        .auditor
        .shutdown(Duration::from_secs(5))
        .await
        .unwrap();
    assert_eq!(gaps(&store.memory, "unclean_end").len(), 2);
    assert_eq!(stored(&store.memory).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_the_store_took_without_saying_so_is_not_stored_twice() {
    let directory = directory();
    let store = GatedStore::new([Gate::StoreAndFail, Gate::Never]);
    let first = Process::over(&store, &directory, Durability::Journal);
    let ids = first.record(10);
    while store.attempts().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    first.kill().await;
    assert_eq!(stored(&store.memory), ids);
    let second = Process::over(&store, &directory, Durability::Journal);
    let more = second.record(1);
    second.auditor.flush().await.unwrap();
    assert_eq!(stored(&store.memory), [ids, more].concat());
    // The first process is not here to count them any more, so the second one does.
    assert_accounted(second.auditor.stats(), &store.memory.records());
}

#[tokio::test(start_paused = true)]
async fn of_two_processes_in_one_directory_the_one_that_lives_takes_over() {
    let directory = directory();
    let store = GatedStore::default();
    let living = Process::over(&store, &directory, Durability::Journal);
    let dying = Process::over(&down(), &directory, Durability::Journal);
    let (own, other) = (living.record(30), dying.record(30));
    dying.journaled(30).await;
    living.auditor.flush().await.unwrap();
    assert_eq!(stored(&store.memory), own);
    dying.kill().await;
    // Each looks for others once a minute.
    tokio::time::sleep(Duration::from_secs(70)).await;
    let mut all = [own, other].concat();
    all.sort();
    assert_eq!(stored(&store.memory), all);
    assert_eq!(gaps(&store.memory, "unclean_end").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_flush_waits_for_its_own_records_also_when_another_process_s_end_is_told_first() {
    let directory = directory();
    let slow = |seconds| Gate::Slow(Duration::from_secs(seconds));
    let store = GatedStore::new([slow(90), slow(0), slow(50)]);
    let builder = small(&store, &directory, Durability::Journal);
    let living = Process::start(builder.append_timeout(Duration::from_secs(3_600)));
    let dying = Process::over(&down(), &directory, Durability::Journal);
    let mut own = living.record(1);
    living.journaled(1).await;
    while store.attempts().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    own.extend(living.record(1));
    dying.kill().await;
    tokio::time::sleep(Duration::from_secs(70)).await;
    living.auditor.flush().await.unwrap();
    assert_eq!(stored(&store.memory), own);
    assert_eq!(gaps(&store.memory, "unclean_end").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_journal_brings_twice_is_accounted_for_in_quarantine_too() {
    let directory = directory();
    let first = Process::over(&down(), &directory, Durability::Journal);
    let id = first.auditor.record(Event::activity("test").tag("poison"));
    first.journaled(1).await;
    first.kill().await;
    let home = std::fs::read_dir(directory.path()).unwrap().next();
    let home = home.unwrap().unwrap().path();
    let copy = directory.path().join(EventId::now().to_string());
    std::fs::create_dir(&copy).unwrap();
    for file in std::fs::read_dir(home).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }

    let store = GatedStore::default().quarantining([]);
    let second = Process::over(&store, &directory, Durability::Journal);
    while second.auditor.stats().quarantined < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_accounted(second.auditor.stats(), &store.memory.records());
    store.take_poison();
    let quarantine = second.auditor.quarantine().unwrap();
    assert_eq!(quarantine.requeue(&[id]).await.unwrap().stored, [id]);
    let stats = second.auditor.stats();
    assert_eq!((stats.quarantined, stats.pending), (0, 0), "{stats:?}");
}

#[tokio::test(start_paused = true)]
async fn in_memory_what_the_process_had_dies_with_it() {
    let directory = directory();
    for durability in [Durability::Memory, Durability::Spill] {
        let first = Process::over(&down(), &directory, durability);
        first.record(10);
        tokio::time::sleep(Duration::from_secs(1)).await;
        first.kill().await;
        let store = GatedStore::default();
        let second = Process::over(&store, &directory, durability);
        second.auditor.flush().await.unwrap();
        assert!(stored(&store.memory).is_empty());
        // But it shows, where there is a directory to look into.
        let is_told = usize::from(durability == Durability::Spill);
        assert_eq!(gaps(&store.memory, "unclean_end").len(), is_told);
    }
}
