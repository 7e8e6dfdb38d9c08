//! The KECS server and its command line.
fn main() {}
