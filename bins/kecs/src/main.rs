//! The KECS server and its command line.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A server makes and drops thousands of small things for each request, on several threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    kecs::process::run(std::env::args_os())
}
