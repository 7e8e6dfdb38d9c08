//! A directory that outlives a sandbox: started again with it, the sandbox goes on where it was.
//!
//! ```text
//! lock             held while a sandbox runs; its process id
//! sandbox.json     who the API server is (certificate authority, token), where it listens, the kubeconfig's place
//!                  (relative where it is in this directory, which may be moved or copied)
//! world            every object of the cluster, as a log of its writes
//! kubeconfig       unless it was put elsewhere
//! work/            Terraform's working directories and providers
//! simulated.json   what the simulated engine has made
//! ```
//!
//! Whoever can read the directory may do everything in the sandbox, and reads its Secrets: it is for its owner alone.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use kube_sim::Credentials;
use serde::{Deserialize, Serialize};

/// The format of `sandbox.json` that is written, and the only one that is read.
const FORMAT: u32 = 1;

/// The file with the settings.
const SETTINGS: &str = "sandbox.json";

/// The kubeconfig, unless somebody says otherwise.
const KUBECONFIG: &str = "kubeconfig";

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another sandbox runs with it.
    #[error(
        "the sandbox {} is running already{}: use it, stop it, or name another directory",
        .path.display(), process(.pid.as_ref())
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process of that sandbox, where it has said so.
        pid: Option<u32>,
    },
    /// There is something else in it.
    #[error("{} is not empty and not a sandbox's: name another directory, or one that is not there yet", .0.display())]
    Foreign(PathBuf),
    /// It cannot be read or written.
    #[error("{action} {}", .path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What is in `sandbox.json` cannot be understood.
    #[error("read {}", .path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Another version of this program has written it.
    #[error(
        "{} has format {found}, and this program reads format {FORMAT} only: use the program that wrote it, or name \
         another directory", .path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The objects are gone while the rest is there.
    #[error("{} is missing: without it the objects of this sandbox are lost; name another directory to begin anew", .0.display())]
    WorldMissing(PathBuf),
}

/// ` (process 7)`, where the process is known.
pub(crate) fn process(pid: Option<&u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

/// What does not change from start to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Settings {
    format: u32,
    /// Who the API server is.
    pub(crate) credentials: Credentials,
    /// Where it has listened.
    pub(crate) port: u16,
    /// Where the kubeconfig is.
    pub(crate) kubeconfig: PathBuf,
    /// Whether the first manifests were applied.
    pub(crate) begun: bool,
}

impl Settings {
    /// Those of a sandbox that is started for the first time.
    pub(crate) fn new(credentials: Credentials, port: u16, kubeconfig: PathBuf) -> Self {
        Self {
            format: FORMAT,
            credentials,
            port,
            kubeconfig,
            begun: false,
        }
    }
}

/// A directory that this process alone uses, until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    settings: Option<Settings>,
    /// The lock is the system's: it goes with the process, however that ends.
    _lock: File,
}

impl DataDir {
    /// Takes a directory, which is made if it is not there.
    ///
    /// Fails if another sandbox has it, if there is something else in it, or if it cannot be read.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let failed = |action, path: &Path| {
            let path = path.to_owned();
            move |source| DataDirError::File { action, path, source }
        };
        let path = resolve(path).map_err(failed("find", path))?;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(failed("make the directory", &path))?;
        let lock_path = path.join("lock");
        if !lock_path.exists() {
            let mut entries = std::fs::read_dir(&path).map_err(failed("look into", &path))?;
            if entries.next().is_some() {
                return Err(DataDirError::Foreign(path));
            }
        }
        let lock = take(&lock_path, &path)?;
        let mut settings = read_settings(&path.join(SETTINGS))?;
        if let Some(settings) = &mut settings {
            settings.kubeconfig = place_of_kubeconfig(&settings.kubeconfig, &path);
        }
        Ok(Self {
            path,
            settings,
            _lock: lock,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the working directories of Terraform belong in such a directory.
    pub fn work_in(directory: &Path) -> PathBuf {
        directory.join("work")
    }

    /// Where the simulated engine keeps what it has made.
    pub fn simulated(&self) -> PathBuf {
        self.path.join("simulated.json")
    }

    /// Where the kubeconfig is: where it was the last time, else in this directory.
    pub fn kubeconfig(&self) -> PathBuf {
        let before = self.settings.as_ref().map(|settings| settings.kubeconfig.clone());
        before.unwrap_or_else(|| self.path.join(KUBECONFIG))
    }

    /// Whether manifests were applied before: a cluster is there, or was deleted.
    pub fn has_begun(&self) -> bool {
        self.settings.as_ref().is_some_and(|settings| settings.begun)
    }

    /// Where the world is kept.
    pub(crate) fn world(&self) -> PathBuf {
        self.path.join("world")
    }

    pub(crate) fn settings(&self) -> Option<&Settings> {
        self.settings.as_ref()
    }

    /// Writes the settings down, in one step.
    pub(crate) fn set_settings(&mut self, settings: Settings) -> Result<(), DataDirError> {
        let path = self.path.join(SETTINGS);
        let mut written = settings.clone();
        if let Ok(inside) = settings.kubeconfig.strip_prefix(&self.path) {
            inside.clone_into(&mut written.kubeconfig);
        }
        let text = serde_json::to_string_pretty(&written).expect("settings are JSON");
        kube_sim::write_kubeconfig(&path, &text).map_err(|source| DataDirError::File {
            action: "write",
            path,
            source,
        })?;
        self.settings = Some(settings);
        Ok(())
    }

    /// Remembers that manifests were applied.
    pub(crate) fn begin(&mut self) -> Result<(), DataDirError> {
        match self.settings.clone() {
            Some(settings) if !settings.begun => self.set_settings(Settings {
                begun: true,
                ..settings
            }),
            Some(_) | None => Ok(()),
        }
    }
}

/// An absolute path without `..` in it. What is before a `..` is followed where it is a link.
pub(crate) fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut resolved = PathBuf::new();
    for component in std::path::absolute(path)?.components() {
        if component == Component::ParentDir {
            // What is not there is no link.
            resolved = resolved.canonicalize().unwrap_or(resolved);
            resolved.pop();
        } else {
            resolved.push(component);
        }
    }
    Ok(resolved)
}

/// Where the kubeconfig is that is written down in `directory`.
///
/// Earlier versions wrote the whole path of the one in the directory itself, where it was then. One in a directory of
/// a sandbox that is not this one, or in one that is not there, is such a path: this directory was copied, or moved.
fn place_of_kubeconfig(written: &Path, directory: &Path) -> PathBuf {
    let is_of_another = || {
        let holder = written.parent().filter(|holder| *holder != directory);
        let is_sandbox = holder.is_some_and(|holder| !holder.exists() || holder.join(SETTINGS).exists());
        is_sandbox && written.file_name().is_some_and(|name| name == KUBECONFIG)
    };
    if written.is_absolute() && is_of_another() {
        return directory.join(KUBECONFIG);
    }
    // A path that is absolute takes the place of the whole.
    directory.join(written)
}

/// Takes the lock and writes into it whose it is.
fn take(path: &Path, directory: &Path) -> Result<File, DataDirError> {
    let failed = |source| DataDirError::File {
        action: "lock",
        path: path.to_owned(),
        source,
    };
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    let mut lock = options.open(path).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // Who has it may not have written its number yet.
            let _ = lock.read_to_string(&mut text);
            return Err(DataDirError::InUse {
                path: directory.to_owned(),
                pid: text.trim().parse().ok(),
            });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    let written = lock
        .set_len(0)
        .and_then(|()| lock.rewind())
        .and_then(|()| writeln!(lock, "{}", std::process::id()));
    written.map_err(failed)?;
    Ok(lock)
}

fn read_settings(path: &Path) -> Result<Option<Settings>, DataDirError> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }

    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(DataDirError::File {
                action: "read",
                path: path.to_owned(),
                source,
            });
        }
    };
    let failed = |source| DataDirError::Settings {
        path: path.to_owned(),
        source,
    };
    let Format { format } = serde_json::from_slice(&text).map_err(failed)?;
    if format != FORMAT {
        return Err(DataDirError::Version {
            path: path.to_owned(),
            found: format,
        });
    }
    serde_json::from_slice(&text).map(Some).map_err(failed)
}

#[cfg(test)]
mod tests;
