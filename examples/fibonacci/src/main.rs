//! The reference system.

fn main() {}
