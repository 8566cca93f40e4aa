//! Early words of events: on disk before a request goes on, and stored only
//! if the process ends before the event does.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Loop;
use crate::event::{Capture, Stage};
use crate::writer::spool::Owed;
use crate::{EventId, Record};

impl Loop {
    /// Takes in the next frame if it is an early word; says whether it was.
    pub(super) fn take_in_staged(&mut self) -> bool {
        let pipeline = &self.writer.pipeline;
        let staged = self.reading.next_if(|frame| {
            let capture = Capture::new(frame);
            let stage = capture.stage()?;
            // A bug in a rule costs this one request, never the writer.
            let record = catch_unwind(AssertUnwindSafe(|| {
                (stage == Stage::Begun).then(|| pipeline.record(frame))
            }));
            Some((capture.id(), record))
        });
        let Some((id, record)) = staged else {
            return false;
        };
        self.read[self.shard] += 1;
        match (id, record) {
            (Some(id), Ok(Some(record))) => {
                let (appended, _) = self.writer.spool.append(&[record]);
                if appended.records() == 0 {
                    // An earlier word is better than none.
                    self.tell_failure();
                    return true;
                }
                let mut owed = Owed::default();
                owed.add(&appended);
                if let Some(earlier) = self.staged.insert(id.random_bits(), owed) {
                    self.replaced.join(earlier);
                }
            }
            (Some(id), Ok(None)) => self.settle_staged([id]),
            _ => self.tell_failure(),
        }
        true
    }

    /// Those of the records that there was an early word of.
    pub(super) fn staged_among(&self, records: &[Record]) -> Vec<EventId> {
        if self.staged.is_empty() {
            return Vec::new();
        }
        let ids = records.iter().map(|record| record.id);
        ids.filter(|id| self.staged.contains_key(&id.random_bits()))
            .collect()
    }

    /// The events themselves are on disk now, but not durable yet.
    pub(super) fn replace_staged(&mut self, ids: impl IntoIterator<Item = EventId>) {
        for id in ids {
            if let Some(owed) = self.staged.remove(&id.random_bits()) {
                self.replaced.join(owed);
            }
        }
    }

    /// What has replaced earlier words is durable now.
    pub(super) fn settle_replaced(&mut self) {
        let replaced = std::mem::take(&mut self.replaced);
        self.writer.spool.settle(&replaced);
    }

    /// The events themselves are in the store now, or will not come.
    pub(super) fn settle_staged(&mut self, ids: impl IntoIterator<Item = EventId>) {
        for id in ids {
            if let Some(owed) = self.staged.remove(&id.random_bits()) {
                self.writer.spool.settle(&owed);
            }
        }
    }

    /// Nothing is read now, so whoever waits for the disk waits in vain.
    pub(super) fn tell_refusal(&self) {
        if let Some(progress) = &self.writer.progress
            && !self.writer.spool.is_open()
        {
            progress.have_failed(&self.writer.queue.accepted());
        }
    }

    /// Something of what was read so far is not on disk.
    pub(super) fn tell_failure(&self) {
        if let Some(progress) = &self.writer.progress {
            progress.have_failed(&self.read);
        }
    }
}
