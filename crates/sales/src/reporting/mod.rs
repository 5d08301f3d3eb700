//! The reporting lines of the organisation: who reports to whom, when. A schedule slice of one stream a tenant.

pub mod decide;
#[cfg(test)]
mod tests;
