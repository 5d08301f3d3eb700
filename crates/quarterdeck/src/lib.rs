//! quarterdeck.

pub mod http;
