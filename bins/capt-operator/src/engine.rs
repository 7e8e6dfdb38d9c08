//! Which engine runs workspaces.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use capt_terraform::cli::locate;
use capt_terraform::{Cli, CliOptions, Engine, Simulated, SimulatedCloud};
use clap::{Args, ValueEnum};

/// The engines that can be asked for.
#[allow(
    clippy::doc_markdown,
    reason = "these doc comments are the help text, which people read as it is"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum EngineName {
    /// Terraform if there is one on PATH, else OpenTofu.
    #[default]
    Auto,
    /// HashiCorp Terraform.
    Terraform,
    /// OpenTofu.
    Tofu,
    /// A simulation: nothing real is made.
    Simulated,
}

/// How Terraform is run.
#[derive(Debug, Clone, Args)]
pub struct EngineArgs {
    /// What runs workspaces
    #[arg(long, value_enum, default_value_t = EngineName::Auto, value_name = "ENGINE")]
    pub engine: EngineName,

    /// Where working directories are kept. A run that goes on over a restart is found again there
    #[arg(long, value_name = "DIR")]
    pub work_dir: Option<PathBuf>,

    /// Terraform's own configuration file, for mirrors and credentials of registries
    #[arg(long, value_name = "FILE")]
    pub terraform_config: Option<PathBuf>,
}

/// What `auto` does where there is neither Terraform nor `OpenTofu`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Simulates, and says so.
    Simulate,
    /// Gives up: what is reported would not exist.
    Refuse,
}

/// An engine, and what people should know about it.
#[derive(Clone)]
pub struct Chosen {
    /// The engine.
    pub engine: Arc<dyn Engine>,
    /// Its name and version.
    pub title: String,
    /// What is out of the ordinary about it.
    pub notice: Option<String>,
}

/// Finds the engine that the arguments ask for. `work_dir` counts where they name none; in the file `kept` a
/// simulation keeps what it has made, without one that ends with the process; `env` reads the environment.
///
/// Fails if it is not there or cannot be used.
pub async fn choose(
    args: &EngineArgs,
    work_dir: &Path,
    kept: Option<&Path>,
    fallback: Fallback,
    env: impl Fn(&str) -> Option<OsString> + Copy,
) -> Result<Chosen> {
    let names: &[&str] = match args.engine {
        EngineName::Auto => &["terraform", "tofu"],
        EngineName::Terraform => &["terraform"],
        EngineName::Tofu => &["tofu"],
        EngineName::Simulated => &[],
    };
    let search_path = env("PATH").unwrap_or_default();
    if let Some(binary) = names.iter().find_map(|name| locate(name, &search_path)) {
        return program(args, work_dir, binary, env).await;
    }
    let notice = match (args.engine, fallback) {
        (EngineName::Simulated, _) => None,
        (EngineName::Auto, Fallback::Simulate) => {
            Some("neither terraform nor tofu was found on PATH, so nothing real is made".to_owned())
        }
        (EngineName::Auto, Fallback::Refuse) => bail!(
            "neither terraform nor tofu was found on PATH; install one of them, or say --engine simulated to have \
             everything simulated"
        ),
        (EngineName::Terraform | EngineName::Tofu, _) => {
            bail!("{} was not found on PATH", names.join(" nor "))
        }
    };
    Ok(Chosen {
        engine: Arc::new(Simulated::new(cloud(kept)?)),
        title: "simulated".to_owned(),
        notice,
    })
}

/// What the simulation has made: what is in the file, where there is one, and from now on everything.
fn cloud(kept: Option<&Path>) -> Result<SimulatedCloud> {
    let Some(path) = kept else {
        return Ok(SimulatedCloud::default());
    };
    let reading = || format!("read {}", path.display());
    let cloud = match std::fs::read(path) {
        Ok(bytes) => SimulatedCloud::restore(&bytes).with_context(reading)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => SimulatedCloud::default(),
        Err(error) => return Err(error).with_context(reading),
    };
    let path = path.to_owned();
    cloud.keep(Arc::new(move |bytes| {
        if let Err(error) = write_whole(&path, bytes) {
            tracing::error!(path = %path.display(), %error, "what the simulation has made is not kept");
        }
    }));
    Ok(cloud)
}

/// Writes a file that only its owner can read, in one step: it is there wholly, or as it was before.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;

    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

async fn program(
    args: &EngineArgs,
    work_dir: &Path,
    binary: PathBuf,
    env: impl Fn(&str) -> Option<OsString>,
) -> Result<Chosen> {
    let work_dir = args.work_dir.as_deref().unwrap_or(work_dir);
    let work_dir = std::path::absolute(work_dir).with_context(|| format!("find {}", work_dir.display()))?;
    let mut options = CliOptions::new(binary.clone(), work_dir.join("workspaces"), env);
    options.plugin_cache = Some(work_dir.join("providers"));
    options.cli_config = match &args.terraform_config {
        Some(file) => Some(std::fs::canonicalize(file).with_context(|| format!("read {}", file.display()))?),
        None => None,
    };
    let cli = Cli::probe(options)
        .await
        .with_context(|| format!("use {}", binary.display()))?;
    let version = cli
        .version()
        .await
        .with_context(|| format!("ask {} for its version", binary.display()))?;
    Ok(Chosen {
        title: format!("{} {version}", cli.kind()),
        engine: Arc::new(cli),
        notice: None,
    })
}

/// Where an operator keeps its working directories unless it is told: the same place at every start, so that
/// it finds the runs that went on without it.
pub(crate) fn default_work_dir(env: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    if env("KUBERNETES_SERVICE_HOST").is_some() {
        return Ok(PathBuf::from("/var/lib/capt"));
    }
    let absolute = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    let state = state.context("neither XDG_STATE_HOME nor HOME is set: name a --work-dir")?;
    Ok(state.join("capt/operator"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(engine: EngineName) -> EngineArgs {
        EngineArgs {
            engine,
            work_dir: None,
            terraform_config: None,
        }
    }

    async fn without_programs(engine: EngineName, fallback: Fallback) -> Result<Chosen> {
        choose(&args(engine), Path::new("/nonexistent"), None, fallback, |_| None).await
    }

    #[tokio::test]
    async fn a_sandbox_without_terraform_simulates_and_says_so() {
        let chosen = without_programs(EngineName::Auto, Fallback::Simulate)
            .await
            .unwrap();
        assert_eq!(chosen.title, "simulated");
        let notice = chosen.notice.unwrap();
        assert!(
            notice.starts_with("neither terraform nor tofu was found"),
            "{notice}"
        );
        // Who asks for it knows it.
        let asked = without_programs(EngineName::Simulated, Fallback::Refuse)
            .await
            .unwrap();
        assert_eq!((asked.title.as_str(), asked.notice), ("simulated", None));
    }

    #[tokio::test]
    async fn nothing_is_simulated_behind_the_back_of_a_real_cluster() {
        for (engine, fallback) in [
            (EngineName::Auto, Fallback::Refuse),
            (EngineName::Terraform, Fallback::Simulate),
            (EngineName::Tofu, Fallback::Simulate),
        ] {
            let refused = without_programs(engine, fallback).await.err().unwrap();
            assert!(refused.to_string().contains("found on PATH"), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_simulation_finds_what_it_has_made() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("deep/simulated.json");
        let chosen = || async {
            let args = args(EngineName::Simulated);
            choose(&args, place.path(), Some(&file), Fallback::Refuse, |_| None).await
        };
        chosen().await.unwrap();
        assert!(file.is_file(), "it is there from the beginning");
        chosen().await.unwrap();
        std::fs::write(&file, "{").unwrap();
        let refused = chosen().await.err().unwrap();
        assert_eq!(refused.to_string(), format!("read {}", file.display()));
    }

    #[test]
    fn working_directories_are_found_again_after_a_restart() {
        let of = |pairs: &'static [(&str, &str)]| {
            default_work_dir(|name| pairs.iter().find(|it| it.0 == name).map(|it| it.1.into()))
        };
        assert_eq!(
            of(&[("HOME", "/users/a")]).unwrap(),
            Path::new("/users/a/.local/state/capt/operator")
        );
        assert_eq!(
            of(&[("HOME", "/users/a"), ("XDG_STATE_HOME", "/state")]).unwrap(),
            Path::new("/state/capt/operator")
        );
        assert_eq!(
            of(&[("HOME", "/users/a"), ("KUBERNETES_SERVICE_HOST", "10.0.0.1")]).unwrap(),
            Path::new("/var/lib/capt")
        );
        assert!(of(&[]).is_err());
    }
}
