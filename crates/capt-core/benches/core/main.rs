//! What the decision core costs, against petgraph in the same run. `cargo bench -p capt-core` runs it.
//!
//! Each pair is measured in turn (A B B A) and told as medians; whole curves are told with their exponent, which
//! is 1 for what is linear.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark reads the clock and prints"
)]

mod graph;
mod measure;

fn main() {
    // `cargo test` runs benches too, with `--test`: there is nothing to measure in an unoptimised build.
    if std::env::args().any(|argument| argument == "--bench") {
        graph::run();
    }
}
