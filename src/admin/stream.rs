//! Bodies that are written while they are sent.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::Frame;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The parts that may wait for the client.
const MAX_WAITING: usize = 2;

/// A body, and where its parts go.
pub(super) fn stream(patience: Duration) -> (Outlet, Body) {
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    let outlet = Outlet { sender, patience };
    (outlet, Body::new(Parts { receiver }))
}

/// The writing end of a body. Dropped without [`finish`](Self::finish), it
/// breaks the connection, so that nobody takes what came for the whole.
pub(super) struct Outlet {
    sender: mpsc::Sender<Part>,
    patience: Duration,
}

enum Part {
    Data(Bytes),
    End,
}

/// The client has gone, or took nothing for too long.
#[derive(Debug)]
pub(super) struct Gone;

impl Outlet {
    /// Hands over a part, as soon as there is room for it.
    pub(super) async fn send(&self, data: impl Into<Bytes>) -> Result<(), Gone> {
        let data = data.into();
        if data.is_empty() {
            return Ok(());
        }
        self.put(Part::Data(data)).await
    }

    /// Ends the body as a whole one.
    pub(super) async fn finish(self) -> Result<(), Gone> {
        self.put(Part::End).await
    }

    /// Returns once nobody reads the body any more.
    pub(super) async fn gone(&self) {
        self.sender.closed().await;
    }

    async fn put(&self, part: Part) -> Result<(), Gone> {
        match timeout(self.patience, self.sender.send(part)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}

struct Parts {
    receiver: mpsc::Receiver<Part>,
}

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        Poll::Ready(match ready!(self.receiver.poll_recv(context)) {
            Some(Part::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Part::End) => None,
            None => Some(Err(BrokenOff)),
        })
    }
}

/// The body ends here, but not because it is whole.
#[derive(Debug)]
struct BrokenOff;

impl fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body was broken off")
    }
}

impl std::error::Error for BrokenOff {}
