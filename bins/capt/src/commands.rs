//! The commands.

mod complete;
mod completion;
mod describe;
mod graph;
mod man;
mod sandbox;
#[cfg(test)]
mod tests;
mod watch;

use std::process::ExitCode;

use anyhow::Result;
use clap::error::ErrorKind;

use crate::cli::{self, Cli, Command, Described, Drawn};

/// Does what was asked for. `program` is what people type to run this program.
pub(crate) async fn run(cli: Cli, program: &str) -> Result<ExitCode> {
    if !cli.connection.is_empty() && !connects(&cli.command) {
        let message = "flags of the connection belong to describe, graph and watch; the kubeconfig of a sandbox is \
                       named behind its command";
        cli::definition(program)
            .error(ErrorKind::ArgumentConflict, message)
            .exit();
    }
    match cli.command {
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Describe(it) => {
            let Described::Cluster(args) = &it.what;
            describe::run(&it.connection, args, program).await
        }
        Command::Graph(it) => {
            let Drawn::Cluster(args) = &it.what;
            graph::run(&it.connection, args).await
        }
        Command::Watch(args) => watch::run(&args, program).await,
        Command::Completion(args) => completion::run(&args, program),
        Command::Man(args) => man::run(&args, program),
        Command::Complete(args) => complete::run(&args).await,
    }
}

/// Whether a command connects to a management cluster.
const fn connects(command: &Command) -> bool {
    match command {
        Command::Describe(_) | Command::Graph(_) | Command::Watch(_) => true,
        Command::Sandbox(_) | Command::Completion(_) | Command::Man(_) | Command::Complete(_) => false,
    }
}
