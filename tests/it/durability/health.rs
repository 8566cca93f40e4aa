//! What the trail says of itself.

use std::time::Duration;

use tower_audit::{Durability, Health, HealthProblem as Problem, HealthStatus as Status};

use super::{Process, directory, small};
use crate::support::{Gate, GatedStore};

async fn changed(process: &Process, before: &Health) -> Health {
    loop {
        let health = process.auditor.health();
        if health != *before {
            return health;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_degrades_the_trail_until_it_has_caught_up() {
    let directory = directory();
    let mut gates = vec![Gate::Fail; 5];
    gates.extend(vec![Gate::Slow(Duration::from_millis(100)); 20]);
    let store = GatedStore::new(gates);
    let process = Process::over(&store, &directory, Durability::Journal);
    let ok = process.auditor.health();
    assert_eq!((ok.status, ok.to_string().as_str()), (Status::Ok, "ok"));
    process.record(90);
    let mut seen = vec![ok];
    while seen.len() < 2 || seen[seen.len() - 1].status != Status::Ok {
        let next = changed(&process, &seen[seen.len() - 1]).await;
        assert!(next.status < Status::Failing, "{next}");
        seen.push(next);
    }
    let has = |problem| seen.iter().any(|health| health.problems.contains(&problem));
    assert!(
        has(Problem::StoreUnavailable) && has(Problem::CatchingUp),
        "{seen:?}"
    );
    process.auditor.flush().await.unwrap();
    assert_eq!(process.auditor.stats().stored, 90);
}

#[tokio::test(start_paused = true)]
async fn losses_make_it_fail_for_a_minute() {
    let store = GatedStore::new([Gate::Slow(Duration::from_secs(5))]);
    let process = Process::start(small(&store, &directory(), Durability::Memory));
    for _ in 0..300 {
        process.record(1);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(process.auditor.stats().dropped > 0);
    assert_eq!(
        process.auditor.health().to_string(),
        "failing: losing_events"
    );
    process.auditor.flush().await.unwrap();
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(process.auditor.health().status, Status::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_trail_that_has_ended_says_so() {
    let ended = Process::over(&GatedStore::default(), &directory(), Durability::Memory);
    ended
        .auditor
        .shutdown(Duration::from_secs(1))
        .await
        .unwrap();
    assert_eq!(ended.auditor.health().to_string(), "failing: ended");
    let killed = Process::over(&GatedStore::default(), &directory(), Durability::Memory);
    let auditor = killed.auditor.clone();
    killed.kill().await;
    assert_eq!(auditor.health().problems, [Problem::Ended]);
}
