//! Where a sandbox keeps what it needs: a directory that goes with it, or one that stays.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use capt_sandbox::DataDir;
use tempfile::TempDir;

/// A directory that no other sandbox uses, and that nobody else can look into.
pub(super) enum Place {
    /// It goes with the sandbox.
    Passing(TempDir),
    /// It stays.
    Lasting {
        /// Until the sandbox has it.
        data: Option<DataDir>,
        /// The directory.
        path: PathBuf,
    },
}

impl Place {
    /// The directory that was named, or a new one.
    pub(super) fn take(named: Option<&Path>) -> Result<Self> {
        let Some(named) = named else {
            return directory().map(Self::Passing);
        };
        let data = DataDir::open(named)?;
        Ok(Self::Lasting {
            path: data.path().to_owned(),
            data: Some(data),
        })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Passing(directory) => directory.path(),
            Self::Lasting { path, .. } => path,
        }
    }

    /// Whether it outlives the sandbox.
    pub(super) const fn is_lasting(&self) -> bool {
        match self {
            Self::Passing(_) => false,
            Self::Lasting { .. } => true,
        }
    }

    /// Whether a sandbox has applied manifests here before.
    pub(super) fn has_begun(&self) -> bool {
        match self {
            Self::Passing(_) => false,
            Self::Lasting { data, .. } => data.as_ref().is_some_and(DataDir::has_begun),
        }
    }

    /// Where the kubeconfig is, unless somebody says otherwise.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        match self {
            Self::Lasting { data: Some(data), .. } => data.kubeconfig(),
            Self::Passing(_) | Self::Lasting { .. } => self.path().join("kubeconfig"),
        }
    }

    /// Where Terraform works.
    pub(super) fn work(&self) -> PathBuf {
        match self {
            Self::Passing(directory) => directory.path().to_owned(),
            Self::Lasting { path, .. } => DataDir::work_in(path),
        }
    }

    /// Where the simulated engine keeps what it has made, if that outlives the sandbox.
    pub(super) fn simulated(&self) -> Option<PathBuf> {
        match self {
            Self::Passing(_) => None,
            Self::Lasting { data, .. } => data.as_ref().map(DataDir::simulated),
        }
    }

    /// What the sandbox needs of it.
    pub(super) fn take_data(&mut self) -> Option<DataDir> {
        match self {
            Self::Passing(_) => None,
            Self::Lasting { data, .. } => data.take(),
        }
    }

    /// Leaves it where it is.
    pub(super) fn keep(self) {
        if let Self::Passing(directory) = self {
            // Whatever works in it goes on.
            let _ = directory.keep();
        }
    }

    /// Removes it, if it is one that goes with the sandbox.
    pub(super) fn close(self) -> Result<()> {
        match self {
            Self::Passing(directory) => directory.close().context("remove the sandbox's directory"),
            Self::Lasting { .. } => Ok(()),
        }
    }
}

fn directory() -> Result<TempDir> {
    let base = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|base| base.is_dir());
    let base = base.unwrap_or_else(std::env::temp_dir);
    let mut builder = tempfile::Builder::new();
    builder
        .prefix("capt-sandbox-")
        .permissions(Permissions::from_mode(0o700));
    let made = builder.tempdir_in(&base);
    made.with_context(|| format!("make a directory in {}", base.display()))
}
