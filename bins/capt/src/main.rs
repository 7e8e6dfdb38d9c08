//! The capt command line.

fn main() {}
