//! Programs of the system that bring a fault about.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::LazyLock;

use super::in_time;
use crate::quickstart::program::Quickstart;

/// The flags by which `unshare` gives a place where mounts may be made, and `nsenter` enters it.
static NAMESPACE: LazyLock<(&str, &[&str])> = LazyLock::new(|| {
    let works = |flags: &str| {
        let status = Command::new("unshare")
            .args([flags, "mount", "-t", "tmpfs", "none", "/mnt"])
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    // As root, or in a user namespace where that is allowed.
    if works("-m") {
        ("-m", &["-m"])
    } else if works("-Urm") {
        ("-Urm", &["-U", "-m", "--preserve-credentials"])
    } else {
        panic!(
            "these tests mount file systems in a namespace of their own: run them as root, or where \
             `unshare -Urm mount -t tmpfs none /mnt` is allowed"
        );
    }
});

/// Starts the program in a namespace of its own, after a command there.
pub(super) fn start_behind(
    command: &str,
    directory: tempfile::TempDir,
    settings: &[(&str, &str)],
) -> Quickstart {
    let shell = format!("{command} && exec \"$0\" \"$@\"");
    let wrapper = ["unshare", NAMESPACE.0, "sh", "-c", &shell];
    Quickstart::restart_by(&wrapper, directory, settings)
}

/// Runs the program to its end likewise, and returns whether it ended well and what it said.
pub(super) fn run_behind(
    command: &str,
    directory: &Path,
    settings: &[(&str, &str)],
) -> (bool, String) {
    let program = crate::quickstart::program::command();
    let output = Command::new("unshare")
        .args([
            NAMESPACE.0,
            "sh",
            "-c",
            &format!("{command} && exec \"$0\""),
        ])
        .arg(program.get_program())
        .current_dir(directory)
        .env("PORT", "0")
        .env("AUDIT_PASSWORD", "a password for the trail")
        .envs(settings.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), said)
}

/// Runs a command in the namespace of the program.
pub(super) fn run_beside(app: &Quickstart, command: &str) {
    let status = Command::new("nsenter")
        .args(["-t", &app.id().to_string()])
        .args(NAMESPACE.1)
        .args(["sh", "-c", command])
        .status()
        .unwrap();
    assert!(status.success(), "{command}");
}

/// Calls of a running program that fail from now on, as told.
pub(super) struct Tracer {
    strace: Child,
    /// Open for as long as it may say something: it would end otherwise.
    _said: BufReader<ChildStderr>,
    log: PathBuf,
}

impl Tracer {
    /// Makes calls fail that have to do with this file, such as
    /// `fdatasync:error=EIO:when=1`.
    pub(super) fn inject(app: &Quickstart, file: &Path, fault: &str) -> Self {
        let log = app.directory.path().join("calls");
        let call = fault.split(':').next().unwrap();
        let mut strace = Command::new("strace")
            .args(["-f", "-p", &app.id().to_string(), "-o"])
            .arg(&log)
            .arg("-P")
            .arg(file)
            .args(["-e", &format!("trace={call}")])
            .args(["-e", &format!("inject={fault}")])
            .stderr(Stdio::piped())
            .spawn()
            .expect("these tests need strace: install it, as scripts/test does");
        let mut said = String::new();
        let mut lines = BufReader::new(strace.stderr.take().unwrap());
        while !said.contains("attached") {
            let read = lines.read_line(&mut said).unwrap();
            assert!(
                read > 0,
                "these tests need the right to trace a process (ptrace): {said}"
            );
        }
        Self {
            strace,
            _said: lines,
            log,
        }
    }

    /// The calls that were seen. To be asked for once the program has ended.
    pub(super) async fn calls(mut self) -> Vec<String> {
        in_time("strace ends with the program", async {
            while self.strace.try_wait().unwrap().is_none() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let log = std::fs::read_to_string(&self.log).unwrap();
        let calls = log.lines().filter(|line| line.contains('('));
        calls.map(str::to_owned).collect()
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // It ends with the program it traces, unless the test has failed.
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}
