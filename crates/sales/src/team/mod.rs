//! The team tree of the organisation: regions and the teams below them. A schedule slice of one stream a tenant.

pub mod decide;
#[cfg(test)]
mod tests;
