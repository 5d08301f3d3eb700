use serde::{Deserialize, Serialize};

/// A part of a whole in basis points: 0 is nothing, 10,000 is all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct Share(i32);

/// A share outside 0 to 10,000 basis points.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bps} is not a share: it must lie between 0 and 10,000 basis points (0 % to 100 %)")]
pub struct ShareError {
    bps: i32,
}

impl Share {
    /// Nothing of the whole.
    pub const NONE: Share = Share(0);
    /// All of the whole.
    pub const ALL: Share = Share(10_000);

    /// A share of so many basis points.
    ///
    /// # Errors
    /// Outside 0 to 10,000.
    pub fn from_bps(bps: i32) -> Result<Self, ShareError> {
        if (0..=10_000).contains(&bps) { Ok(Self(bps)) } else { Err(ShareError { bps }) }
    }

    /// The basis points, 0 to 10,000.
    pub fn bps(self) -> i32 {
        self.0
    }
}

impl TryFrom<i32> for Share {
    type Error = ShareError;

    fn try_from(bps: i32) -> Result<Self, ShareError> {
        Self::from_bps(bps)
    }
}

impl From<Share> for i32 {
    fn from(share: Share) -> i32 {
        share.0
    }
}
