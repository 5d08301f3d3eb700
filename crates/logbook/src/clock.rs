use units::{Instant, truncated};
use uuid::Uuid;

/// Tells the time.
pub type Clock = fn() -> Instant;

/// The machine's clock, in whole microseconds.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
pub fn system_clock() -> Instant {
    truncated(chrono::Utc::now())
}

/// An id never given before, ordered by time (UUIDv7).
#[expect(clippy::disallowed_methods, reason = "the one place that makes ids up")]
pub fn fresh_id() -> Uuid {
    Uuid::now_v7()
}
