//! A pipeline: the ordered stages that a deal goes through. A schedule slice.

pub mod decide;
#[cfg(test)]
mod tests;
