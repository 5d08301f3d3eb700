//! The ship.
