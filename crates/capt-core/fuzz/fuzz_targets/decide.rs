//! Every subject in one situation after another: nothing panics, and what is decided keeps to its promises.
#![no_main]

use capt_core_fuzz::{decide, recovery, seen::Seen};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|moments: [Seen; 2]| {
    decide::check(&moments);
    recovery::check(&moments[0]);
});
