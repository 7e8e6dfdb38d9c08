//! `cargo xtask ci`: every check, in order, with the seconds that it took.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::repository::{Mode, Repository, cargo};
use crate::{clients, crds, ecs_model, layers, situations, states, tidy};

/// How a step ended.
enum End {
    Passed,
    NotRun(String),
}

type Step = (&'static str, fn(&Repository) -> Result<End>);

const STEPS: &[Step] = &[
    ("fmt", |repository| {
        cargo_step(repository, &["fmt", "--all", "--check"], None)
    }),
    ("clippy", |repository| {
        // The flag goes to clippy and not into RUSTFLAGS, which would build everything a second time.
        let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        cargo_step(repository, &arguments, None)
    }),
    ("doc", |repository| {
        let arguments = ["doc", "--workspace", "--no-deps"];
        cargo_step(repository, &arguments, Some(("RUSTDOCFLAGS", "-D warnings")))
    }),
    ("wasm", wasm),
    ("crds", |repository| passed(crds::run(repository, Mode::Check))),
    ("ecs-model", |repository| passed(ecs_model::check(repository))),
    ("states", |repository| {
        passed(states::run(repository, Mode::Check))
    }),
    ("situations", |repository| {
        passed(situations::run(repository, Mode::Check))
    }),
    ("layers", |repository| {
        passed(layers::run(repository, Mode::Check))
    }),
    ("tidy", |repository| passed(tidy::run(repository))),
    ("deny", deny),
    // Those in Rust are tests of the workspace.
    ("clients", |repository| {
        Ok(match clients::python(repository)? {
            clients::Outcome::Passed => End::Passed,
            clients::Outcome::NotRun(why) => End::NotRun(why),
        })
    }),
];

/// Runs every step, also after one has failed, and fails if one has.
pub(crate) fn run(repository: &Repository) -> Result<()> {
    run_steps(repository, STEPS)
}

#[allow(
    clippy::disallowed_methods,
    reason = "how long a check took is measured on the real clock"
)]
fn run_steps(repository: &Repository, steps: &[Step]) -> Result<()> {
    let mut summary = Vec::new();
    let mut failed = Vec::new();
    for (name, step) in steps {
        println!("--- {name}");
        let started = std::time::Instant::now();
        let result = step(repository);
        let took = started.elapsed();
        let end = match result {
            Ok(End::Passed) => "passed".to_owned(),
            Ok(End::NotRun(why)) => format!("not run: {why}"),
            Err(error) => {
                eprintln!("error: {error:#}");
                failed.push(*name);
                "FAILED".to_owned()
            }
        };
        summary.push(line(name, took, &end));
    }
    println!("---\n{}", summary.join("\n"));
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

fn line(name: &str, took: Duration, end: &str) -> String {
    format!("{name:<10} {:>7.1} s  {end}", took.as_secs_f64())
}

fn passed(result: Result<()>) -> Result<End> {
    result.map(|()| End::Passed)
}

fn cargo_step(repository: &Repository, arguments: &[&str], variable: Option<(&str, &str)>) -> Result<End> {
    let mut command = Command::new(cargo());
    command.args(arguments).current_dir(repository.root());
    command.envs(variable);
    let status = command.status().context("run cargo")?;
    if !status.success() {
        bail!("cargo {} failed", arguments.join(" "));
    }
    Ok(End::Passed)
}

/// The decision core where there is no clock, no file and no thread.
fn wasm(repository: &Repository) -> Result<End> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let installed = repository.output("rustc", &["--print", "target-libdir", "--target", TARGET])?;
    if !Path::new(installed.trim()).is_dir() {
        return Ok(End::NotRun(
            "the target wasm32-unknown-unknown is not installed".to_owned(),
        ));
    }
    cargo_step(
        repository,
        &["check", "-p", "capt-core", "--target", TARGET],
        None,
    )
}

/// Licences, sources and banned crates. The advisories need the network and are left to who has one.
fn deny(repository: &Repository) -> Result<End> {
    if repository.output(&cargo(), &["deny", "--version"]).is_err() {
        return Ok(End::NotRun("cargo-deny is not installed".to_owned()));
    }
    cargo_step(
        repository,
        &["deny", "check", "licenses", "bans", "sources"],
        None,
    )
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    static RUN: AtomicUsize = AtomicUsize::new(0);

    #[test]
    fn every_step_runs_and_the_failed_ones_are_named() {
        let steps: &[Step] = &[
            ("first", |_| bail!("broken")),
            ("second", |_| Ok(End::NotRun("absent".to_owned()))),
            ("third", |_| {
                RUN.fetch_add(1, Ordering::SeqCst);
                Ok(End::Passed)
            }),
        ];
        let repository = Repository::of_this_crate();
        let error = run_steps(&repository, steps).unwrap_err();
        assert_eq!(error.to_string(), "failed: first");
        assert_eq!(RUN.load(Ordering::SeqCst), 1);
        assert!(run_steps(&repository, &steps[1..]).is_ok());
    }

    #[test]
    fn a_line_of_the_summary() {
        assert_eq!(
            line("fmt", Duration::from_millis(1_250), "passed"),
            "fmt            1.2 s  passed"
        );
    }
}
