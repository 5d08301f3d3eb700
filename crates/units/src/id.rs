use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }
    )+};
}

ids! {
    /// A customer of Quarterdeck: every key of the log and of the tables starts with it.
    TenantId,
    /// A deal (opportunity).
    DealId,
    /// A person of the sales organisation.
    PersonId,
    /// A team, or a region: a team without a parent.
    TeamId,
    /// A customer or prospect of the tenant.
    AccountId,
    /// Something the tenant sells.
    ProductId,
    /// A pipeline: an ordered set of stages.
    PipelineId,
    /// A stage of a pipeline; it keeps its id when it is renamed.
    StageId,
}

/// A place in a tenant's log: 1 for its first event, gapless, never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub i64);

impl Position {
    /// The bound of what is still open in recorded time.
    pub const OPEN: Position = Position(i64::MAX);
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}
