//! How far the writer is with what has to be durable before its request goes on.

use tokio::sync::watch;

/// Where a frame is in the queue: the shard, and its number there, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(super) shard: usize,
    pub(super) number: u64,
}

/// For each shard, how many of its first frames are durable, and up to which
/// one some are not, for a reason that has been told.
#[derive(Clone, Debug, Default)]
struct Marks {
    durable: Vec<u64>,
    failed: Vec<u64>,
}

/// The writer's end.
#[derive(Debug)]
pub(super) struct Progress(watch::Sender<Marks>);

/// The requests' end.
#[derive(Clone, Debug)]
pub(crate) struct Durable(watch::Receiver<Marks>);

/// Both ends, for so many shards.
pub(super) fn channel(shards: usize) -> (Progress, Durable) {
    let (sender, receiver) = watch::channel(Marks {
        durable: vec![0; shards],
        failed: vec![0; shards],
    });
    (Progress(sender), Durable(receiver))
}

impl Progress {
    /// All frames up to these are durable, but for those of which it was told otherwise.
    pub(super) fn are_durable(&self, read: &[u64]) {
        self.0.send_if_modified(|marks| {
            let changed = marks.durable != read;
            marks.durable.copy_from_slice(read);
            changed
        });
    }

    /// Of the frames up to these, some may not be durable.
    pub(super) fn have_failed(&self, read: &[u64]) {
        self.0
            .send_modify(|marks| marks.failed.copy_from_slice(read));
    }
}

impl Durable {
    /// Waits until the frame is durable; says whether it is. A frame of which
    /// that cannot be told counts as not durable.
    pub(crate) async fn settled(mut self, position: Position) -> bool {
        let Position { shard, number } = position;
        let has_failed = |marks: &Marks| marks.failed[shard] >= number;
        let is_settled = |marks: &Marks| has_failed(marks) || marks.durable[shard] >= number;
        // With the writer's end everything else ends.
        let marks = self.0.wait_for(is_settled).await;
        marks.is_ok_and(|marks| !has_failed(&marks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(shard: usize, number: u64) -> Position {
        Position { shard, number }
    }

    #[tokio::test]
    async fn a_frame_is_waited_for_in_its_own_shard() {
        let (progress, durable) = channel(2);
        let waiting = tokio::spawn(durable.clone().settled(at(1, 3)));
        progress.are_durable(&[9, 2]);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        progress.are_durable(&[9, 3]);
        assert!(waiting.await.unwrap());
        assert!(durable.settled(at(0, 9)).await);
    }

    #[tokio::test]
    async fn what_has_failed_stays_failed_although_later_frames_are_durable() {
        let (progress, durable) = channel(1);
        progress.have_failed(&[5]);
        progress.are_durable(&[8]);
        assert!(!durable.clone().settled(at(0, 5)).await);
        assert!(durable.settled(at(0, 6)).await);
    }

    #[tokio::test]
    async fn with_the_writer_everything_ends() {
        let (progress, durable) = channel(1);
        drop(progress);
        assert!(!durable.settled(at(0, 1)).await);
    }
}
