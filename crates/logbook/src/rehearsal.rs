//! Commands decided in memory, as they would be, with nothing written: the first pass of an import.

use crate::{
    batch::{Batch, Head, Turn},
    clock::Clock,
    envelope::StreamRef,
    load,
    reads::Reads,
    refusal::{Fault, Rejection},
    registry::Registry,
    slice::Slice,
    stream::Stream,
    submission::{Receipt, Submission},
};
use uuid::Uuid;

/// Streams asked for in one statement.
const STREAMS_PER_READ: usize = 1_000;

/// A run of commands against one instant of the log, in memory.
pub struct Rehearsal<'a> {
    reads: &'a Reads,
    batch: Batch<'a>,
    empty: bool,
    clock: Clock,
}

/// What a command would come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsed {
    /// Its receipt, with the positions that it would have.
    pub receipt: Receipt,
    /// The types of its events; none when it would change nothing.
    pub types: Vec<String>,
}

impl<'a> Rehearsal<'a> {
    /// Begins at the head that `reads` sees.
    ///
    /// # Errors
    /// When the head cannot be read.
    pub async fn begin(reads: &'a Reads, registry: &'a Registry, clock: Clock) -> Result<Self, Fault> {
        let head = reads.head().await?;
        let empty = head.position.0 == 0;
        let tenant = reads.tenant();
        let batch = Batch::new(tenant.id, tenant.zone, registry, head, false);
        Ok(Self { reads, batch, empty, clock })
    }

    /// Where the log would end now.
    pub fn head(&self) -> &Head {
        &self.batch.head
    }

    /// Loads streams ahead of their use, many at a time.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn load(&mut self, streams: &[StreamRef]) -> Result<(), Fault> {
        let mut missing: Vec<_> = streams.iter().filter(|stream| !self.batch.streams.holds(stream)).copied().collect();
        missing.sort_unstable();
        missing.dedup();
        for chunk in missing.chunks(STREAMS_PER_READ) {
            let mut events = Vec::new();
            if !self.empty {
                let ids: Vec<Uuid> = chunk.iter().map(|stream| stream.id).collect();
                for row in self.reads.rows(include_str!("sql/stream_events.sql"), &[&ids, &0_i64]).await? {
                    events.push(load::recorded(&row)?);
                }
            }
            load::fill(&mut self.batch, chunk, &events)?;
        }
        Ok(())
    }

    /// A stream as it stands after what was rehearsed; `None` when it was not loaded.
    pub fn stream<S: Slice>(&self, id: Uuid) -> Option<&Stream<S>> {
        self.batch.streams.stream(id)
    }

    /// Takes back all that was rehearsed of a stream: it is as the log has it.
    pub fn forget(&mut self, stream: &StreamRef) {
        self.batch.streams.forget(stream);
    }

    /// Decides a command; an accepted one is seen by those after it.
    ///
    /// # Errors
    /// The outer one when a stream cannot be read, the inner one when the command is rejected.
    pub async fn put(&mut self, submission: &Submission) -> Result<Result<Rehearsed, Rejection>, Fault> {
        loop {
            match self.batch.turn(submission, (self.clock)()) {
                Turn::Done(answer) => {
                    let types = self.batch.events.iter().map(|event| event.event_type.clone()).collect();
                    self.batch.forget_what_would_be_written();
                    return Ok(answer.map(|receipt| Rehearsed { receipt, types }));
                }
                Turn::Needs(streams) => self.load(&streams).await?,
            }
        }
    }
}
