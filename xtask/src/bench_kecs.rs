//! `cargo xtask bench kecs`: the same load on KECS with each store, on what answers without thinking, and on moto.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::clients;
use crate::repository::{Repository, cargo};

/// What moto's server is installed from.
const MOTO: &str = "tests/clients/moto.txt";

/// Measures; what comes of it goes to the standard output.
pub(crate) fn run(repository: &Repository) -> Result<()> {
    let moto = clients::venv(repository, MOTO)?;
    let moto = match moto {
        Ok(venv) => Some(venv.join("bin/moto_server")),
        Err(why) => {
            println!("not run: {why}");
            None
        }
    };
    // One after the other: together they would have other features, and the load would build its server once more.
    for package in ["kecs", "clients"] {
        let mut command = Command::new(cargo());
        command.args(["build", "--quiet", "--release", "--bins", "-p", package]);
        let built = command
            .current_dir(repository.root())
            .status()
            .with_context(|| format!("build {package}"))?;
        ensure!(built.success(), "{package} does not build");
    }
    let mut command = Command::new(cargo());
    command.args([
        "run",
        "--quiet",
        "--release",
        "-p",
        "clients",
        "--bin",
        "load",
        "--",
        "compare",
    ]);
    if let Some(moto) = &moto {
        command.arg("--moto").arg(moto);
    }
    let status = command
        .current_dir(repository.root())
        .status()
        .context("run the load")?;
    ensure!(status.success(), "the load has not come to its end");
    Ok(())
}
