//! The log book: appends events in batches, loads and replays them, verifies them, and keeps the two-clock history
//! tables. The only crate that writes `event` or any `*_history` table.

mod append;
mod batch;
pub mod bi;
mod clock;
mod envelope;
mod hash;
mod load;
pub mod migrate;
mod reads;
mod rebuild;
mod refusal;
mod registry;
mod rehearsal;
mod replay;
mod rows;
mod slice;
mod sql;
mod standing;
pub mod startup;
mod stream;
mod streams;
mod submission;
mod tenant_tx;
pub mod tenants;
mod timeline;
#[cfg(test)]
mod two_clocks;
mod verify;
mod writer;

pub use append::{Answer, Failure};
pub use batch::Head;
pub use clock::{Clock, fresh_id, system_clock};
pub use envelope::{Context, Recorded, Source, StreamRef, WITHDRAWN, Withdrawn};
pub use hash::Hash;
pub use reads::{OUT_OF_TIME, Reads};
pub use rebuild::{Found, Rebuilt, RowKey, TableRebuilt, rebuild};
pub use refusal::{AnyRefusal, Fault, Rejection};
pub use registry::Registry;
pub use rehearsal::{Rehearsal, Rehearsed};
pub use slice::{AnyCommand, Chapter, Clocks, Segment, Slice, Table};
pub use sql::{Seen, as_of};
pub use stream::{Act, Stream, Unit};
pub use streams::Streams;
pub use submission::{Correction, Receipt, Submission, Verb};
pub use tenant_tx::{Mode, TenantTx};
pub use tenants::Tenant;
pub use verify::{Verified, VerifyFailure, Wrong, verify};
pub use writer::Logbook;
