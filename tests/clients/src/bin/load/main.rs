//! A load of requests on a server of the ECS API, and what it measures.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks on stdout and stderr"
)]

#[allow(dead_code, reason = "the tests of the store need more of it")]
#[allow(
    clippy::unwrap_used,
    reason = "without a database there is nothing to measure"
)]
#[path = "../../../../../crates/kecs-store/tests/conformance/cluster.rs"]
mod cluster;
mod compare;
mod http;
mod measure;
mod mix;
mod respond;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::mix::Mix;

#[derive(Debug, Parser)]
#[command(name = "load")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Puts a load on a server that runs, and prints what was measured.
    Run {
        /// Host and port of the server.
        address: String,
        #[arg(long, value_enum, default_value_t = Mix::Records)]
        mix: Mix,
        /// How many connections there are, each with one request at a time.
        #[arg(long, default_value_t = 64)]
        connections: usize,
        /// For how long, after a second that is not measured.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Answers every request with the same few bytes: how fast the load itself can be.
    Respond,
    /// Measures KECS by store beside what answers without thinking, and beside `moto_server` if it is there.
    Compare {
        /// The program `moto_server`.
        #[arg(long)]
        moto: Option<PathBuf>,
        #[arg(long, default_value_t = 64)]
        connections: usize,
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    match Arguments::parse().verb {
        Verb::Run {
            address,
            mix,
            connections,
            seconds,
        } => {
            let measured = measure::run(&address, mix, connections, Duration::from_secs(seconds)).await?;
            print!("{}", measured.table());
        }
        Verb::Respond => respond::run().await?,
        Verb::Compare {
            moto,
            connections,
            seconds,
        } => compare::run(moto.as_deref(), connections, Duration::from_secs(seconds)).await?,
    }
    Ok(())
}
