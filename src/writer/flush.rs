//! Who waits for what to be settled.

use tokio::sync::oneshot;

/// Callers of `flush`, each with the frames that it waits for.
///
/// A frame is identified by its shard and its number there. Once the writer
/// has read them all, the caller waits for as many records to be settled as
/// the writer had taken in by then: they are settled in the order in which they were taken in.
#[derive(Debug, Default)]
pub(super) struct Flushes {
    unread: Vec<(Vec<u64>, oneshot::Sender<()>)>,
    unsettled: Vec<(u64, oneshot::Sender<()>)>,
}

impl Flushes {
    /// Adds a caller that waits for the first `targets[i]` frames of each shard `i`.
    pub(super) fn add(&mut self, targets: Vec<u64>, caller: oneshot::Sender<()>) {
        self.unread.push((targets, caller));
    }

    /// Tells that `read[i]` frames of each shard were read, and that they and
    /// all else that was taken in are `taken` records.
    pub(super) fn read(&mut self, read: &[u64], taken: u64) {
        let reached = |targets: &[u64]| {
            targets
                .iter()
                .zip(read)
                .all(|(target, read)| read >= target)
        };
        for (_, caller) in self.unread.extract_if(.., |(targets, _)| reached(targets)) {
            self.unsettled.push((taken, caller));
        }
    }

    /// Tells that `settled` records are done with, and wakes who waited for them.
    pub(super) fn settled(&mut self, settled: u64) {
        let done = |(taken, _): &mut (u64, _)| *taken <= settled;
        for (_, caller) in self.unsettled.extract_if(.., done) {
            // A caller that does not wait any more misses nothing.
            let _ = caller.send(());
        }
    }

    /// Whether somebody waits.
    pub(super) fn is_urgent(&self) -> bool {
        !self.unread.is_empty() || !self.unsettled.is_empty()
    }
}
