//! An act has no rows: nothing is asked of it but that it is in the log.

use super::decide::{Act, Command};
use logbook::{Chapter, Clocks, Segment, Slice, StreamRef, Streams, Table};
use units::Instant;
use uuid::Uuid;

impl Slice for Act {
    const KIND: &'static str = "act";
    const CLOCKS: Clocks = Clocks::Progress;
    const TABLES: &'static [Table] = &[];
    type Row = ();

    fn reads(&self, _id: Uuid, _command: &Command, _effective: Instant, _streams: &Streams) -> Vec<StreamRef> {
        vec![]
    }

    fn facts(&self, _id: Uuid, _command: &Command, _effective: Instant, _streams: &Streams) {}

    fn segments(_id: Uuid, _story: &[Chapter<Self>]) -> Vec<Segment<()>> {
        vec![]
    }
}
