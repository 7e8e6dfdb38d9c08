//! `cargo xtask mutants`: mistakes that a program plants in the core, which its tests have to find.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::repository::{Repository, cargo};

/// Where the runs write, a folder for each shard.
const OUTPUT: &str = "target/mutation";

/// Modules of the core whose mutants are run together; each module is in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shard {
    /// What depends on what.
    Graph,
    /// Retries, plans, the table of states, waits and progress.
    Mechanisms,
    /// Estimates, trends, time that does not count, and revisions.
    History,
    /// Checks, judgements and availability.
    Health,
    /// Faults and what is done about them.
    Recovery,
    /// What is kept of an object, and what every object does alike.
    Object,
    /// Control plane, cluster, template apply and workspace.
    Subjects,
}

impl Shard {
    const fn name(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Mechanisms => "mechanisms",
            Self::History => "history",
            Self::Health => "health",
            Self::Recovery => "recovery",
            Self::Object => "object",
            Self::Subjects => "subjects",
        }
    }

    /// Its modules, each with those below it.
    const fn modules(self) -> &'static [&'static str] {
        match self {
            Self::Graph => &["graph"],
            Self::Mechanisms => &["lifecycle", "machine", "plan", "progress", "retry", "wait"],
            Self::History => &["absence", "estimate", "revision", "trend"],
            Self::Health => &["health"],
            Self::Recovery => &["fault", "recovery"],
            Self::Object => &["advance", "condition", "decision", "object", "record"],
            Self::Subjects => &["cluster", "control_plane", "loss", "template_apply", "workspace"],
        }
    }

    /// What is built: the tests beside the code, and where they say something of it, those of
    /// `crates/capt-core/tests`.
    const fn targets(self) -> &'static [&'static str] {
        match self {
            Self::Graph | Self::Mechanisms | Self::History | Self::Health | Self::Recovery => &["--lib"],
            Self::Object | Self::Subjects => &["--lib", "--test=*"],
        }
    }

    /// What is said to the tests: the graph and the rest know nothing of each other, and its laws take long.
    const fn tests(self) -> &'static [&'static str] {
        match self {
            Self::Graph => &["graph::"],
            Self::Mechanisms
            | Self::History
            | Self::Health
            | Self::Recovery
            | Self::Object
            | Self::Subjects => &["--skip", "graph::"],
        }
    }
}

/// Runs one shard or all of them, and prints the row of each for docs/testing.md.
pub(crate) fn run(repository: &Repository, shard: Option<Shard>) -> Result<()> {
    ensure!(
        is_installed(),
        "cargo-mutants is not installed: `cargo install --locked cargo-mutants@27.1.0`, see https://mutants.rs"
    );
    let shards = shard.map_or_else(|| Shard::value_variants().to_vec(), |shard| vec![shard]);
    let mut rows = Vec::new();
    let mut survived = Vec::new();
    for shard in shards {
        run_shard(repository, shard)?;
        let end = End::of(repository, shard)?;
        if end.missed > 0 {
            survived.push(shard.name());
        }
        rows.push(end.row(shard));
    }
    println!("{}", rows.join("\n"));
    ensure!(survived.is_empty(), "mutants survive in {}", survived.join(", "));
    Ok(())
}

fn is_installed() -> bool {
    let version = Command::new(cargo())
        .args(["mutants", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

/// Runs a shard to its end, whatever became of its mutants.
fn run_shard(repository: &Repository, shard: Shard) -> Result<()> {
    /// All were caught; some were not; some were stopped by the clock, whatever became of the others.
    const ENDS: &[i32] = &[0, 2, 3];
    // It makes a folder, and none above that.
    let output = repository.root().join(OUTPUT).join(shard.name());
    fs::create_dir_all(&output).with_context(|| format!("create {}", output.display()))?;
    let mut command = Command::new(cargo());
    command
        .args(["mutants", "--package", "capt-core", "--output"])
        .arg(format!("{OUTPUT}/{}", shard.name()));
    for module in shard.modules() {
        for files in [format!("{module}.rs"), format!("{module}/**")] {
            command.arg("--file").arg(format!("crates/capt-core/src/{files}"));
        }
    }
    for target in shard.targets() {
        command.arg(format!("--cargo-arg={target}"));
    }
    let status = command
        .args(["--", "--"])
        .args(shard.tests())
        // The same cases in every run, and no search for a smaller one: that a case fails is all that counts.
        .env("PROPTEST_RNG_SEED", "1")
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        .current_dir(repository.root())
        .status()
        .context("run cargo mutants")?;
    ensure!(
        status.code().is_some_and(|code| ENDS.contains(&code)),
        "cargo mutants did not come to an end: {status}"
    );
    Ok(())
}

/// What became of the mutants of a shard.
struct End {
    /// A test failed, or went on for ever.
    caught: usize,
    /// Every test passed.
    missed: usize,
    /// It cannot be built.
    unviable: usize,
}

impl End {
    /// As the run has written it.
    fn of(repository: &Repository, shard: Shard) -> Result<Self> {
        let count = |what: &str| -> Result<usize> {
            let path = format!("{OUTPUT}/{}/mutants.out/{what}.txt", shard.name());
            Ok(repository.read(&path)?.lines().count())
        };
        Ok(Self {
            caught: count("caught")? + count("timeout")?,
            missed: count("missed")?,
            unviable: count("unviable")?,
        })
    }

    /// A row of the table in docs/testing.md, up to what is exempt.
    fn row(&self, shard: Shard) -> String {
        let Self {
            caught,
            missed,
            unviable,
        } = self;
        let all = caught + missed + unviable;
        let (name, modules) = (shard.name(), shard.modules().join(", "));
        format!("| {name} | {modules} | {all} | {caught} | {missed} | {unviable} |")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_of_the_core_is_in_one_shard() {
        let source = Repository::of_this_crate().root().join("crates/capt-core/src");
        let files = fs::read_dir(source)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let mut modules: Vec<String> = files
            .filter_map(|file| Some(file.to_str()?.strip_suffix(".rs")?.to_owned()))
            .filter(|module| module != "lib")
            .collect();
        modules.sort_unstable();
        let mut in_shards: Vec<&str> = Shard::value_variants()
            .iter()
            .flat_map(|shard| shard.modules())
            .copied()
            .collect();
        in_shards.sort_unstable();
        assert_eq!(in_shards, modules);
    }

    #[test]
    fn a_shard_is_asked_for_by_its_name() {
        for shard in Shard::value_variants() {
            assert_eq!(shard.to_possible_value().unwrap().get_name(), shard.name());
        }
    }
}
