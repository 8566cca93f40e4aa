//! A PostgreSQL server for the tests of this process.
//!
//! It is started by the first test that asks for it, in a new directory, and
//! stopped by a supervisor that notices the end of this process, however it
//! ends; statics are never dropped, so nothing in here could do that.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// The server of this process, started when first used.
pub(crate) static OWN: LazyLock<Cluster> = LazyLock::new(Cluster::start);

/// The URL of a database in which tests may create schemas and roles: of the
/// server that `AUDIT_TEST_DATABASE_URL` names, or else of [`OWN`].
pub(crate) fn database_url() -> String {
    std::env::var("AUDIT_TEST_DATABASE_URL").unwrap_or_else(|_| OWN.url("postgres"))
}

/// The URL of a new, empty database.
pub(crate) async fn own_database(name: &str) -> String {
    let url = database_url();
    let name = format!("{name}_{}", uuid::Uuid::new_v4().simple());
    execute(&url, &format!("CREATE DATABASE {name}")).await;
    let (address, parameters) = url.split_once('?').unwrap_or((&url, ""));
    let (server, _) = address.rsplit_once('/').expect("a URL with a database");
    format!("{server}/{name}?{parameters}")
}

/// Executes a statement in a database.
pub(crate) async fn execute(url: &str, statement: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("the server answers");
    tokio::spawn(connection);
    client.batch_execute(statement).await.expect(statement);
}

/// The path of one of the server's programs.
pub(crate) fn program(name: &str) -> PathBuf {
    programs().join(name)
}

/// A running server with these users, all in the database `postgres`:
/// `postgres`, who needs no password; `locked`, whose password is `open`;
/// `secured`, who may only come over TLS.
pub(crate) struct Cluster {
    port: u16,
    directory: PathBuf,
    /// Stops the server when its input closes, which happens with the end of this process.
    _supervisor: Child,
}

impl Cluster {
    /// The address of the server over TCP, without TLS unless the rest says otherwise.
    pub(crate) fn url(&self, user: &str) -> String {
        format!(
            "postgres://{user}@127.0.0.1:{}/postgres?sslmode=disable",
            self.port
        )
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The directory of the server's socket.
    pub(crate) fn socket(&self) -> &Path {
        &self.directory
    }

    /// What the server logs.
    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// The authority that signed the server's certificate, which is for `localhost` only.
    pub(crate) fn authority(&self) -> PathBuf {
        self.directory.join("authority.pem")
    }

    /// An authority that has nothing to do with the server.
    pub(crate) fn other_authority(&self) -> PathBuf {
        self.directory.join("other.pem")
    }

    /// Ends the server as a loss of power would end it, as far as a process can.
    pub(crate) fn crash(&self) {
        self.control(&["stop", "--mode", "immediate"]);
    }

    /// Starts the server again, and waits until it answers.
    pub(crate) fn restart(&self) {
        self.control(&["start", "--wait"]);
    }

    /// Starts the server again, as one that recovers and answers nobody before it is [promoted](Self::promote).
    pub(crate) fn restart_in_recovery(&self) {
        let signal = self.directory.join("data/standby.signal");
        fs::write(&signal, "").expect("a writable directory");
        User::of_server(Path::new("/proc/self")).own(&signal);
        self.control(&["start", "--wait", "--options", "-c hot_standby=off"]);
    }

    /// Ends the recovery, and waits until the server answers.
    pub(crate) fn promote(&self) {
        self.control(&["promote"]);
    }

    fn control(&self, arguments: &[&str]) {
        let user = User::of_server(Path::new("/proc/self"));
        let mut pg_ctl = user.command(&program("pg_ctl"));
        pg_ctl.args(arguments);
        pg_ctl.arg("--pgdata").arg(self.directory.join("data"));
        run(pg_ctl.arg("--log").arg(self.log()));
    }

    /// A server of its own, for tests that end it.
    pub(crate) fn start() -> Self {
        let programs = programs();
        let directory = tempfile::Builder::new()
            .prefix("tower-audit-")
            .tempdir()
            .expect("a temporary directory")
            .keep();
        let user = User::of_server(&directory);
        let supervisor = supervise(&programs, &directory, &user);
        let data = directory.join("data");
        user.own(&directory);

        let mut initdb = user.command(&programs.join("initdb"));
        initdb.args([
            "--no-sync",
            "--no-locale",
            "--encoding=UTF8",
            "--auth=trust",
        ]);
        run(initdb.arg("--username=postgres").arg(&data));
        write_certificates(&directory, &user);
        let port = configure(&directory, &data, &user);

        let mut pg_ctl = user.command(&programs.join("pg_ctl"));
        pg_ctl.arg("start").arg("--wait").arg("--pgdata").arg(&data);
        run(pg_ctl.arg("--log").arg(directory.join("log")));
        let mut psql = user.command(&programs.join("psql"));
        psql.arg("--host").arg(&directory);
        psql.arg("--port").arg(port.to_string());
        run(psql
            .args(["--username=postgres", "--no-psqlrc", "--command"])
            .arg("CREATE ROLE locked LOGIN PASSWORD 'open'; CREATE ROLE secured LOGIN SUPERUSER"));
        Self {
            port,
            directory,
            _supervisor: supervisor,
        }
    }
}

/// The directory of the server's programs.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for (parent, prefix, below) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
    ] {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let matching =
            entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
        let mut found: Vec<PathBuf> = matching.map(|entry| entry.path().join(below)).collect();
        // By number: 9.6 is older than 15.
        let version = |path: &PathBuf| -> Vec<u32> {
            let text = path.to_string_lossy();
            text.split(|byte: char| !byte.is_ascii_digit())
                .filter_map(|part| part.parse().ok())
                .collect()
        };
        found.sort_by_key(version);
        candidates.extend(found.into_iter().rev());
    }
    let complete = |directory: &PathBuf| {
        ["initdb", "pg_ctl", "postgres", "psql"]
            .iter()
            .all(|program| directory.join(program).is_file())
    };
    candidates.into_iter().find(complete).expect(
        "no PostgreSQL server found: run scripts/test, which installs one, or set AUDIT_TEST_DATABASE_URL",
    )
}

/// Who runs the server: this user, or an ordinary one in place of root.
struct User {
    ids: Option<(u32, u32)>,
}

impl User {
    fn of_server(own_directory: &Path) -> Self {
        let me = fs::metadata(own_directory).expect("the directory was just made");
        if me.uid() != 0 {
            return Self { ids: None };
        }
        let passwd = fs::read_to_string("/etc/passwd").expect("a list of users");
        let ids = |name: &str| {
            let line = passwd
                .lines()
                .find(|line| line.split(':').next() == Some(name))?;
            let mut fields = line.split(':').skip(2).map(str::parse);
            Some((fields.next()?.ok()?, fields.next()?.ok()?))
        };
        let ids = ids("postgres").or_else(|| ids("nobody"));
        Self {
            ids: Some(ids.expect("an ordinary user to run the server")),
        }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/");
        if let Some((user, group)) = self.ids {
            command.uid(user).gid(group);
        }
        command
    }

    fn own(&self, path: &Path) {
        if let Some((user, group)) = self.ids {
            chown(path, Some(user), Some(group)).expect("root may give files away");
        }
    }
}

/// Starts the process that ends the server once this one is gone.
fn supervise(programs: &Path, directory: &Path, user: &User) -> Child {
    let script = r#"
        trap '' HUP INT TERM
        read -r _
        "$1/pg_ctl" stop --mode immediate --pgdata "$2/data"
        rm -rf "$2"
    "#;
    let mut command = user.command(Path::new("/bin/sh"));
    command.arg("-c").arg(script).arg("supervisor");
    command.arg(programs).arg(directory);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    // Its own group, so that Ctrl-C does not end it before its work.
    command.process_group(0).spawn().expect("a shell")
}

fn write_certificates(directory: &Path, user: &User) {
    let authority = || {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        CertifiedIssuer::self_signed(parameters, key).expect("an authority")
    };
    let signer = authority();
    let key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new(["localhost".to_owned()])
        .and_then(|parameters| parameters.signed_by(&key, &signer))
        .expect("a certificate");
    for (name, text) in [
        ("authority.pem", signer.as_ref().pem()),
        ("other.pem", authority().as_ref().pem()),
        ("server.pem", server.pem()),
        ("server.key", key.serialize_pem()),
    ] {
        let path = directory.join(name);
        fs::write(&path, text).expect("a writable directory");
        user.own(&path);
        if name == "server.key" {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("own file");
        }
    }
}

fn configure(directory: &Path, data: &Path, user: &User) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    let place = directory.display();
    let settings = format!(
        "
        listen_addresses = '127.0.0.1'
        port = {port}
        unix_socket_directories = '{place}'
        hba_file = '{place}/hba'
        ssl = on
        ssl_cert_file = '{place}/server.pem'
        ssl_key_file = '{place}/server.key'
        fsync = off
        full_page_writes = off
        max_connections = 200
        shared_buffers = 64MB
        "
    );
    let rules = "
        local   all all trust
        host    all locked 127.0.0.1/32 scram-sha-256
        hostssl all secured 127.0.0.1/32 trust
        host    all secured 127.0.0.1/32 reject
        host    all all 127.0.0.1/32 trust
        ";
    let hba = directory.join("hba");
    fs::write(&hba, rules).expect("a writable directory");
    user.own(&hba);
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(data.join("postgresql.conf"))
        .expect("initdb made it");
    file.write_all(settings.as_bytes())
        .expect("a writable directory");
    port
}

fn run(command: &mut Command) {
    // Not `output()`: the server would inherit the pipe and keep it open.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let program = command.get_program().to_string_lossy().into_owned();
    let status = status.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(status.success(), "{program} failed: {status}");
}
