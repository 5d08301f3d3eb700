//! A product: something the tenant sells, at a list price. A schedule slice.

pub mod decide;
#[cfg(test)]
mod tests;
