//! The files of the repository, and the programs that are run over them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Whether generated files are written or only compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Written where they differ.
    Write,
    /// Compared; a difference is an error.
    Check,
}

/// The root of the repository.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    root: PathBuf,
}

impl Repository {
    /// The repository that this program was built from.
    pub(crate) fn of_this_crate() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("xtask lies in the repository");
        Self {
            root: root.to_path_buf(),
        }
    }

    /// Its root folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The text of a file.
    pub(crate) fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.root.join(path)).with_context(|| format!("read {path}"))
    }

    /// Every file that is or could be committed, relative to the root and sorted.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let listed = self.output(
            "git",
            &["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        )?;
        let mut files: Vec<String> = listed
            .split('\0')
            .filter(|path| !path.is_empty() && self.root.join(path).is_file())
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        ensure!(!files.is_empty(), "git lists no files");
        Ok(files)
    }

    /// Makes the file hold `text`, or says that it does not.
    pub(crate) fn generate(&self, path: &str, text: &str, mode: Mode, verb: &str) -> Result<()> {
        let file = self.root.join(path);
        let present = fs::read_to_string(&file).ok();
        if present.as_deref() == Some(text) {
            return Ok(());
        }
        match mode {
            Mode::Check => bail!("{path} is out of date: run `cargo xtask {verb}`"),
            Mode::Write => {
                if let Some(folder) = file.parent() {
                    fs::create_dir_all(folder).with_context(|| format!("create the folder of {path}"))?;
                }
                fs::write(&file, text).with_context(|| format!("write {path}"))?;
                println!("wrote {path}");
                Ok(())
            }
        }
    }

    /// What a program prints on stdout. Fails if it does.
    pub(crate) fn output(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&self.root)
            .output()
            .with_context(|| format!("run {program}"))?;
        ensure!(
            output.status.success(),
            "{program} {} failed:\n{}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).with_context(|| format!("read what {program} prints"))
    }
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
