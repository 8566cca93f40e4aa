//! The trail as whoever asks may see it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;

use super::Access;
use super::reading::Reading;
use crate::event::Column;
use crate::query::{Count, Filter, Page, PageRequest, Series, SeriesQuery, Statistics, StatsQuery};
use crate::store::Bell;
use crate::{AuditReader, Cursor, Error, EventId, Record};

/// The trail as whoever asks may see it. Handlers have no other way to read.
///
/// It hides what is out of scope and what may not be seen, and takes down
/// what was read. A new question to readers is asked here first: put
/// [`Filter::within`] around its filter, and [`show`](Self::show) around its records.
#[derive(Clone)]
pub(super) struct Scoped {
    reader: Arc<dyn AuditReader>,
    access: Arc<Access>,
    reading: Arc<Reading>,
}

impl Scoped {
    pub(super) fn new(reader: Arc<dyn AuditReader>, access: Access, reading: Reading) -> Self {
        Self {
            reader,
            access: Arc::new(access),
            reading: Arc::new(reading),
        }
    }

    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    /// Adds to the record of what is read.
    pub(super) fn tell(&self, name: &'static str, value: &impl Serialize) {
        // A value of JSON's own types always becomes one.
        let value = serde_json::to_value(value).unwrap_or_default();
        self.reading.tell(name, value);
    }

    /// The filter, where it did not come as the query string.
    pub(super) fn tell_query(&self, query: &str) {
        self.reading.tell_query(query);
    }

    /// What was asked for was not done.
    pub(super) fn failed(&self) {
        self.reading.fail();
    }

    /// The columns that may be seen.
    pub(super) fn shown_columns(&self) -> Vec<&'static Column> {
        let hidden = self.access.hidden_columns();
        let columns = Column::all().iter();
        columns
            .filter(|column| !hidden.contains(&column.name()))
            .collect()
    }

    /// The record without what may not be seen of it.
    fn show(&self, mut record: Record) -> Record {
        record.leave_out(self.access.hidden_columns());
        record
    }

    fn within(&self, filter: &Filter) -> Filter {
        filter.clone().within(self.access.scope())
    }

    /// Takes down what a question is answered with.
    async fn ask<T>(
        &self,
        about: Option<EventId>,
        question: impl Future<Output = Result<T, Error>>,
        rows: impl FnOnce(&T) -> usize,
    ) -> Result<T, Error> {
        self.reading.asks(about);
        let answer = question.await;
        self.reading.answered(answer.as_ref().ok().map(rows));
        answer
    }

    /// The record of an id, if it is in scope.
    ///
    /// What is out of scope is looked for in the same way as what does not
    /// exist, and takes the same time: its row is never fetched.
    async fn find(&self, id: EventId) -> Result<Option<Record>, Error> {
        let scope = self.access.scope();
        if !scope.is_all() && !self.is_listed(id).await? {
            return Ok(None);
        }
        let record = self.reader.get(id).await?;
        Ok(record.filter(|record| scope.holds(record)))
    }

    /// Whether a list of what is in scope has this id.
    async fn is_listed(&self, id: EventId) -> Result<bool, Error> {
        let end = id.timestamp().plus(Duration::from_millis(1));
        let filter = self.within(&Filter::new().to(end));
        let at_id = PageRequest::new(1)?.cursor(Cursor::newer_than(id.predecessor()));
        let page = self.reader.list(&filter, &at_id).await?;
        Ok(page.items.iter().any(|record| record.id == id))
    }
}

#[async_trait]
impl AuditReader for Scoped {
    async fn list(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Record>, Error> {
        let filter = self.within(filter);
        let question = self.reader.list(&filter, page);
        let mut page = self.ask(None, question, |page| page.items.len()).await?;
        page.items = page.items.into_iter().map(|one| self.show(one)).collect();
        Ok(page)
    }

    async fn count(&self, filter: &Filter) -> Result<Count, Error> {
        let filter = self.within(filter);
        self.ask(None, self.reader.count(&filter), |_| 0).await
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Statistics, Error> {
        let query = query.clone().within(self.access.scope());
        self.ask(None, self.reader.stats(&query), |_| 0).await
    }

    async fn timeseries(&self, query: &SeriesQuery) -> Result<Series, Error> {
        let query = query.clone().within(self.access.scope());
        self.ask(None, self.reader.timeseries(&query), |_| 0).await
    }

    async fn export(
        &self,
        filter: &Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<Record>, Error> {
        let filter = self.within(filter);
        let question = self.reader.export(&filter, cursor, limit);
        let mut page = self.ask(None, question, |page| page.items.len()).await?;
        page.items = page.items.into_iter().map(|one| self.show(one)).collect();
        Ok(page)
    }

    /// It rings for records out of scope, too, which are then not found.
    fn bell(&self) -> Bell {
        self.reader.bell()
    }

    async fn get(&self, id: EventId) -> Result<Option<Record>, Error> {
        let found = |record: &Option<Record>| usize::from(record.is_some());
        let record = self.ask(Some(id), self.find(id), found).await?;
        Ok(record.map(|record| self.show(record)))
    }
}
