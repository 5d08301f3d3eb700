//! A person of the sales organisation: hired, in a role and a team, on leave, gone, back. A schedule slice.

pub mod decide;
#[cfg(test)]
mod tests;
