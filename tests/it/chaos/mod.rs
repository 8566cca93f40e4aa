//! Programs and servers that are killed at any moment, under load.
//!
//! An answered request is an obligation: its record has to be in the store in
//! the end, once, as it was. `AUDIT_CHAOS_KILLS` and
//! `AUDIT_CHAOS_SERVER_KILLS` say how often the program and the database
//! server are killed.

mod judge;
mod load;

use std::time::{Duration, Instant};

use self::judge::Verdict;
use self::load::Load;
use crate::postgres::cluster::Cluster;
use crate::quickstart::program::Quickstart;

/// What `Journal` promises: a record is on disk so long after its answer, at the latest.
const WINDOW: Duration = Duration::from_millis(250);

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |value| value.parse().expect(name))
}

/// Runs the program under load and kills it again and again; `also` is done
/// before each round with the round's number.
async fn chaos(settings: &[(&str, &str)], kills: usize, mut also: impl FnMut(usize)) -> Verdict {
    let load = Load::start();
    let mut directory = tempfile::tempdir().unwrap();
    let mut killed_at = Vec::new();
    for round in 0..kills {
        also(round);
        let program = Quickstart::restart(directory, settings);
        load.aim_at(program.address);
        load.answered(fastrand::usize(50..1_000)).await;
        directory = program.kill();
        killed_at.push(Instant::now());
    }
    let mut claims = load.stop().await;
    let program = Quickstart::restart(directory, settings);
    // A fresh request still goes through.
    claims.push(load::one_more(program.address, claims.len()).await);
    let verdict = judge::judge(&program, &claims, &killed_at).await;
    let stopped = program.stop();
    assert!(
        stopped.last_line.ends_with(" pending=0"),
        "{}",
        stopped.last_line
    );
    verdict
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_killed_again_and_again_keeps_its_promise_with_sqlite() {
    let kills = setting("AUDIT_CHAOS_KILLS", 200) / 2;
    let settings = [("AUDIT_JOURNAL_DIR", "journal")];
    let verdict = chaos(&settings, kills, |_| {}).await;
    verdict.assert(kills);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_and_its_server_that_are_killed_again_and_again_keep_the_promise() {
    let kills = setting("AUDIT_CHAOS_KILLS", 200) / 2;
    let server_kills = setting("AUDIT_CHAOS_SERVER_KILLS", 20);
    let cluster = Cluster::start();
    let url = cluster.url("postgres");
    let settings = [
        ("AUDIT_JOURNAL_DIR", "journal"),
        ("AUDIT_DATABASE_URL", &*url),
    ];
    let mut killed = 0;
    // Down for one round in some, so that the program starts without it, too.
    let every = (kills / server_kills.max(1)).max(2);
    let verdict = chaos(&settings, kills, |round| {
        if round % every == 0 && round > 0 && killed < server_kills {
            cluster.crash();
            killed += 1;
            cluster.restart();
        }
    })
    .await;
    verdict.assert(kills);
    assert!(killed >= server_kills.min(kills / every), "{killed}");
}
