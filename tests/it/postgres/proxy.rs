//! A way to the server on which things go wrong where a test wants them to.
//!
//! It reads the messages of both sides
//! ([Message Formats](https://www.postgresql.org/docs/current/protocol-message-formats.html)),
//! so that a fault meets the very message that it is about, every time.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How all connections fare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Pass,
    /// They are taken, and nothing is passed on.
    Hold,
    /// A quarter of a kilobyte is passed on each millisecond.
    Slow,
}

/// What a trap waits for, on whichever connection that comes first.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// The client sends this part of a COPY, counted from one. Half of it is passed on.
    CopyData(usize),
    /// The client sends this statement.
    Statement(&'static str),
    /// The server has done what this command tag says, and is ready for
    /// more: so it is committed. Neither word is passed on.
    Done(&'static str),
}

/// What happens to the connection then.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    /// Nothing is passed on any more, and the end of neither side, until the release.
    Hold,
    /// Both sides are told that the other one has gone.
    Reset,
}

/// Stands between a store and its server, in the test's own runtime.
pub(super) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    server: u16,
    accepted: AtomicUsize,
    mode: watch::Sender<Mode>,
    /// One after the other.
    traps: Mutex<VecDeque<(When, Then)>>,
    /// How many have been caught, and how many of them may go on.
    caught: watch::Sender<usize>,
    released: watch::Sender<usize>,
}

impl Proxy {
    /// Listens, and passes on to the server at this port.
    pub(super) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            server,
            accepted: AtomicUsize::new(0),
            mode: watch::Sender::new(Mode::Pass),
            traps: Mutex::default(),
            caught: watch::Sender::new(0),
            released: watch::Sender::new(0),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { port, shared }
    }

    /// The server's address by this way, for connections of this name.
    pub(super) fn url(&self, name: &str) -> String {
        let port = self.port;
        format!(
            "postgres://postgres@127.0.0.1:{port}/postgres?sslmode=disable&application_name={name}"
        )
    }

    pub(super) fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
    }

    /// Lays a trap, which is armed once those before it have gone off.
    pub(super) fn catch(&self, when: When, then: Then) {
        self.shared.traps.lock().unwrap().push_back((when, then));
    }

    /// Waits until so many traps have gone off, from the first one on.
    pub(super) async fn caught(&self, traps: usize) {
        let mut caught = self.shared.caught.subscribe();
        let caught = caught.wait_for(|caught| *caught >= traps);
        let caught = tokio::time::timeout(Duration::from_secs(60), caught).await;
        assert!(caught.is_ok(), "the trap has not gone off");
    }

    /// Lets go on whoever has been caught so far.
    pub(super) fn release(&self) {
        self.shared
            .released
            .send_replace(*self.shared.caught.borrow());
    }

    /// How many connections there have been.
    pub(super) fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((mut client, _)) = listener.accept().await {
        shared.accepted.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // Where there is no server, the client is told by the end of the connection.
            let Ok(mut server) = TcpStream::connect(("127.0.0.1", shared.server)).await else {
                return;
            };
            for side in [&client, &server] {
                // What is passed on message by message would else wait for the other side's word.
                side.set_nodelay(true).unwrap();
            }
            if relay(&shared, &mut client, &mut server).await == End::Reset {
                for side in [client, server] {
                    side.set_zero_linger().unwrap();
                }
            }
        });
    }
}

/// How a connection ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Closed,
    Reset,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

async fn relay(shared: &Shared, client: &mut TcpStream, server: &mut TcpStream) -> End {
    let (client_reader, client_writer) = client.split();
    let (server_reader, server_writer) = server.split();
    // As which of those that were caught it is held; nobody is the noughth.
    let held = watch::Sender::new(0);
    let up = Pump {
        shared,
        held: &held,
        from: client_reader,
        to: server_writer,
        read: BytesMut::new(),
    };
    let down = Pump {
        shared,
        held: &held,
        from: server_reader,
        to: client_writer,
        read: BytesMut::new(),
    };
    let end = tokio::select! {
        end = up.client_to_server() => end,
        end = down.server_to_client() => end,
    };
    end.unwrap_or_else(|end| end)
}

/// One direction of a connection.
struct Pump<'a> {
    shared: &'a Shared,
    held: &'a watch::Sender<usize>,
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    read: BytesMut,
}

/// The bytes before a message's length.
const TYPE: usize = 1;
const SLOW_BYTES: usize = 256;

impl Pump<'_> {
    async fn client_to_server(mut self) -> Result<End, End> {
        // The first message has no type.
        if let Some(startup) = self.next(0).await {
            self.pass(&startup).await?;
        }
        let mut parts = 0;
        while let Some(message) = self.next(TYPE).await {
            match message[0] {
                b'B' => parts = 0,
                b'd' => parts += 1,
                _ => {}
            }
            let is_it = |when| match when {
                When::CopyData(part) => message[0] == b'd' && part == parts,
                When::Statement(text) => {
                    matches!(message[0], b'Q' | b'P') && contains(&message, text)
                }
                When::Done(_) => false,
            };
            if let Some((when, then)) = self.shared.take(is_it) {
                let half = match when {
                    When::CopyData(_) => message.len() / 2,
                    When::Statement(_) | When::Done(_) => 0,
                };
                self.pass(&message[..half]).await?;
                self.spring(then)?;
                self.pass(&message[half..]).await?;
            } else {
                self.pass(&message).await?;
            }
        }
        self.pass(&[]).await?;
        Ok(End::Closed)
    }

    async fn server_to_client(mut self) -> Result<End, End> {
        let mut withheld: Option<(Then, BytesMut)> = None;
        while let Some(message) = self.next(TYPE).await {
            if let Some((then, mut messages)) = withheld.take() {
                messages.extend_from_slice(&message);
                if message[0] == b'Z' {
                    self.spring(then)?;
                    self.pass(&messages).await?;
                } else {
                    withheld = Some((then, messages));
                }
                continue;
            }
            let is_it = |when| match when {
                When::Done(tag) => message[0] == b'C' && contains(&message, tag),
                When::CopyData(_) | When::Statement(_) => false,
            };
            match self.shared.take(is_it) {
                Some((_, then)) => withheld = Some((then, BytesMut::from(&message[..]))),
                None => self.pass(&message).await?,
            }
        }
        self.pass(&[]).await?;
        Ok(End::Closed)
    }

    /// The next message, whose length follows its type; `None` at the end.
    async fn next(&mut self, type_bytes: usize) -> Option<Bytes> {
        loop {
            let mut head = self.read.get(type_bytes..).unwrap_or_default();
            if head.len() >= 4 {
                let length = type_bytes + head.get_u32() as usize;
                if self.read.len() >= length {
                    return Some(self.read.split_to(length).freeze());
                }
            }
            if !matches!(self.from.read_buf(&mut self.read).await, Ok(1..)) {
                return None;
            }
        }
    }

    /// A trap has gone off on this connection.
    fn spring(&self, then: Then) -> Result<(), End> {
        self.shared.caught.send_modify(|caught| {
            *caught += 1;
            // Before anybody hears of it, and may release it.
            self.held.send_replace(*caught);
        });
        match then {
            Then::Hold => Ok(()),
            Then::Reset => Err(End::Reset),
        }
    }

    /// Passes bytes on, once they may pass.
    async fn pass(&mut self, bytes: &[u8]) -> Result<(), End> {
        let mut mode = self.shared.mode.subscribe();
        let mut released = self.shared.released.subscribe();
        loop {
            let closed = |_| End::Closed;
            mode.wait_for(|mode| *mode != Mode::Hold)
                .await
                .map_err(closed)?;
            let held = *self.held.borrow();
            released
                .wait_for(|released| *released >= held)
                .await
                .map_err(closed)?;
            if *mode.borrow() != Mode::Hold && *self.held.borrow() == held {
                break;
            }
        }
        if *mode.borrow() == Mode::Pass {
            return Ok(self.to.write_all(bytes).await?);
        }
        for piece in bytes.chunks(SLOW_BYTES) {
            self.to.write_all(piece).await?;
            if *mode.borrow() == Mode::Slow {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Ok(())
    }
}

impl Shared {
    /// Takes the armed trap if it is the one for this message.
    fn take(&self, is_it: impl Fn(When) -> bool) -> Option<(When, Then)> {
        let mut traps = self.traps.lock().unwrap();
        let (when, _) = traps.front()?;
        if is_it(*when) {
            traps.pop_front()
        } else {
            None
        }
    }
}

fn contains(message: &[u8], text: &str) -> bool {
    message
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
