//! The graph against a naive model, under any sequence of changes.
#![no_main]

use capt_core_fuzz::graph::{Change, check};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|changes: Vec<Change>| check(changes));
