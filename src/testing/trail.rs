//! A store as the contract uses it: with a tenant of its own.

use std::sync::Arc;

use crate::event::{Column, Fields, Value};
use crate::query::{Filter, Page, PageRequest};
use crate::store::Batch;
use crate::{AuditReader, AuditStore, EventId, Record};

/// More pages than any check has; where they do not end, they go in circles.
const MAX_PAGES: usize = 1_000;

/// The records of one tenant in a store that may hold others.
pub(super) struct Trail {
    pub(super) store: Arc<dyn AuditStore>,
    pub(super) reader: Arc<dyn AuditReader>,
    pub(super) tenant: String,
}

impl Trail {
    pub(super) fn new(store: Arc<dyn AuditStore>) -> Self {
        let reader = store
            .reader()
            .expect("the store has no reading side to check it with");
        Self {
            store,
            reader,
            tenant: format!("contract-{}", EventId::now()),
        }
    }

    /// The fields of a record of this tenant that happens now.
    pub(super) fn fields(&self) -> Fields {
        self.fields_at(EventId::now())
    }

    pub(super) fn fields_at(&self, id: EventId) -> Fields {
        let mut fields = Fields::new(id);
        fields.tenant_id = Some(self.tenant.clone());
        fields
    }

    /// As many records of this tenant, oldest first.
    pub(super) fn records(&self, count: usize) -> Vec<Record> {
        (0..count).map(|_| Record::seal(self.fields())).collect()
    }

    /// Stores new records.
    pub(super) async fn append(&self, records: Vec<Record>) {
        self.store
            .append(&Batch::new(records))
            .await
            .expect("new records could not be stored");
    }

    /// This tenant's records.
    pub(super) fn filter(&self) -> Filter {
        Filter::new().tenant_id(&self.tenant)
    }

    pub(super) async fn get(&self, id: EventId) -> Option<Record> {
        self.reader
            .get(id)
            .await
            .expect("a record could not be read")
    }

    /// The one record of an id that is stored.
    pub(super) async fn stored(&self, id: EventId) -> Record {
        self.get(id).await.expect("a stored record was not found")
    }

    pub(super) async fn page(&self, filter: &Filter, request: PageRequest) -> Page<Record> {
        self.reader
            .list(filter, &request)
            .await
            .expect("a list could not be read")
    }

    /// The ids of all records that pass, page by page, newest first.
    pub(super) async fn ids(&self, filter: &Filter) -> Vec<EventId> {
        let mut request = limit(PageRequest::MAX_LIMIT);
        let mut ids = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = self.page(filter, request).await;
            ids.extend(page.items.iter().map(|record| record.id));
            match page.next_cursor {
                Some(cursor) => request = request.cursor(cursor),
                None => return ids,
            }
        }
        panic!("the pages of a list never end");
    }
}

pub(super) fn limit(limit: u16) -> PageRequest {
    PageRequest::new(limit).expect("the contract asks for pages of an allowed size")
}

/// The ids of records in the order of a list.
pub(super) fn newest_first(records: &[Record]) -> Vec<EventId> {
    let mut ids: Vec<_> = records.iter().map(|record| record.id).collect();
    ids.sort();
    ids.reverse();
    ids
}

/// Compares the columns one by one, so that a difference has a name.
pub(super) fn assert_same(found: &Record, given: &Record) {
    for column in Column::all() {
        let same = column.get(found) == column.get(given);
        assert!(same, "the column {} came back changed", column.name());
    }
    assert!(found == given, "a record came back changed");
}

/// The same for a record on a list.
pub(super) fn assert_same_but_compact(found: &Record, given: &Record) {
    for column in Column::all() {
        let value = column.get(found);
        if column.is_compact() {
            let same = value == column.get(given);
            assert!(
                same,
                "the column {} of a list came back changed",
                column.name()
            );
        } else {
            assert!(
                value == Value::Null,
                "a list has the column {}, which is for the detail view",
                column.name()
            );
        }
    }
}
