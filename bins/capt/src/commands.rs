//! The commands.

mod describe;
mod graph;
mod sandbox;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Cli, Command, Described, Drawn};

/// Does what was asked for.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Describe(Described::Cluster(args)) => describe::run(&args).await,
        Command::Graph(Drawn::Cluster(args)) => graph::run(&args).await,
    }
}
