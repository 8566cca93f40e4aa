//! Requests, each with a number of its own, and which of them were answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

const CLIENTS: usize = 4;

/// After that a request counts as not answered.
const LONGEST: Duration = Duration::from_secs(10);

/// A request that was sent once.
pub(super) struct Claim {
    pub(super) number: usize,
    /// Which of the programs it was sent to: the first one is 0.
    pub(super) program: usize,
    pub(super) answered_at: Option<Instant>,
}

impl Claim {
    /// What the record's request id has to be.
    pub(super) fn request_id(&self) -> String {
        request_id(self.number)
    }

    pub(super) fn path(&self) -> String {
        format!("/orders/{}", self.number)
    }
}

/// Derived from the number, so that a record cannot be altered without it showing.
fn request_id(number: usize) -> String {
    let check = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{number}-{check:016x}")
}

/// A program, and which one it is.
type Target = (usize, SocketAddr);

/// Clients that send one request after another to wherever they are aimed.
pub(super) struct Load {
    shared: Arc<Shared>,
    aim: watch::Sender<Option<Target>>,
    clients: Vec<JoinHandle<Vec<Claim>>>,
}

#[derive(Default)]
struct Shared {
    next: AtomicUsize,
    answered: AtomicUsize,
    progress: Notify,
}

impl Load {
    pub(super) fn start() -> Self {
        let shared = Arc::<Shared>::default();
        let (aim, target) = watch::channel(None);
        let clients = (0..CLIENTS)
            .map(|_| tokio::spawn(send(Arc::clone(&shared), target.clone())))
            .collect();
        Self {
            shared,
            aim,
            clients,
        }
    }

    pub(super) fn aim_at(&self, program: usize, address: SocketAddr) {
        self.aim.send_replace(Some((program, address)));
    }

    /// Waits for so many answers more.
    pub(super) async fn answered(&self, more: usize) {
        let target = self.shared.answered.load(Ordering::Relaxed) + more;
        while self.shared.answered.load(Ordering::Relaxed) < target {
            self.shared.progress.notified().await;
        }
    }

    /// Ends it, once nobody answers any more, and gives all that was sent.
    pub(super) async fn stop(self) -> Vec<Claim> {
        drop(self.aim);
        let mut claims = Vec::new();
        for client in self.clients {
            claims.extend(client.await.unwrap());
        }
        claims
    }
}

async fn send(shared: Arc<Shared>, mut target: watch::Receiver<Option<Target>>) -> Vec<Claim> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut claims = Vec::new();
    loop {
        let current = *target.borrow_and_update();
        while let Some((program, address)) = current {
            let number = shared.next.fetch_add(1, Ordering::Relaxed);
            let is_answered = request(&client, address, number).await;
            claims.push(Claim {
                number,
                program,
                answered_at: is_answered.then(Instant::now),
            });
            if !is_answered {
                break;
            }
            shared.answered.fetch_add(1, Ordering::Relaxed);
            shared.progress.notify_one();
        }
        // Nobody is there any more: wait for the next one. The end comes with the sender's.
        if target.changed().await.is_err() {
            return claims;
        }
    }
}

async fn request(client: &Client<HttpConnector, Body>, address: SocketAddr, number: usize) -> bool {
    let request = Request::get(format!("http://{address}/orders/{number}"))
        .header("x-request-id", request_id(number))
        .body(Body::empty())
        .unwrap();
    let answered = async {
        let response = client.request(request).await.ok()?;
        response.into_body().collect().await.ok()
    };
    // A program that is killed may leave its client without an error.
    let answered = tokio::time::timeout(LONGEST, answered).await;
    answered.is_ok_and(|answer| answer.is_some())
}

/// Sends a request of its own.
pub(super) async fn one_more(program: usize, address: SocketAddr, number: usize) -> Claim {
    let client = Client::builder(TokioExecutor::new()).build_http();
    // Behind all that were claimed.
    let number = number + 1_000_000_000;
    assert!(request(&client, address, number).await);
    Claim {
        number,
        program,
        answered_at: Some(Instant::now()),
    }
}
