//! A deal (opportunity): from its opening through stages, amounts and owners to its close. A progress slice.

pub mod decide;
#[cfg(test)]
mod tests;
