//! Early words of earlier processes, which wait for the events themselves.

use super::{Chunk, Owed, Spool};
use crate::Record;
use crate::event::Stage;
use crate::journal::{Damage, SegmentId};
use crate::store::Batch;

impl Spool {
    /// Keeps back what may be followed by more of the same event, and
    /// forgets what was.
    pub(super) fn set_unfinished_aside(
        &mut self,
        segment: SegmentId,
        records: Vec<Record>,
    ) -> Vec<Record> {
        let mut rest = Vec::with_capacity(records.len());
        for record in records {
            let id = record.id;
            let is_unfinished = record.capture_notes.iter().any(|note| note == Stage::NOTE);
            let earlier = if is_unfinished {
                self.unfinished.insert(id, (record, segment))
            } else {
                rest.push(record);
                self.unfinished.remove(&id)
            };
            if let Some((_, segment)) = earlier {
                self.settle_part(segment, 1);
            }
        }
        rest
    }

    /// The requests that their process did not live to see the end of, oldest first.
    pub(super) fn take_unfinished(&mut self, max_records: usize) -> Chunk {
        let mut records = Vec::new();
        let mut owed = Owed::default();
        while records.len() < max_records.max(1)
            && let Some((_, (record, segment))) = self.unfinished.pop_first()
        {
            records.push(record);
            owed.add_part(segment, 1);
        }
        Chunk {
            batch: Batch::new(records).retry(),
            owed,
            is_recovered: true,
            damage: Damage::default(),
        }
    }
}
