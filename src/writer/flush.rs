//! Who waits for what to be stored.

use tokio::sync::oneshot;

/// Callers of `flush`, each with the frames that it waits for.
///
/// A frame is identified by its shard and its number there. Once the writer
/// has read them all, they are in the batch being gathered or in earlier
/// ones, so the caller waits for that batch.
#[derive(Debug, Default)]
pub(super) struct Flushes {
    unread: Vec<(Vec<u64>, oneshot::Sender<()>)>,
    unstored: Vec<(u64, oneshot::Sender<()>)>,
}

impl Flushes {
    /// Adds a caller that waits for the first `targets[i]` frames of each shard `i`.
    pub(super) fn add(&mut self, targets: Vec<u64>, caller: oneshot::Sender<()>) {
        self.unread.push((targets, caller));
    }

    /// Tells that `read[i]` frames of each shard were read, the last of them into `batch`.
    pub(super) fn read(&mut self, read: &[u64], batch: u64) {
        let reached = |targets: &[u64]| {
            targets
                .iter()
                .zip(read)
                .all(|(target, read)| read >= target)
        };
        for (_, caller) in self.unread.extract_if(.., |(targets, _)| reached(targets)) {
            self.unstored.push((batch, caller));
        }
    }

    /// Tells that all batches before number `settled` are done with, and wakes who waited for them.
    pub(super) fn settled(&mut self, settled: u64) {
        for (_, caller) in self.unstored.extract_if(.., |(batch, _)| *batch < settled) {
            // A caller that does not wait any more misses nothing.
            let _ = caller.send(());
        }
    }

    /// Whether somebody waits for the batch that is being gathered.
    pub(super) fn is_urgent(&self) -> bool {
        !self.unread.is_empty() || !self.unstored.is_empty()
    }
}
