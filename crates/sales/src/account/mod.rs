//! An account: a customer or prospect, and the account it belongs to. A schedule slice.

pub mod decide;
#[cfg(test)]
mod tests;
