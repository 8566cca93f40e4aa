//! A running quickstart.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

pub(crate) const PASSWORD: &str = "a password for the trail";

pub(crate) struct Quickstart {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
    pub(crate) directory: tempfile::TempDir,
    client: Client<HttpConnector, Body>,
}

/// The program, with its environment emptied of what it listens to.
pub(crate) fn command() -> Command {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(2).unwrap();
    let program = target.join("examples/quickstart");
    assert!(
        program.exists(),
        "the quickstart is not built: run `cargo build --examples` first"
    );
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name == "PORT" || name.as_encoded_bytes().starts_with(b"AUDIT_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the program to its end, for cases in which it does not start.
pub(crate) fn run(settings: &[(&str, &str)]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    command()
        .current_dir(&directory)
        .envs(settings.iter().copied())
        .output()
        .unwrap()
}

/// How long to wait for a program that runs by a clock of its own, and limits how often it is asked.
const POLL: std::time::Duration = std::time::Duration::from_millis(20);

impl Quickstart {
    /// Starts it over the database of this URL; over its own file if there is none.
    pub(crate) fn start(url: Option<&str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = File::create(directory.path().join("log")).unwrap();
        let mut command = command();
        command
            .current_dir(&directory)
            .env("PORT", "0")
            .env("AUDIT_PASSWORD", PASSWORD);
        if let Some(url) = url {
            command.env("AUDIT_DATABASE_URL", url);
        }
        Self::run(command, log, directory)
    }

    /// Starts it again with the files that an earlier one has left.
    pub(crate) fn restart(directory: tempfile::TempDir, settings: &[(&str, &str)]) -> Self {
        let log = log_in(&directory);
        let mut command = command();
        command
            .current_dir(&directory)
            .env("PORT", "0")
            .env("AUDIT_PASSWORD", PASSWORD)
            .envs(settings.iter().copied());
        Self::run(command, log, directory)
    }

    /// As [`restart`](Self::restart), by way of a command that ends by executing it.
    #[cfg(target_os = "linux")]
    pub(crate) fn restart_by(
        wrapper: &[&str],
        directory: tempfile::TempDir,
        settings: &[(&str, &str)],
    ) -> Self {
        let log = log_in(&directory);
        let program = command();
        let mut command = Command::new(wrapper[0]);
        for (name, value) in program.get_envs() {
            assert!(value.is_none(), "the program's environment is only emptied");
            command.env_remove(name);
        }
        command
            .args(&wrapper[1..])
            .arg(program.get_program())
            .current_dir(&directory)
            .env("PORT", "0")
            .env("AUDIT_PASSWORD", PASSWORD)
            .envs(settings.iter().copied());
        Self::run(command, log, directory)
    }

    fn run(mut command: Command, log: File, directory: tempfile::TempDir) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line
            .strip_prefix("listening on http://")
            .and_then(|rest| rest.split(',').next()?.parse().ok())
            .unwrap_or_else(|| {
                panic!(
                    "the quickstart did not start: {line}{}",
                    log_of(directory.path())
                )
            });
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self {
            child,
            stdout,
            address,
            directory,
            client,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Result<(StatusCode, Bytes), ()> {
        let (mut head, body) = request.into_parts();
        let target = head.uri.to_string();
        head.uri = format!("http://{}{target}", self.address).parse().unwrap();
        let request = Request::from_parts(head, body);
        let response = self.client.request(request).await.map_err(drop)?;
        let status = response.status();
        Ok((
            status,
            response
                .into_body()
                .collect()
                .await
                .map_err(drop)?
                .to_bytes(),
        ))
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Bytes) {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    pub(crate) async fn json(&self, method: &str, path: &str, body: &str) -> (StatusCode, Bytes) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()));
        self.send(request.unwrap()).await.unwrap()
    }

    /// What the trail answers to its administrator.
    pub(crate) async fn trail(&self, path: &str) -> Value {
        let credentials = STANDARD.encode(format!("admin:{PASSWORD}"));
        loop {
            let request = Request::get(format!("/audit/api{path}"))
                .header(header::AUTHORIZATION, format!("Basic {credentials}"))
                .body(Body::empty());
            let (status, body) = self.send(request.unwrap()).await.unwrap();
            if status != StatusCode::TOO_MANY_REQUESTS {
                assert_eq!(status, StatusCode::OK, "{path}");
                return serde_json::from_slice(&body).unwrap();
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The records that pass a filter, oldest first, as soon as there are as many as expected.
    pub(crate) async fn records(&self, filter: &str, count: usize) -> Vec<Value> {
        let found = async {
            loop {
                let list = self.trail(&format!("/events?limit=500&{filter}")).await;
                let items = list["items"].as_array().unwrap();
                assert!(items.len() <= count, "{filter}: {list:#}");
                if items.len() == count {
                    return items.iter().rev().cloned().collect();
                }
                tokio::time::sleep(POLL).await;
            }
        };
        let limit = std::time::Duration::from_secs(30);
        tokio::time::timeout(limit, found)
            .await
            .unwrap_or_else(|_| panic!("{count} records of {filter}"))
    }

    pub(crate) async fn detail(&self, record: &Value) -> Value {
        self.trail(&format!("/events/{}", record["id"].as_str().unwrap()))
            .await
    }

    /// A number of the kernel's, in KiB, such as `VmHWM`.
    pub(crate) fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// The number of its process.
    #[cfg(target_os = "linux")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far.
    #[cfg(target_os = "linux")]
    pub(crate) fn log(&self) -> String {
        log_of(self.directory.path())
    }

    /// Waits for its end, and returns how that came with its files.
    #[cfg(target_os = "linux")]
    pub(crate) fn ended(mut self) -> (std::process::ExitStatus, tempfile::TempDir) {
        let status = self.child.wait().unwrap();
        (status, self.take_directory())
    }

    /// Ends it by SIGKILL, and returns its files.
    pub(crate) fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.take_directory()
    }

    fn take_directory(&mut self) -> tempfile::TempDir {
        std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap())
    }

    /// Sends SIGTERM and returns the last line and where its files are.
    pub(crate) fn stop(mut self) -> Stopped {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(&pid).status().unwrap().success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert!(
            self.child.wait().unwrap().success(),
            "{}",
            log_of(self.directory.path())
        );
        let directory = self.take_directory();
        Stopped {
            last_line: rest.lines().last().unwrap_or_default().to_owned(),
            log: log_of(directory.path()),
            directory,
        }
    }
}

impl Drop for Quickstart {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct Stopped {
    pub(crate) last_line: String,
    pub(crate) log: String,
    pub(crate) directory: tempfile::TempDir,
}

impl Stopped {
    /// The files that the program has left, but for its log.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.directory).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        files.filter(|path| !path.ends_with("log")).collect()
    }
}

fn log_in(directory: &tempfile::TempDir) -> File {
    let mut options = File::options();
    options.append(true).create(true);
    options.open(directory.path().join("log")).unwrap()
}

fn log_of(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("log")).unwrap()
}
