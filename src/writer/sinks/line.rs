//! From the writer to each sink.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tokio::sync::watch;

use super::sink::Sink;
use super::stats::{SinkTallies, SinkTally};
use crate::{Error, Record};

/// A sink that was asked for, and its name.
pub(super) type Named = (String, Box<dyn Sink>);

/// The writer's side of all sinks. Its end is theirs, once they have what is buffered for them.
#[derive(Default)]
pub(in crate::writer) struct Sinks(Vec<Line>);

/// The way to one sink.
struct Line {
    tally: Arc<SinkTally>,
    end: End,
}

enum End {
    /// A sink that never waits.
    Here(Box<dyn Sink>),
    /// A thread that has a sink, behind a buffer with room for so many records.
    Thread(Sender<Arc<Record>>, u64),
}

impl Sinks {
    /// Starts a thread for each sink that may wait.
    ///
    /// # Errors
    /// If two sinks have one name, or if the system gives no thread.
    pub(in crate::writer) fn start(
        sinks: Vec<Named>,
        buffer: usize,
    ) -> Result<(Self, SinkTallies), Error> {
        let (alive, threads) = watch::channel(());
        let alive = Arc::new(alive);
        let (mut lines, mut tallies) = (Vec::new(), Vec::new());
        let mut names: Vec<String> = Vec::new();
        for (name, sink) in sinks {
            if names.contains(&name) {
                let message = format!("two sinks have the name {name}");
                return Err(Error::invalid_input("sink", message));
            }
            let tally = Arc::new(SinkTally::new(name.clone()));
            let end = if sink.never_waits() {
                End::Here(sink)
            } else {
                let sender = spawn(sink, Arc::clone(&tally), Arc::clone(&alive))?;
                End::Thread(sender, buffer as u64)
            };
            names.push(name);
            tallies.push(Arc::clone(&tally));
            lines.push(Line { tally, end });
        }
        let tallies = tallies.into();
        Ok((Self(lines), SinkTallies { tallies, threads }))
    }

    /// Gives every sink a copy of the record. Never waits. The record is
    /// copied once for all threads together, and not at all where none has room.
    pub(in crate::writer) fn send(&mut self, record: &Record) {
        let mut copy = None;
        for line in &mut self.0 {
            line.send(record, &mut copy);
        }
    }
}

impl Line {
    fn send(&mut self, record: &Record, copy: &mut Option<Arc<Record>>) {
        match &mut self.end {
            End::Here(sink) => {
                self.tally.take();
                give(&mut **sink, record, &self.tally);
            }
            End::Thread(_, room) if self.tally.buffered() >= *room => self.tally.overflowed(),
            End::Thread(sender, _) => {
                let copy = copy.get_or_insert_with(|| Arc::new(record.clone()));
                // First: the thread may be done with it before this one goes on.
                self.tally.take();
                if sender.send(Arc::clone(copy)).is_err() {
                    self.tally
                        .refused(&Error::closed("the sink's thread has ended"));
                }
            }
        }
    }
}

/// A thread that has the sink, and ends with the sender.
fn spawn(
    sink: Box<dyn Sink>,
    tally: Arc<SinkTally>,
    alive: Arc<watch::Sender<()>>,
) -> Result<Sender<Arc<Record>>, Error> {
    let (sender, records) = channel();
    thread::Builder::new()
        .name("audit-sink".to_owned())
        .spawn(move || {
            run(sink, &records, &tally);
            // After the sink is dropped, which may have to finish what it began.
            drop(alive);
        })
        .map_err(|error| {
            Error::unavailable("an audit sink's thread cannot be started").caused_by(error)
        })?;
    Ok(sender)
}

fn run(mut sink: Box<dyn Sink>, records: &Receiver<Arc<Record>>, tally: &SinkTally) {
    for record in records {
        give(&mut *sink, &record, tally);
    }
}

/// Gives a sink its copy. A panic costs that copy.
fn give(sink: &mut dyn Sink, record: &Record, tally: &SinkTally) {
    match catch_unwind(AssertUnwindSafe(|| sink.send(record))) {
        Ok(Ok(())) => tally.sent(),
        Ok(Err(error)) => tally.refused(&error),
        Err(_) => tally.panicked(),
    }
}
