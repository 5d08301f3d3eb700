//! The two clocks, held against what design.md says of them.

mod bench;
mod claims;
mod oracle;
mod random;
mod toys;

use chrono::DateTime;
use units::Instant;

/// An hour of the first days of 2026.
fn hour(hour: i64) -> Instant {
    DateTime::from_timestamp(1_767_225_600 + hour * 3_600, 0).expect("an hour of 2026")
}
