//! Frames one after another, in blocks that never grow.

use std::collections::VecDeque;

/// Frames one after another, each behind its length, in blocks.
#[derive(Default)]
pub(in crate::writer) struct Frames {
    blocks: VecDeque<Vec<u8>>,
    /// Emptied blocks, for the next frames.
    pub(super) spare: Vec<Vec<u8>>,
    /// Where in the first block the next frame starts.
    read: usize,
    pub(super) count: usize,
    pub(super) bytes: usize,
}

/// The size of a block; a larger frame gets a block of its own.
pub(super) const BLOCK_BYTES: usize = 64 * 1024;

/// A shard keeps at most this many emptied blocks once a burst is over.
pub(super) const SPARE_BLOCKS: usize = 16;

pub(super) const LENGTH_BYTES: usize = 4;

impl Frames {
    pub(super) fn push(&mut self, frame: &[u8]) {
        let length = LENGTH_BYTES + frame.len();
        let has_room = |block: &Vec<u8>| block.capacity() - block.len() >= length;
        if !self.blocks.back().is_some_and(has_room) {
            let fresh = self.spare.pop().filter(has_room);
            let fresh = fresh.unwrap_or_else(|| Vec::with_capacity(length.max(BLOCK_BYTES)));
            self.blocks.push_back(fresh);
        }
        if let Some(block) = self.blocks.back_mut() {
            block.extend_from_slice(&(frame.len() as u32).to_le_bytes());
            block.extend_from_slice(frame);
            self.count += 1;
            self.bytes += length;
        }
    }

    /// The next frame that was not read yet.
    pub(in crate::writer) fn next(&mut self) -> Option<&[u8]> {
        let length = self.peek()?.len();
        let start = self.read + LENGTH_BYTES;
        self.read = start + length;
        self.count -= 1;
        self.bytes -= LENGTH_BYTES + length;
        self.blocks.front()?.get(start..self.read)
    }

    /// Reads the next frame if `read` makes something of it.
    pub(in crate::writer) fn next_if<T>(
        &mut self,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<T> {
        let result = read(self.peek()?)?;
        self.next();
        Some(result)
    }

    /// The next frame, which stays the next one.
    fn peek(&mut self) -> Option<&[u8]> {
        while self
            .blocks
            .front()
            .is_some_and(|block| self.read >= block.len())
        {
            self.recycle();
        }
        let (length, rest) = self.blocks.front()?.get(self.read..)?.split_first_chunk()?;
        rest.get(..u32::from_le_bytes(*length) as usize)
    }

    /// Puts all blocks aside.
    pub(super) fn clear(&mut self) {
        while !self.blocks.is_empty() {
            self.recycle();
        }
    }

    /// Puts the first block aside, which was read.
    fn recycle(&mut self) {
        self.read = 0;
        if let Some(mut block) = self.blocks.pop_front()
            && self.spare.len() < SPARE_BLOCKS
            && block.capacity() <= BLOCK_BYTES
        {
            block.clear();
            self.spare.push(block);
        }
    }

    pub(in crate::writer) fn is_empty(&self) -> bool {
        self.count == 0
    }
}
