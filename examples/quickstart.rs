//! A small shop with an audit trail. Run it, make requests, look at the trail:
//!
//! ```sh
//! cargo run --example quickstart
//! ```
//!
//! | Variable | Meaning | Default |
//! |---|---|---|
//! | `PORT` | where to listen, on 127.0.0.1 | `3000` |
//! | `AUDIT_DATABASE_URL` | `sqlite:PATH` or `postgres://…` | `sqlite:audit-quickstart.db` |
//! | `AUDIT_PASSWORD` | the password of the user `admin` | a random one |
//! | `AUDIT_JOURNAL_DIR` | a directory for the journal, which outlives an outage and a kill | none |
//! | `AUDIT_DURABILITY` | `memory`, `spill`, `journal` or `synced:1s` | `journal` with a directory |
//!
//! Besides it takes what `AuditorBuilder::from_env` takes, such as `AUDIT_QUEUE_BYTES`.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio_stream::StreamExt;
use tower_audit::admin::BasicAuth;
use tower_audit::{
    Actor, AuditContext, Auditor, Change, Kind, PostgresStore, ResponseBodies, SqliteStore,
};

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {}", sentence(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let port = port()?;
    let url = variable("AUDIT_DATABASE_URL")?;
    let url = url.unwrap_or_else(|| "sqlite:audit-quickstart.db".into());
    let password = password()?;

    let builder = Auditor::builder().from_env()?;
    let builder = if let Some(path) = url.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
        builder.store(SqliteStore::open(path).await?)
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let store = match PostgresStore::connect(&url).await {
            // With a journal the shop opens without its database: records wait on disk.
            Err(error) if error.is_transient() && variable("AUDIT_JOURNAL_DIR")?.is_some() => {
                tracing::warn!(%error, "the audit database is away; records go to the journal");
                PostgresStore::open(&url)?
            }
            result => result?,
        };
        builder.store(store)
    } else {
        return Err("AUDIT_DATABASE_URL must be sqlite:PATH or postgres://…".into());
    };
    let auditor = builder.start().await?;

    let app = Router::new()
        .route("/login", post(login))
        .route("/orders", post(create_order))
        .route("/orders/{id}", get(show_order).put(update_order))
        .route("/echo", post(echo))
        .route("/stream", get(stream))
        .route("/slow", get(slow))
        .route("/boom", get(boom))
        .layer(auditor.layer().response_bodies(ResponseBodies::Always))
        // Added after the layer, so it is not audited.
        .route("/health", get(|| async { "ok\n" }))
        .nest_service("/audit", auditor.router(BasicAuth::new("admin", &password)))
        .with_state(Orders::default());

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| format!("port {port} cannot be used, set PORT to another one: {error}"))?;
    let (stop, stopped) = stop_signal()?;
    greet(listener.local_addr()?, &password);
    let server = axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    );
    tokio::select! {
        result = server.with_graceful_shutdown(stop) => result?,
        // Requests in flight may end, but not keep the program from ending.
        () = async { _ = stopped.await; tokio::time::sleep(GRACE).await } => {}
    }

    let result = auditor.shutdown(GRACE).await;
    // Whoever has read the output may be gone by now.
    _ = writeln!(std::io::stdout(), "{}", auditor.stats());
    result?;
    Ok(())
}

#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
}

async fn login(audit: AuditContext, Json(login): Json<Login>) -> StatusCode {
    audit
        .kind(Kind::Auth)
        .action("login")
        .actor(Actor::user(&login.username));
    if login.password == "open sesame" {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::UNAUTHORIZED
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    item: String,
    #[serde(default = "one")]
    count: u32,
}

fn one() -> u32 {
    1
}

#[derive(Clone, Default)]
struct Orders(Arc<Mutex<BTreeMap<u64, Order>>>);

impl Orders {
    fn with<T>(&self, run: impl FnOnce(&mut BTreeMap<u64, Order>) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn create_order(
    audit: AuditContext,
    State(orders): State<Orders>,
    Json(order): Json<Order>,
) -> Result<Response, Problem> {
    let id = orders.with(|orders| {
        let id = orders.keys().next_back().map_or(1, |last| last + 1);
        orders.insert(id, order.clone());
        id
    });
    audit.action("order.create").resource("order", id);
    audit.change(Change::created("order", id, &order)?);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, format!("/orders/{id}"))],
        Json(order),
    )
        .into_response())
}

async fn update_order(
    audit: AuditContext,
    State(orders): State<Orders>,
    Path(id): Path<u64>,
    Json(order): Json<Order>,
) -> Result<Response, Problem> {
    audit.action("order.update").resource("order", id);
    let before = orders.with(|orders| Some(std::mem::replace(orders.get_mut(&id)?, order.clone())));
    let Some(before) = before else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    audit.change(Change::updated("order", id, &before, &order)?);
    Ok(Json(order).into_response())
}

async fn show_order(
    audit: AuditContext,
    State(orders): State<Orders>,
    Path(id): Path<u64>,
) -> Response {
    audit.action("order.read").resource("order", id);
    match orders.with(|orders| orders.get(&id).cloned()) {
        Some(order) => Json(order).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn echo(headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    if let Some(content_type) = headers.get(header::CONTENT_TYPE) {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type.clone());
    }
    response
}

async fn stream() -> impl IntoResponse {
    let ticks = tokio::time::interval(Duration::from_millis(200));
    let events = tokio_stream::wrappers::IntervalStream::new(ticks)
        .take(5)
        .map(|_| Ok::<_, Infallible>(Event::default().event("tick").data("one more")));
    Sse::new(events)
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_secs(2)).await;
    "at last\n"
}

async fn boom() {
    panic!("boom");
}

/// What went wrong inside; the client only learns that something did.
struct Problem(tower_audit::Error);

impl From<tower_audit::Error> for Problem {
    fn from(error: tower_audit::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        tracing::error!(error = %self.0, "a change could not be described");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

/// A variable of the environment, if it is set.
fn variable(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(format!("{name} must be UTF-8").into()),
    }
}

fn port() -> Result<u16, Failure> {
    let Some(port) = variable("PORT")? else {
        return Ok(3000);
    };
    port.parse()
        .map_err(|_| "PORT must be a number from 0 to 65535".into())
}

fn password() -> Result<String, Failure> {
    let Some(password) = variable("AUDIT_PASSWORD")? else {
        return Ok(uuid::Uuid::new_v4().simple().to_string());
    };
    if password.is_empty() {
        return Err(
            "AUDIT_PASSWORD is empty: set a password, or unset it to get a random one".into(),
        );
    }
    if password.contains(char::is_control) {
        return Err(
            "AUDIT_PASSWORD must not hold control characters, such as the end of a line".into(),
        );
    }
    Ok(password)
}

fn greet(address: SocketAddr, password: &str) {
    // A password that was chosen is known to who chose it, and no business of a log.
    let password = env::var("AUDIT_PASSWORD").map_or(password, |_| "$AUDIT_PASSWORD");
    println!(
        "listening on http://{address}, the audit trail is at http://{address}/audit (user admin)"
    );
    println!("try:");
    println!(
        "  curl -i http://{address}/login -H 'content-type: application/json' -d '{{\"username\":\"ada\",\"password\":\"open sesame\"}}'"
    );
    println!(
        "  curl -i http://{address}/orders -H 'content-type: application/json' -d '{{\"item\":\"tea\",\"count\":2}}'"
    );
    // A record is there a moment after its request.
    println!(
        "  sleep 1; curl -s -u \"admin:{password}\" 'http://{address}/audit/api/events?last=1h'"
    );
}

/// How long requests in flight, and then records on their way, are waited for at the end.
const GRACE: Duration = Duration::from_secs(10);

/// A future that is ready at SIGTERM or Ctrl-C, and one that is ready once the first one is.
fn stop_signal() -> Result<(impl Future<Output = ()>, oneshot::Receiver<()>), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (stopping, stopped) = oneshot::channel();
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        // Nobody listens if the server has ended by itself.
        _ = stopping.send(());
    };
    Ok((stop, stopped))
}

/// An error and its causes in one line.
fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}
