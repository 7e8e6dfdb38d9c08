//! The KECS server and its command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    kecs::process::run(std::env::args_os())
}
