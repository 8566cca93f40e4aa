//! The home of this process, made again where somebody has removed it.

use super::journal::Journal;
use crate::Error;

impl Journal {
    /// Makes a new home if ours was deleted, moved away or replaced: files in
    /// it would take records that nobody finds any more. Says then how many of the
    /// [deferred](Self::defer) records went with the old one. What the caller holds of the
    /// others is to be appended again, and to be settled all the same.
    ///
    /// # Errors
    /// If it cannot be made. The old one counts as ours until then, since it may come back.
    pub(crate) fn keep_home(&mut self) -> Result<Option<u64>, Error> {
        if self.home.is_there() {
            return Ok(None);
        }
        // Its file would go on taking records.
        self.seal();
        let home = self.root.create_home()?;
        let gone = std::mem::replace(&mut self.home, home);
        self.unsynced.retain(|file| file.segment.home != gone.name);
        self.is_directory_synced = true;
        let lost = self.segments.forget_deferred(gone.name);
        self.sweep();
        Ok(Some(lost))
    }

    /// Whether the next process will find what was appended, as far as a look tells.
    pub(crate) fn has_home(&self) -> bool {
        self.home.is_there()
    }

    /// Gives up the [deferred](Self::defer) records of this process; says how many that are.
    pub(crate) fn forget_deferred(&mut self) -> u64 {
        self.segments.forget_deferred(self.home.name)
    }
}
