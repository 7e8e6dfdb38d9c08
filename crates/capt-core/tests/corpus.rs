//! What the fuzz targets have kept, replayed without the toolchain that they need.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "in a test the line of the panic is the best report, and the corpus is a folder"
)]

use std::fs;
use std::path::Path;

use arbitrary::{Arbitrary, Unstructured};

#[allow(
    unreachable_pub,
    clippy::pedantic,
    clippy::panic,
    reason = "a crate of its own, which is built by another toolchain and linted by nobody else"
)]
#[path = "../fuzz/src/lib.rs"]
mod laws;

/// Gives everything in the corpus of a target to `check`. Returns how much that was.
fn replay<T: for<'a> Arbitrary<'a>>(target: &str, check: impl Fn(T)) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut replayed = 0;
    for file in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        check(T::arbitrary_take_rest(Unstructured::new(&bytes)).unwrap());
        replayed += 1;
    }
    replayed
}

#[test]
fn the_graph_is_what_a_naive_model_says() {
    assert!(replay("graph", laws::graph::check) > 50);
}

#[test]
fn what_is_decided_keeps_to_its_promises() {
    let check = |moments: [laws::seen::Seen; 2]| {
        laws::decide::check(&moments);
        laws::recovery::check(&moments[0]);
    };
    assert!(replay("decide", check) > 50);
}
