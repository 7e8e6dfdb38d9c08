//! The capt operator.

fn main() {}
