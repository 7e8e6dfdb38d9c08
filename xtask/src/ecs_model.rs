//! `cargo xtask ecs-model`: the ECS API as JSON and as Rust, from the service model of AWS.

mod model;
mod names;
mod render;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use self::model::Model;
use crate::repository::{Mode, Repository};

const MODEL: &str = "crates/kecs-model/model/ecs.json";
const FOLDER: &str = "crates/kecs-model/src/generated";

/// Where the model comes from, and whether anything is written.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The service model: `service-2.json` of botocore, as it is or with `.gz`. Without it the Rust files are
    /// made from the model that is checked in.
    #[arg(long)]
    model: Option<PathBuf>,
    /// Change nothing; fail where something would be written.
    #[arg(long)]
    check: bool,
}

/// Writes or compares the model and the Rust files.
pub(crate) fn run(repository: &Repository, arguments: &Arguments) -> Result<()> {
    let mode = if arguments.check { Mode::Check } else { Mode::Write };
    if let Some(path) = &arguments.model {
        let model = source::read(path)?;
        let text = serde_json::to_string_pretty(&model)?;
        repository.generate(MODEL, &format!("{text}\n"), mode, "ecs-model")?;
    }
    let model: Model =
        serde_json::from_str(&repository.read(MODEL)?).with_context(|| format!("read {MODEL}"))?;
    let files = render::files(&model)?;
    let names: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
    for name in present(&repository.root().join(FOLDER))? {
        if names.contains(name.as_str()) {
            continue;
        }
        match mode {
            Mode::Check => bail!("{FOLDER}/{name} is not generated: run `cargo xtask ecs-model`"),
            Mode::Write => fs::remove_file(repository.root().join(FOLDER).join(&name))
                .with_context(|| format!("remove {FOLDER}/{name}"))?,
        }
    }
    for file in &files {
        repository.generate(&format!("{FOLDER}/{}", file.name), &file.text, mode, "ecs-model")?;
    }
    Ok(())
}

/// Compares the Rust files with the model that is checked in.
pub(crate) fn check(repository: &Repository) -> Result<()> {
    let arguments = Arguments {
        model: None,
        check: true,
    };
    run(repository, &arguments)
}

/// The files that are in the folder now.
fn present(folder: &Path) -> Result<Vec<String>> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_generated_is_in_step_with_the_model() {
        check(&Repository::of_this_crate()).unwrap();
    }
}
