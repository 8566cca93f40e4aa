//! Opening connections.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Config, Statement};

use super::error;
use super::tls::{self, Tls};
use super::url::{Security, Target};
use crate::Error;
use crate::store::rollup::Ledger;

const NAME: &str = "tower-audit";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;

/// Takes the payload of each notification.
pub(super) type Hear = Arc<dyn Fn(&str) + Send + Sync>;

/// Opens connections to one database, for one purpose.
#[derive(Clone)]
pub(super) struct Connector {
    config: Config,
    modes: &'static [SslMode],
    tls: Tls,
}

/// An open connection, closed when dropped, whatever it is doing then.
pub(super) struct Connection {
    pub(super) client: Client,
    /// The statement that starts a COPY, once it is prepared.
    pub(super) copy: Option<Statement>,
    /// The rollups that were written on it.
    pub(super) ledger: Ledger,
    task: JoinHandle<()>,
}

impl Connector {
    pub(super) fn new(target: Target) -> Result<Self, Error> {
        let Target {
            mut config,
            security,
        } = target;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_keepalives_interval().is_none() {
            config.keepalives_interval(KEEPALIVE_INTERVAL);
        }
        if config.get_keepalives_retries().is_none() {
            config.keepalives_retries(KEEPALIVE_RETRIES);
        }
        config.keepalives_idle(config.get_keepalives_idle().min(KEEPALIVE_IDLE));
        Ok(Self {
            config,
            modes: modes(&security),
            tls: tls::tls(&security)?,
        })
    }

    /// The same for one purpose, which the server's lists of connections show.
    pub(super) fn named(&self, purpose: &str) -> Self {
        let mut named = self.clone();
        let application = self.config.get_application_name().unwrap_or(NAME);
        named
            .config
            .application_name(format!("{application} {purpose}"));
        named
    }

    /// The same with a setting for the whole session.
    pub(super) fn with(&self, setting: &str, value: impl std::fmt::Display) -> Self {
        let mut with = self.clone();
        let before = self.config.get_options().unwrap_or_default();
        with.config
            .options(format!("{before} -c {setting}={value}").trim());
        with
    }

    /// Opens a connection that lives in the runtime of the caller.
    pub(super) async fn open(&self) -> Result<Connection, Error> {
        self.open_with(None).await
    }

    /// The same for a connection that listens.
    pub(super) async fn open_to_hear(&self, hear: Hear) -> Result<Connection, Error> {
        self.open_with(Some(hear)).await
    }

    async fn open_with(&self, hear: Option<Hear>) -> Result<Connection, Error> {
        let failure = match timeout(self.patience(), self.try_modes(hear)).await {
            Ok(Ok((client, task))) => {
                return Ok(Connection {
                    client,
                    copy: None,
                    ledger: Ledger::default(),
                    task,
                });
            }
            Ok(Err(failure)) => Some(failure),
            Err(_elapsed) => None,
        };
        Err(error::connecting(failure, &self.config))
    }

    /// How long opening a connection may take. What is configured is for
    /// each socket; the handshakes come on top.
    pub(super) fn patience(&self) -> Duration {
        let socket = self.config.get_connect_timeout().copied();
        let hosts = self.config.get_hosts().len().max(1) as u32;
        let sockets = socket.unwrap_or(CONNECT_TIMEOUT).saturating_mul(hosts);
        sockets.saturating_add(CONNECT_TIMEOUT)
    }

    /// The connection and the task that drives it, in the modes that the security allows.
    pub(super) async fn try_modes(
        &self,
        hear: Option<Hear>,
    ) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        let (last, earlier) = self
            .modes
            .split_last()
            .expect("every security has at least one mode");
        for mode in earlier {
            match self.try_mode(*mode, hear.clone()).await {
                Ok(open) => return Ok(open),
                // A wrong password stays wrong; only what TLS may change is tried again.
                Err(failure)
                    if failure.code().is_some_and(|code| {
                        *code != SqlState::INVALID_AUTHORIZATION_SPECIFICATION
                    }) =>
                {
                    return Err(failure);
                }
                Err(_) => {}
            }
        }
        self.try_mode(*last, hear).await
    }

    async fn try_mode(
        &self,
        mode: SslMode,
        hear: Option<Hear>,
    ) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        let mut config = self.config.clone();
        config.ssl_mode(mode);
        let (client, mut connection) = config.connect(Tls::clone(&self.tls)).await?;
        let task = tokio::spawn(async move {
            // The statement that was under way gets the same error; this
            // one is for connections that end while nobody uses them.
            let driven = async {
                while let Some(message) = poll_fn(|context| connection.poll_message(context)).await
                {
                    if let (AsyncMessage::Notification(told), Some(hear)) = (message?, &hear) {
                        hear(told.payload());
                    }
                }
                Ok::<_, tokio_postgres::Error>(())
            };
            if let Err(failure) = driven.await {
                let sqlstate = failure.code().map(SqlState::code);
                tracing::debug!(sqlstate, "a database connection ended");
            }
        });
        Ok((client, task))
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }
}

/// The ways to try, in order.
fn modes(security: &Security) -> &'static [SslMode] {
    match security {
        Security::Disable => &[SslMode::Disable],
        Security::Allow | Security::Prefer if !tls::AVAILABLE => &[SslMode::Disable],
        Security::Allow => &[SslMode::Disable, SslMode::Require],
        Security::Prefer => &[SslMode::Prefer, SslMode::Disable],
        Security::Require | Security::VerifyCa(_) | Security::VerifyFull(_) => &[SslMode::Require],
    }
}

impl Connection {
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Returns once the connection is closed.
    pub(super) async fn closed(&mut self) {
        // Whatever it ended of was logged there.
        (&mut self.task).await.ok();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Dropping the client alone would leave the task waiting for the
        // answer to what was sent, on a dead connection forever.
        self.task.abort();
    }
}
