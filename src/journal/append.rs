//! Records into the current segment.

use std::io;

use super::codec;
use super::current::Current;
use super::failure::{self, AppendError};
use super::frame::{self, KIND_RECORD};
use super::header::header_bytes;
use super::journal::Journal;
use super::layout::table;
use super::segments::{Appended, Part, SegmentId};
use crate::{Error, Record, Timestamp};

/// Why no more records were put into the buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    NoMore,
    /// The next one goes into another segment.
    SegmentFull,
    /// The budget is used up.
    BudgetFull,
    /// The next one fits no frame.
    TooLarge,
}

/// Room for frames that is kept between calls, beyond that of a segment.
const SPARE_BYTES: usize = 1024 * 1024;

impl Journal {
    /// Writes records, with one write for each segment that they come to lie in.
    ///
    /// When it returns, they outlive the end of the process, and with
    /// [`sync`](Self::sync) the loss of power. After a failed write nothing
    /// more is written to that segment: what was not is written to a new one, once.
    ///
    /// # Errors
    /// If not all were written. The error tells which were, and whether
    /// [there is no room](AppendError::is_full) or the next record [is too
    /// large](AppendError::is_too_large).
    pub(crate) fn append(&mut self, records: &[Record]) -> Result<Appended, AppendError> {
        let mut appended = Appended::default();
        let mut is_second_try = false;
        while let Some(rest) = records.get(appended.records() as usize..) {
            let stop = self.encode(rest);
            if !self.ends.is_empty() {
                match self.write(&mut appended) {
                    Ok(()) => {}
                    Err(_) if !is_second_try => {
                        is_second_try = true;
                        continue;
                    }
                    Err(error) => return Err(failed(appended, error)),
                }
            }
            match stop {
                Stop::NoMore => break,
                Stop::SegmentFull => self.rotate(),
                Stop::BudgetFull => return Err(full(appended)),
                Stop::TooLarge => return Err(too_large(appended)),
            }
        }
        self.buffer.clear();
        self.buffer
            .shrink_to(self.settings.segment_bytes as usize + SPARE_BYTES);
        Ok(appended)
    }

    /// Puts into the buffer what can be written at once: the header of a new
    /// segment, if there is none, and as many records as fit.
    fn encode(&mut self, records: &[Record]) -> Stop {
        self.buffer.clear();
        self.ends.clear();
        let disk = &self.disk;
        let path = self.home.path();
        let room = self
            .budget
            .available(self.segments.bytes(), || disk.free_bytes(path));
        let written = match &self.current {
            Some(current) => current.bytes,
            None => {
                let header =
                    header_bytes(self.settings.writer, Timestamp::now(), self.next_sequence);
                self.buffer.extend_from_slice(&header);
                0
            }
        };
        for record in records {
            let start = self.buffer.len();
            let sequence = self.next_sequence + self.ends.len() as u64;
            let put = frame::put(
                &mut self.buffer,
                KIND_RECORD,
                sequence,
                table().hash,
                |to| {
                    codec::encode(record, to);
                },
            );
            if put.is_err() {
                return Stop::TooLarge;
            }
            let size = self.buffer.len() as u64;
            let is_first = written == 0 && self.ends.is_empty();
            let stop = if written + size > self.settings.segment_bytes && !is_first {
                Stop::SegmentFull
            } else if size > room {
                Stop::BudgetFull
            } else {
                self.ends.push(self.buffer.len());
                continue;
            };
            self.buffer.truncate(start);
            return stop;
        }
        Stop::NoMore
    }

    /// Writes the buffer. After an error the segment is sealed, and what is whole in it counts.
    fn write(&mut self, appended: &mut Appended) -> io::Result<()> {
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.begin()?,
        };
        let written = current.write(&self.buffer, &self.ends);
        let (id, records) = (current.id, written.frames as u64);
        self.current = Some(current);
        self.budget.wrote(written.bytes);
        self.segments.grew(id, written.bytes, records);
        if records > 0 {
            let sequences = self.next_sequence..self.next_sequence + records;
            self.next_sequence = sequences.end;
            appended.push(Part {
                segment: id,
                sequences,
            });
        }
        match written.error {
            None => Ok(()),
            Some(error) => {
                self.budget.look_again();
                self.rotate();
                Err(error)
            }
        }
    }

    fn begin(&mut self) -> io::Result<Current> {
        let id = SegmentId {
            home: self.home.name,
            number: self.next_number,
        };
        // A number is not used again, whatever becomes of it.
        self.next_number += 1;
        let path = self.home.segment_path(id.number);
        let file = self.disk.create(&path)?;
        self.is_directory_synced = false;
        self.segments.begin(id, path);
        Ok(Current {
            id,
            file,
            bytes: 0,
            unsynced_from: self.next_sequence,
        })
    }
}

fn failed(accepted: Appended, error: io::Error) -> AppendError {
    let is_full = failure::is_full(&error);
    let message = if is_full {
        "there is no room for the journal"
    } else {
        "the journal could not be written"
    };
    AppendError {
        accepted,
        is_full,
        error: Error::unavailable(message).caused_by(error),
    }
}

fn full(accepted: Appended) -> AppendError {
    AppendError {
        accepted,
        is_full: true,
        error: Error::unavailable("the journal holds as much as it may"),
    }
}

fn too_large(accepted: Appended) -> AppendError {
    let index = accepted.records() as usize;
    AppendError {
        accepted,
        is_full: false,
        error: Error::rejected(Some(index), "a record is too large for the journal"),
    }
}
