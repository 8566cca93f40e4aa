//! Looking through the few records that the index of words has found.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{SqliteStore, functions, read, search};
use crate::query::{Filter, Window};
use crate::store::{scan, sql};
use crate::{Error, Record};

/// The records that a search may find, to be looked through in place of all of them.
pub(super) struct Found<'a> {
    store: &'a SqliteStore,
    /// As JSON.
    ids: Arc<str>,
}

impl<'a> Found<'a> {
    /// What the index has for a filter's words; `None` if it is of no help.
    pub(super) async fn of(store: &'a SqliteStore, filter: &Filter) -> Result<Option<Self>, Error> {
        if filter.words().is_empty() {
            return Ok(None);
        }
        let words = filter.words().to_vec();
        // It takes long where matches are many, and those are found without it.
        let found = store
            .database
            .read(store.scan_budget / 4, move |connection, place| {
                search::find(connection, &words, place)
            });
        match found.await {
            Ok(ids) => Ok(ids.map(|ids| Self {
                store,
                ids: ids.into(),
            })),
            Err(error) if error.is_timeout() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl scan::Source for Found<'_> {
    async fn fetch(
        &self,
        filter: &Filter,
        window: &Window,
        timeout: Duration,
    ) -> Result<Vec<Record>, Error> {
        let query = sql::list(search::FOUND, filter, window, &functions::DIALECT);
        let ids = Arc::clone(&self.ids);
        self.store
            .database
            .read(timeout, move |connection, place| {
                read::list(connection, &query, Some(&ids), place)
            })
            .await
    }

    async fn fetch_whole(
        &self,
        filter: &Filter,
        window: &Window,
        timeout: Duration,
    ) -> Result<scan::Fetched, Error> {
        let query = sql::export(search::FOUND, filter, window, &functions::DIALECT);
        let ids = Arc::clone(&self.ids);
        self.store
            .database
            .read(timeout, move |connection, place| {
                read::export(connection, &query, Some(&ids), place)
            })
            .await
    }

    async fn count(
        &self,
        filter: &Filter,
        window: &Window,
        timeout: Duration,
    ) -> Result<u64, Error> {
        let query = sql::count(search::FOUND, filter, window, &functions::DIALECT);
        let ids = Arc::clone(&self.ids);
        self.store
            .database
            .read(timeout, move |connection, place| {
                read::count(connection, &query, Some(&ids), place)
            })
            .await
    }
}
