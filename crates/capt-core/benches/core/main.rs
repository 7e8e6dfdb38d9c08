//! What the decision core costs, against petgraph in the same run. `cargo xtask bench core` runs it.
//!
//! Each pair is measured in turn (A B B A) and told as medians; whole curves are told with their exponent, which
//! is 1 for what is linear. Each row that has a goal says whether it is met, and the end says it once more.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark reads the clock and prints"
)]

mod decide;
mod goals;
mod graph;
mod measure;

fn main() {
    // `cargo test` runs benches too, with `--test`: there is nothing to measure in an unoptimised build.
    if std::env::args().any(|argument| argument == "--bench") {
        let mut goals = goals::Goals::default();
        decide::run(&mut goals);
        graph::run(&mut goals);
        goals.print();
    }
}
