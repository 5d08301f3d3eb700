//! The binary under test.

fn main() {}
