//! The capt command line.

mod cli;
mod commands;
mod connect;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    capt_operator::install_tls();
    match commands::run(cli::Cli::parse()).await {
        Ok(code) => code,
        Err(error) => capt_operator::report(&error),
    }
}
