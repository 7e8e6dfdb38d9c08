//! Repository automation: `cargo xtask`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks on stdout and stderr"
)]

mod bench;
mod bench_kecs;
mod ci;
mod clients;
mod crds;
mod ecs_model;
mod fuzz;
mod layers;
mod model;
mod mutants;
mod repository;
mod situations;
mod states;
mod store;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::repository::{Mode, Repository};

/// What the repository generates and checks about itself.
#[derive(Debug, Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Writes the custom resource definitions into deploy/crds.
    Crds(Check),
    /// Writes what the ECS API looks like into crates/kecs-model.
    EcsModel(ecs_model::Arguments),
    /// Writes the tables of states into docs/reference.
    States(Check),
    /// Writes what the scenarios say of themselves into docs/reference/situations.md.
    Situations(Check),
    /// Checks who imports whom, and writes the table into ARCHITECTURE.md.
    Layers(Check),
    /// Goes through millions of worlds with the decisions of the core; takes minutes and some GiB of memory.
    Model,
    /// Measures what things cost, and says which goals are met; takes minutes of a machine that does nothing else.
    Bench {
        /// What is measured.
        subject: bench::Subject,
    },
    /// Runs boto3, the AWS CLI and the AWS SDK for Rust against KECS; takes minutes.
    Clients(clients::Arguments),
    /// Runs the tests and the bench of a store's engine whose library CI has not; takes minutes.
    Store(store::Arguments),
    /// Fuzzes the decision core, which needs a nightly toolchain and cargo-fuzz, and the wire of KECS.
    Fuzz {
        /// What is fuzzed; everything in turn if not named.
        target: Option<fuzz::Target>,
        /// How long each target is fuzzed, in seconds.
        #[arg(long, default_value_t = 600)]
        seconds: u32,
    },
    /// Plants mistakes in the core and sees whether its tests find them; takes an hour or more.
    Mutants {
        /// The part of the core; all of it without.
        shard: Option<mutants::Shard>,
    },
    /// Checks file lengths, lints, markers, links and machine paths.
    Tidy,
    /// Runs every check in order.
    Ci,
}

#[derive(Debug, clap::Args)]
struct Check {
    /// Change nothing; fail where something would be written.
    #[arg(long)]
    check: bool,
}

impl Check {
    fn mode(&self) -> Mode {
        if self.check { Mode::Check } else { Mode::Write }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let repository = Repository::of_this_crate();
    let result = match arguments.verb {
        Verb::Crds(check) => crds::run(&repository, check.mode()),
        Verb::EcsModel(arguments) => ecs_model::run(&repository, &arguments),
        Verb::States(check) => states::run(&repository, check.mode()),
        Verb::Situations(check) => situations::run(&repository, check.mode()),
        Verb::Layers(check) => layers::run(&repository, check.mode()),
        Verb::Model => model::run(&repository),
        Verb::Bench { subject } => bench::run(&repository, subject),
        Verb::Clients(arguments) => clients::run(&repository, arguments),
        Verb::Store(arguments) => store::run(&repository, arguments),
        Verb::Fuzz { target, seconds } => fuzz::run(&repository, target, seconds),
        Verb::Mutants { shard } => mutants::run(&repository, shard),
        Verb::Tidy => tidy::run(&repository),
        Verb::Ci => ci::run(&repository),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
