//! `cargo xtask fuzz`: the fuzz targets of the decision core, which need a nightly toolchain and cargo-fuzz, and requests
//! on a KECS server, which need neither.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum as _;

use crate::repository::{Repository, cargo};

/// The folder that is the crate of the targets.
const FOLDER: &str = "crates/capt-core";

/// What is fuzzed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Target {
    /// The dependency graph against a naive model.
    Graph,
    /// Every subject in any state.
    Decide,
    /// Bodies and headers of requests on a KECS server.
    Wire,
}

impl Target {
    const fn name(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Decide => "decide",
            Self::Wire => "wire",
        }
    }

    /// How long its inputs are.
    const fn lengths(self) -> &'static [&'static str] {
        match self {
            Self::Graph | Self::Wire => &[],
            // A situation is mostly empty below some hundred bytes: they are not grown slowly.
            Self::Decide => &["-len_control=0", "-max_len=1500"],
        }
    }
}

/// Fuzzes one target, or all in turn, for so many seconds each. It begins with the corpus of the repository; what it
/// finds beside that goes into the folder of the build.
pub(crate) fn run(repository: &Repository, target: Option<Target>, seconds: u32) -> Result<()> {
    let targets = target.map_or_else(|| Target::value_variants().to_vec(), |target| vec![target]);
    for target in targets {
        let name = target.name();
        if target == Target::Wire {
            wire(repository, seconds)?;
            continue;
        }
        let found = format!("fuzz/target/corpus/{name}");
        std::fs::create_dir_all(repository.root().join(FOLDER).join(&found))
            .with_context(|| format!("create the folder {found}"))?;
        let status = fuzz(target, &found, seconds)
            .current_dir(repository.root().join(FOLDER))
            .status()
            .context("run cargo through rustup")?;
        ensure!(
            status.success(),
            "fuzzing {name} has found something, or `cargo +nightly fuzz` is not installed"
        );
    }
    Ok(())
}

fn wire(repository: &Repository, seconds: u32) -> Result<()> {
    let mut command = Command::new(cargo());
    command.args([
        "run",
        "--quiet",
        "--release",
        "-p",
        "clients",
        "--bin",
        "fuzz",
        "--",
    ]);
    command.arg(format!("--seconds={seconds}"));
    let status = command.current_dir(repository.root()).status();
    let status = status.context("run the requests")?;
    ensure!(status.success(), "fuzzing wire has found something");
    Ok(())
}

fn fuzz(target: Target, found: &str, seconds: u32) -> Command {
    let name = target.name();
    // The variables name the toolchain of this program, and would win over the one that is asked for.
    let mut command = Command::new("cargo");
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    command.args(["+nightly", "fuzz", "run", name, found]);
    command.arg(format!("fuzz/corpus/{name}"));
    command.args([
        "--",
        &format!("-max_total_time={seconds}"),
        "-print_final_stats=1",
    ]);
    command.args(target.lengths());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_finds_go_beside_the_corpus_and_the_time_is_bounded() {
        let arguments = |target| {
            let command = fuzz(target, "found", 600);
            let arguments: Vec<_> = command.get_args().map(|it| it.to_string_lossy()).collect();
            arguments.join(" ")
        };
        assert_eq!(
            arguments(Target::Graph),
            "+nightly fuzz run graph found fuzz/corpus/graph -- -max_total_time=600 -print_final_stats=1"
        );
        assert_eq!(
            arguments(Target::Decide),
            "+nightly fuzz run decide found fuzz/corpus/decide -- -max_total_time=600 -print_final_stats=1 \
             -len_control=0 -max_len=1500"
        );
    }
}
