//! What all slices' GraphQL shares: who asks, at which two instants, ids, pages, commands and the log itself.

pub mod changes;
mod command;
mod id;
pub(crate) mod listing;
pub mod log;
pub mod node;
pub(crate) mod org;
mod page;
pub mod period;
pub mod scope;
pub mod view;

pub use changes::Change;
pub(crate) use command::{Asked, Submitting, first_instant, input_error, made_from, mutations, stated, submit};
pub use command::{CommandFields, CorrectionInput, NotDone, problem};
pub(crate) use id::bad_input;
pub use id::{Key, NodeId};
pub use page::{Cursor, PageInfo, Slice as PageSlice, Window};
pub use period::{PeriodDays, PeriodInput, Place};
pub use scope::{Organisation, Scope, ScopeInput};
pub use view::{AsOfInput, EffectiveInput, KnownInput, Session, View, fault};
