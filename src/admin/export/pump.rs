//! From the store to the client: a page is read while the one before is sent.

use std::sync::Arc;

use super::super::stream::{Gone, Outlet};
use super::Encoder;
use crate::{AuditReader, Cursor, Error, Filter, Page, Record};

/// The records of the first page: few, so that something comes soon.
const FIRST_ROWS: usize = 200;
const MAX_ROWS: usize = 4_000;
/// What a page should come to when it is written.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// The records that are written in one go, between which other tasks have their turn.
const PART_ROWS: usize = 64;

/// An export whose first page is there.
pub(super) struct Export {
    reader: Arc<dyn AuditReader>,
    filter: Filter,
    first: Page<Record>,
}

/// Why an export ends before its end.
enum End {
    Gone,
    Failed(Error),
}

impl From<Gone> for End {
    fn from(Gone: Gone) -> Self {
        Self::Gone
    }
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Export {
    pub(super) async fn start(
        reader: Arc<dyn AuditReader>,
        filter: Filter,
        cursor: Option<Cursor>,
    ) -> Result<Self, Error> {
        let first = reader.export(&filter, cursor, FIRST_ROWS).await?;
        Ok(Self {
            reader,
            filter,
            first,
        })
    }

    /// Sends everything. Where that fails, the body is left without an end.
    pub(super) async fn run(self, mut encoder: Encoder, outlet: Outlet) {
        let sending = self.send(&mut encoder, &outlet);
        let sent = tokio::select! {
            sent = sending => sent,
            () = outlet.gone() => Err(End::Gone),
        };
        match sent {
            // Whoever is gone by now has the whole.
            Ok(()) => drop(outlet.finish().await),
            Err(End::Gone) => tracing::debug!("an export's client has gone"),
            Err(End::Failed(error)) => tracing::warn!(
                code = error.code(),
                "an export of the audit trail was broken off: {error}"
            ),
        }
    }

    async fn send(self, encoder: &mut Encoder, outlet: &Outlet) -> Result<(), End> {
        outlet.send(encoder.start()?).await?;
        let (mut page, mut rows) = (self.first, FIRST_ROWS);
        loop {
            let cursor = page.next_cursor;
            let next = async {
                match cursor {
                    Some(_) => self
                        .reader
                        .export(&self.filter, cursor, rows)
                        .await
                        .map(Some),
                    None => Ok(None),
                }
            };
            let records = page.items.len();
            let (bytes, next) = tokio::try_join!(send_page(encoder, outlet, page.items), async {
                next.await.map_err(End::from)
            })?;
            let Some(next) = next else { break };
            page = next;
            rows = rows_for(rows, records, bytes);
        }
        outlet.send(encoder.end()).await?;
        Ok(())
    }
}

/// Returns the bytes that were sent.
async fn send_page(
    encoder: &mut Encoder,
    outlet: &Outlet,
    records: Vec<Record>,
) -> Result<usize, End> {
    let mut bytes = 0;
    for records in records.chunks(PART_ROWS) {
        let part = encoder.records(records)?;
        bytes += part.len();
        outlet.send(part).await?;
    }
    Ok(bytes)
}

/// How many records to ask for next, after so many came to so many bytes.
fn rows_for(before: usize, records: usize, bytes: usize) -> usize {
    match PAGE_BYTES
        .checked_mul(records)
        .map(|target| target / bytes.max(1))
    {
        Some(fitting) if records > 0 => fitting.clamp(1, (before * 4).min(MAX_ROWS)),
        _ => before,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_grow_while_records_are_small_and_shrink_when_they_are_not() {
        assert_eq!(rows_for(200, 200, 200 * 500), 800);
        assert_eq!(rows_for(3_000, 3_000, 3_000 * 500), MAX_ROWS);
        assert_eq!(rows_for(4_000, 16, 8 * 1024 * 1024), 8);
        assert_eq!(rows_for(4_000, 1, 80 * 1024 * 1024), 1);
        assert_eq!(rows_for(800, 0, 0), 800);
    }
}
