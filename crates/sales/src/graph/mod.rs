//! What all slices' GraphQL shares: who asks, at which two instants, ids, pages, commands and the log itself.

pub(crate) mod changes;
mod command;
mod id;
pub(crate) mod log;
pub(crate) mod org;
mod page;
pub(crate) mod view;

pub use changes::Change;
pub use command::{CommandFields, CorrectionInput, problem};
pub(crate) use command::{Asked, Submitting, first_instant, mutations, submit};
pub use id::{Key, NodeId};
pub use page::{Cursor, PageInfo, Slice as PageSlice, Window};
pub use view::{AsOfInput, EffectiveInput, KnownInput, Session, View, fault};
