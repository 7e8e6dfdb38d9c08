//! `cargo xtask model`: the long run of the model checker over the decisions.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::repository::{Repository, cargo};

/// Runs it, built for speed; what it says goes to the standard output.
pub(crate) fn run(repository: &Repository) -> Result<()> {
    let status = Command::new(cargo())
        .args(["run", "--quiet", "--release", "-p", "model", "--bin", "model"])
        .current_dir(repository.root())
        .status()
        .context("run the model checker")?;
    ensure!(status.success(), "the model checker has found something");
    Ok(())
}
