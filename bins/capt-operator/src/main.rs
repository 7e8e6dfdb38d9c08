//! The capt operator.

use std::process::ExitCode;

use capt_operator::{Args, report, run};
use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}
