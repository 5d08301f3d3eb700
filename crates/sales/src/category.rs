//! The forecast categories.

use serde::{Deserialize, Serialize};

/// How sure the team is that a deal closes in its period: the forecast categories of the field, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Left out of every forecast.
    Omitted,
    /// In the pipeline, not yet counted on.
    Pipeline,
    /// Closes if things go well.
    BestCase,
    /// More likely than not.
    MostLikely,
    /// The owner stands behind it.
    Commit,
    /// Closed.
    Closed,
}
