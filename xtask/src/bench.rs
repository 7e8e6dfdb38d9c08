//! `cargo xtask bench`: what things cost, and which goals are met.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::bench_kecs;
use crate::repository::{Repository, cargo};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Subject {
    /// Rounds and the dependency graph of the decision core.
    Core,
    /// The ECS API of KECS under load, by store, beside others.
    Kecs,
}

/// Measures; what comes of it goes to the standard output. A goal that is missed is told there and is no error.
pub(crate) fn run(repository: &Repository, subject: Subject) -> Result<()> {
    match subject {
        Subject::Core => bench(repository, "capt-core", "core"),
        Subject::Kecs => bench_kecs::run(repository),
    }
}

fn bench(repository: &Repository, package: &str, bench: &str) -> Result<()> {
    let status = Command::new(cargo())
        .args(["bench", "--quiet", "-p", package, "--bench", bench])
        .current_dir(repository.root())
        .status()
        .context("run the bench")?;
    ensure!(status.success(), "the bench of {package} has not come to its end");
    Ok(())
}
