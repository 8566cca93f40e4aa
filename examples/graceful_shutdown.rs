//! How a service ends without losing anything: requests in flight first, then
//! the records on their way, each within a time.
//!
//! ```sh
//! cargo run --example graceful_shutdown
//! ```
//!
//! Make requests to <http://127.0.0.1:3000/>, press Ctrl-C, and look at the
//! last line. With `AUDIT_JOURNAL_DIR` set, what the store does not take in
//! time waits on disk for the next start instead of being given up.
#![allow(clippy::print_stdout)]

use std::net::SocketAddr;
use std::time::Duration;

use axum::{Router, routing::get};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tower_audit::{Auditor, SqliteStore};

/// How long requests in flight may take to end.
const REQUESTS: Duration = Duration::from_secs(10);
/// How long the store may take for what is pending after that.
const RECORDS: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let auditor = Auditor::builder()
        .store(SqliteStore::open("graceful-shutdown.db").await?)
        .from_env()?
        .start()
        .await?;
    let app = Router::new()
        .route("/", get(|| async { "hello\n" }))
        .layer(auditor.layer());
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);

    // 1. At SIGTERM or Ctrl-C the server takes no more requests, and waits
    //    for those that it has; but not for ever, since a client may hold one open.
    let mut terminate = signal(SignalKind::terminate())?;
    let (stopping, stopped) = oneshot::channel();
    let stop = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        // Nobody listens if the server has ended by itself.
        _ = stopping.send(());
    };
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        result = axum::serve(listener, service).with_graceful_shutdown(stop) => result?,
        () = async { _ = stopped.await; tokio::time::sleep(REQUESTS).await } => {
            println!("some requests did not end in time");
        }
    }

    // 2. No record is made any more, so the trail can be closed: it stores
    //    what is pending, or leaves it to the journal when the time is over.
    let result = auditor.shutdown(RECORDS).await;
    println!("{}", auditor.stats());
    match result {
        Ok(stats) if stats.pending > 0 => {
            println!(
                "{} records wait in the journal for the next start",
                stats.pending
            );
        }
        Ok(_) => println!("everything is stored"),
        // Without a journal this is what an outage at the end costs; the log says so, too.
        Err(error) => println!("{error}"),
    }
    Ok(())
}
