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

/// A record is on disk so long after its answer, at the latest: some
/// milliseconds, if the writer's thread gets its share of the machine. Here
/// it shares two processors with a load, a server and other tests, in a debug
/// build, where over a second was seen.
const WINDOW: Duration = Duration::from_secs(5);

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |value| value.parse().expect(name))
}

/// The database server, and how often it is killed.
struct Server {
    cluster: Cluster,
    kills: usize,
    is_down: bool,
}

impl Server {
    /// Kills the server now and then, and lets it come back within this round or later.
    async fn trouble(&mut self, load: &Load, rounds_left: usize) {
        if self.is_down && (fastrand::bool() || 2 * self.kills >= rounds_left) {
            self.restart();
        }
        let is_due = fastrand::usize(..rounds_left) < self.kills;
        if is_due && !self.is_down {
            self.cluster.crash();
            self.kills -= 1;
            self.is_down = true;
            load.answered(fastrand::usize(50..300)).await;
            if fastrand::bool() {
                self.restart();
            }
        }
    }

    fn restart(&mut self) {
        self.cluster.restart();
        self.is_down = false;
    }
}

/// Runs the program under load and kills it again and again.
async fn chaos(
    settings: &[(&str, &str)],
    kills: usize,
    mut server: Option<&mut Server>,
) -> Verdict {
    let load = Load::start();
    let mut directory = tempfile::tempdir().unwrap();
    let mut killed_at = Vec::new();
    for round in 0..kills {
        let program = Quickstart::restart(directory, settings);
        load.aim_at(program.address);
        load.answered(fastrand::usize(50..500)).await;
        if let Some(server) = &mut server {
            server.trouble(&load, kills - round).await;
        }
        load.answered(fastrand::usize(1..500)).await;
        directory = program.kill();
        killed_at.push(Instant::now());
    }
    if let Some(server) = server.filter(|server| server.is_down) {
        server.restart();
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
    let kills = setting("AUDIT_CHAOS_KILLS", 200) / 4;
    let settings = [("AUDIT_JOURNAL_DIR", "journal")];
    let verdict = chaos(&settings, kills, None).await;
    verdict.assert(kills);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strict_program_that_is_killed_again_and_again_loses_no_answered_request() {
    let kills = setting("AUDIT_CHAOS_KILLS", 200) / 4;
    let settings = [
        ("AUDIT_JOURNAL_DIR", "journal"),
        ("AUDIT_DURABILITY", "strict"),
    ];
    let verdict = chaos(&settings, kills, None).await;
    verdict.assert(kills);
    verdict.assert_nothing_lost();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_and_its_server_that_are_killed_again_and_again_keep_the_promise() {
    let kills = setting("AUDIT_CHAOS_KILLS", 200) / 2;
    let server_kills = setting("AUDIT_CHAOS_SERVER_KILLS", 20);
    let mut server = Server {
        cluster: Cluster::start(),
        kills: server_kills,
        is_down: false,
    };
    let url = server.cluster.url("postgres");
    let settings = [
        ("AUDIT_JOURNAL_DIR", "journal"),
        ("AUDIT_DATABASE_URL", &*url),
    ];
    let verdict = chaos(&settings, kills, Some(&mut server)).await;
    verdict.assert(kills);
    assert_eq!(server.kills, 0, "the server was killed as often");
}
