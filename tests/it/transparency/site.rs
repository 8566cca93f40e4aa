//! A server on a real socket, and a client that sees every byte of it.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tower::ServiceBuilder;
use tower_audit::AuditLayer;

use super::app::{Witness, cause};
use super::frames::{frames, has_ended};
use super::stack::{App, Stack};

/// Lines of a head that HTTP/1 lets through; hyper's own limit would hide what is behind it.
pub(super) const MAX_HEADERS: usize = 10_100;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// What a client does, in order. At the end it says that it has no more to
/// say (HTTP/2) or has said so (HTTP/1), and reads all that is left.
#[derive(Clone)]
pub(super) enum Step {
    Send(Vec<u8>),
    /// Reads until this has arrived.
    Until(&'static str),
    /// Reads until an HTTP/2 stream has ended.
    Ended(u32),
    /// Lets `/lockstep` make its next event.
    Grant,
    /// Waits for what the handler has seen.
    Seen,
    /// Sends no more.
    Finish,
    /// Is gone.
    HangUp,
}

/// All that shows of a connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Transcript {
    /// Lines of HTTP/1, frames of HTTP/2.
    pub(super) received: Vec<String>,
    seen: Vec<String>,
    /// How it ended for the server, unless the client is the one who ended it.
    connection: String,
}

/// One server and the ends of its connections.
pub(super) struct Site {
    protocol: Protocol,
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
    seen: mpsc::UnboundedReceiver<String>,
    ended: mpsc::UnboundedReceiver<String>,
}

impl Site {
    pub(super) async fn start(protocol: Protocol, stack: Stack, audit: Option<AuditLayer>) -> Self {
        let calls = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(Semaphore::new(0));
        let (sees, seen) = mpsc::unbounded_channel();
        let (ends, ended) = mpsc::unbounded_channel();
        let witness = Witness {
            calls: Arc::clone(&calls),
            gate: Arc::clone(&gate),
            seen: sees,
        };
        let app = stack(witness, audit);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serve(protocol, stream, app.clone());
                let ends = ends.clone();
                tokio::spawn(async move {
                    let end = AssertUnwindSafe(serving).catch_unwind().await;
                    let _ = ends.send(end.unwrap_or_else(|_| "panicked".to_owned()));
                });
            }
        });
        Self {
            protocol,
            address,
            calls,
            gate,
            seen,
            ended,
        }
    }

    /// How many requests have come through to the service.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Does what it is told and returns what shows of it.
    pub(super) async fn exchange(&mut self, steps: &[Step]) -> Transcript {
        let limit = Duration::from_secs(20);
        let transcript = tokio::time::timeout(limit, self.run(steps)).await;
        transcript.expect("the server does what the client waits for")
    }

    async fn run(&mut self, steps: &[Step]) -> Transcript {
        let mut client = Client::connect(self.address).await;
        let mut transcript = Transcript::default();
        let mut hung_up = false;
        for step in steps {
            match step {
                Step::Send(bytes) => client.send(bytes).await,
                Step::Until(text) => {
                    client
                        .read_until(|received| contains(received, text.as_bytes()))
                        .await;
                }
                Step::Ended(stream) => {
                    client
                        .read_until(|received| has_ended(received, *stream))
                        .await;
                }
                Step::Grant => self.gate.add_permits(1),
                Step::Seen => transcript.seen.extend(self.seen.recv().await),
                Step::Finish => client.finish().await,
                Step::HangUp => {
                    client.hang_up();
                    hung_up = true;
                }
            }
        }
        if self.protocol == Protocol::Http2 {
            client.finish().await;
        }
        client.read_until(|_| false).await;
        let connection = self.ended.recv().await.expect("a connection");
        if !hung_up {
            transcript.connection = connection;
        }
        transcript.received = match self.protocol {
            Protocol::Http1 => lines(&client.received),
            Protocol::Http2 => frames(&client.received),
        };
        transcript
    }
}

/// How a connection ends. What is compared may not depend on the time, hence no dates.
fn serve(protocol: Protocol, stream: TcpStream, app: App) -> BoxFuture<'static, String> {
    stream.set_nodelay(true).unwrap();
    let io = TokioIo::new(stream);
    let service = ServiceBuilder::new()
        .map_request(|request: Request<Incoming>| request.map(Body::new))
        .service(app);
    let service = TowerToHyperService::new(service);
    match protocol {
        Protocol::Http1 => http1::Builder::new()
            .auto_date_header(false)
            .max_headers(MAX_HEADERS)
            .serve_connection(io, service)
            .with_upgrades()
            .map(ended)
            .boxed(),
        Protocol::Http2 => http2::Builder::new(TokioExecutor::new())
            .auto_date_header(false)
            .serve_connection(io, service)
            .map(ended)
            .boxed(),
    }
}

fn ended(result: hyper::Result<()>) -> String {
    match result {
        Ok(()) => "closed".to_owned(),
        Err(error) => format!("{error}: {}", cause(&error)),
    }
}

struct Client {
    /// `None` once it has hung up.
    stream: Option<TcpStream>,
    received: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream: Some(stream),
            received: Vec::new(),
        }
    }

    /// A server that answers early may close before all is written, so errors do not count.
    async fn send(&mut self, bytes: &[u8]) {
        if let Some(stream) = &mut self.stream {
            let _ = stream.write_all(bytes).await;
        }
    }

    async fn finish(&mut self) {
        if let Some(stream) = &mut self.stream {
            let _ = stream.shutdown().await;
        }
    }

    fn hang_up(&mut self) {
        self.stream = None;
    }

    /// Reads until enough has arrived or the server has closed. Whether it
    /// did so by an end or a reset is up to what was left unread.
    async fn read_until(&mut self, enough: impl Fn(&[u8]) -> bool) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        while !enough(&self.received) {
            match stream.read_buf(&mut self.received).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines.map(|line| line.escape_ascii().to_string()).collect()
}
