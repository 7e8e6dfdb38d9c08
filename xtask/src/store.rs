//! `cargo xtask store duckdb`: the tests and the bench of an engine whose library CI has not.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::repository::{Repository, cargo};

/// The library that the crate `duckdb` is made for, as its version in `Cargo.toml` says.
const DUCKDB: &str = "1.5.6";
/// The variable that names the directory of the library.
const PLACE: &str = "DUCKDB_LIB_DIR";
/// Seconds of each of the bench's runs, and clients.
const BENCH: [&str; 2] = ["2", "64"];

/// Engines that are off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Engine {
    /// `DuckDB`.
    Duckdb,
}

/// What is run.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Arguments {
    /// Whose tests and bench.
    engine: Engine,
    /// Without the bench, which is built with optimisation.
    #[arg(long)]
    no_bench: bool,
}

/// Runs what every store is held to on the engine, and measures it beside the others.
pub(crate) fn run(repository: &Repository, arguments: Arguments) -> Result<()> {
    match arguments.engine {
        Engine::Duckdb => duckdb(repository, arguments.no_bench),
    }
}

fn duckdb(repository: &Repository, no_bench: bool) -> Result<()> {
    let place = library(env::var_os(PLACE).map(PathBuf::from).as_deref())?;
    let run = |arguments: &[&str]| -> Result<()> {
        let mut command = Command::new(cargo());
        command.args(arguments).current_dir(repository.root());
        command.env(PLACE, &place).env("LD_LIBRARY_PATH", search(&place)?);
        let status = command.status().context("run cargo")?;
        ensure!(status.success(), "cargo {} failed", arguments.join(" "));
        Ok(())
    };
    let test = ["test", "-p", "kecs-store", "--features", "duckdb"];
    let what = [
        "--lib",
        "--test",
        "duckdb",
        "--test",
        "durability",
        "--test",
        "linearizable",
    ];
    run(&[test.as_slice(), &what].concat())?;
    if no_bench {
        return Ok(());
    }
    let folder = env::temp_dir().join(format!("kecs-store-{}", std::process::id()));
    let bench = ["run", "--release", "-p", "kecs-store", "--features", "duckdb"];
    let what = [
        "--example",
        "throughput",
        "--",
        folder.to_str().context("the folder of the bench")?,
    ];
    let measured = run(&[bench.as_slice(), &what, &BENCH].concat());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("remove the files of the bench")?;
    }
    measured
}

/// The directory of the library, as the variable names it.
fn library(named: Option<&Path>) -> Result<PathBuf> {
    let lacking = match named {
        Some(place) if place.join("libduckdb.so").is_file() => {
            // What is linked looks from elsewhere.
            return place
                .canonicalize()
                .with_context(|| format!("find {}", place.display()));
        }
        Some(place) => format!("there is no libduckdb.so in {}", place.display()),
        None => format!("{PLACE} does not say where libduckdb.so is"),
    };
    bail!(
        "{lacking}.\n\
         The library of DuckDB {DUCKDB}, and of no other version, is in libduckdb-linux-amd64.zip of\n\
         https://github.com/duckdb/duckdb/releases/tag/v{DUCKDB}, and in a package of npm:\n\
         \n\
         \x20   npm pack @duckdb/node-bindings-linux-x64@{DUCKDB}-r.1\n\
         \x20   tar -xzf duckdb-node-bindings-linux-x64-{DUCKDB}-r.1.tgz\n\
         \x20   {PLACE}=$PWD/package cargo xtask store duckdb"
    )
}

/// Where programs look for libraries: there first.
fn search(place: &Path) -> Result<std::ffi::OsString> {
    let before = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let all = std::iter::once(place.to_owned()).chain(env::split_paths(&before));
    env::join_paths(all.filter(|it| !it.as_os_str().is_empty())).context("the path of libraries")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_is_of_the_library_that_is_asked_for() {
        let manifest = Repository::of_this_crate().read("Cargo.toml").unwrap();
        let parts: Vec<u32> = DUCKDB.split('.').map(|it| it.parse().unwrap()).collect();
        // 1.5.6 is 1.10506 among crates.
        let version = 10_000 * parts[0] + 100 * parts[1] + parts[2];
        let line = format!("\nduckdb = {{ version = \"~1.{version}\", default-features = false }}\n");
        assert!(manifest.contains(&line), "{line}");
    }

    #[test]
    fn who_has_no_library_is_told_where_it_is() {
        let told = library(None).unwrap_err().to_string();
        assert!(
            told.starts_with("DUCKDB_LIB_DIR does not say where libduckdb.so is.\n"),
            "{told}"
        );
        assert!(
            told.contains("npm pack @duckdb/node-bindings-linux-x64@1.5.6-r.1\n"),
            "{told}"
        );
        let told = library(Some(Path::new("/nowhere"))).unwrap_err().to_string();
        assert!(
            told.starts_with("there is no libduckdb.so in /nowhere.\n"),
            "{told}"
        );
    }
}
