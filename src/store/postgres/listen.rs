//! The bell between instances: `NOTIFY` in the batch's own transaction, and
//! one connection of each process that listens while somebody tails the trail.
//!
//! A notification holds the spans of the batch's ids, two ids each, in
//! hexadecimal digits. It arrives after the commit, so whoever hears of
//! records can read them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;
use uuid::Uuid;

use super::connect::{Connection, Connector};
use super::error;
use super::schema::Schema;
use crate::store::bell::{Bell, Ring, Ringer, Span, spans};
use crate::{Error, EventId, Record};

/// How often to look for records while nobody listens, and to try to listen again.
const RETRY: Duration = Duration::from_secs(2);
/// How often to look all the same.
const POLL: Duration = Duration::from_secs(30);

/// The statement that tells of a batch.
pub(super) fn announcement(channel: &str, records: &[Record]) -> String {
    let spans = spans(records.iter().map(|record| record.id));
    let ids = spans.iter().flat_map(|span| [span.first, span.last]);
    let payload: String = ids.map(|id| id.as_uuid().simple().to_string()).collect();
    format!("SELECT pg_notify('{channel}', '{payload}')")
}

/// The spans of a notification; `None` if it is none of this crate's.
fn announced(payload: &str) -> Option<Vec<Span>> {
    let id = |text: &[u8]| {
        let text = std::str::from_utf8(text).ok()?;
        Uuid::try_parse(text).ok().map(EventId::from)
    };
    let spans = payload.as_bytes().chunks(64).map(|text| {
        let (first, last) = text.split_at_checked(32)?;
        Some(Span {
            first: id(first)?,
            last: id(last)?,
        })
    });
    spans.collect()
}

/// Listens as long as there is somebody to ring for.
#[derive(Clone)]
pub(super) struct Listener {
    connector: Connector,
    channel: String,
    ringer: Ringer,
    /// Also taken to start and end the task, so that no bell is made between
    /// the last look for one and the end.
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Listener {
    pub(super) fn new(connector: &Connector, schema: &Schema) -> Self {
        Self {
            connector: connector.named("listener"),
            channel: schema.channel(),
            ringer: Ringer::default(),
            task: Arc::default(),
        }
    }

    pub(super) fn bell(&self) -> Bell {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        let bell = self.ringer.bell(Some(POLL));
        // The runtime of the last one may have ended under it.
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            *task = Some(tokio::spawn(self.clone().run()));
        }
        bell
    }

    async fn run(self) {
        loop {
            match self.listen().await {
                Ok(mut connection) => {
                    // What came before it listened has not been told of.
                    self.ringer.ring(Ring::Unsure);
                    loop {
                        tokio::select! {
                            () = connection.closed() => break,
                            () = sleep(POLL) => if self.is_over() { return },
                        }
                    }
                }
                Err(error) => tracing::debug!(
                    code = error.code(),
                    "the database does not tell of new records: {error}"
                ),
            }
            self.ringer.ring(Ring::Unsure);
            if self.is_over() {
                return;
            }
            sleep(RETRY).await;
        }
    }

    async fn listen(&self) -> Result<Connection, Error> {
        let ringer = self.ringer.clone();
        let hear = move |payload: &str| {
            ringer.ring(match announced(payload) {
                Some(spans) => Ring::Stored(spans.into()),
                None => Ring::Unsure,
            });
        };
        let connection = self.connector.open_to_hear(Arc::new(hear)).await?;
        let listen = format!("LISTEN {}", self.channel);
        let listening = connection.client.batch_execute(&listen).await;
        listening.map_err(error::statement)?;
        Ok(connection)
    }

    /// Whether nobody has a bell any more; then the task is over.
    fn is_over(&self) -> bool {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = !self.ringer.has_listeners();
        if is_over {
            *task = None;
        }
        is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_come_back_from_a_notification() {
        let records: Vec<_> = (0..3)
            .map(|_| crate::Sanitizer::default().record(crate::Event::activity("a")))
            .collect();
        let statement = announcement("audit_1", &records);
        let payload = statement.strip_prefix("SELECT pg_notify('audit_1', '");
        let payload = payload.and_then(|rest| rest.strip_suffix("')")).unwrap();
        let expected = Span {
            first: records[0].id,
            last: records[2].id,
        };
        assert_eq!(announced(payload), Some(vec![expected]));
        for nonsense in ["x", "é", &payload[..63], &"é".repeat(32)] {
            assert_eq!(announced(nonsense), None, "{nonsense}");
        }
    }
}
