//! The kubeconfig of a sandbox: never that of somebody else, and that of one sandbox at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::data_dir::process;

/// What kubeconfigs of sandboxes have in common.
const MARK: &str = "name: kube-sim";

/// Before the process id of the sandbox, in the first line of its kubeconfig.
const OWNER: &str = "# of the sandbox of process ";

/// Why a kubeconfig cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigError {
    /// There is a file in its place that no sandbox has written.
    #[error("{} is there already and not a sandbox's: name another file, or remove it", .0.display())]
    Foreign(PathBuf),
    /// It is that of a sandbox that runs.
    #[error("{} belongs to a sandbox that is running{}: name another file, or stop that sandbox", .path.display(), process(.pid.as_ref()))]
    InUse {
        /// The file.
        path: PathBuf,
        /// The process of that sandbox, where the file says so.
        pid: Option<u32>,
    },
    /// It cannot be read or written.
    #[error("write the kubeconfig {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A kubeconfig that belongs to this process for as long as this lives.
#[derive(Debug)]
pub(crate) struct Kubeconfig {
    path: PathBuf,
    /// Locked. The lock is the system's: it goes with the process, however that ends.
    file: File,
}

impl Kubeconfig {
    /// Fails if `path` cannot become a kubeconfig of this process.
    pub(crate) fn check(path: &Path) -> Result<(), KubeconfigError> {
        claim(path).map(drop)
    }

    /// Writes the file, in one step: a reader sees what was there before, or this.
    pub(crate) fn write(path: &Path, text: &str) -> Result<Self, KubeconfigError> {
        let failed = |source| KubeconfigError::File {
            path: path.to_owned(),
            source,
        };
        let name = path
            .file_name()
            .ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}", std::process::id()));
        let beside = path.with_file_name(beside);
        let written = write_locked(&beside, text).map_err(failed).and_then(|file| {
            place(&beside, path)?;
            Ok(file)
        });
        if written.is_err() {
            // Best effort: the error that is reported is the one that matters.
            let _ = std::fs::remove_file(&beside);
        }
        Ok(Self {
            path: path.to_owned(),
            file: written?,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file, unless another has taken its place.
    pub(crate) fn remove(self) -> io::Result<()> {
        if !is_at(&self.file, &self.path)? {
            return Ok(());
        }
        std::fs::remove_file(&self.path)
    }
}

/// Puts the file `beside` in the place of `path`.
fn place(beside: &Path, path: &Path) -> Result<(), KubeconfigError> {
    let failed = |source| KubeconfigError::File {
        path: path.to_owned(),
        source,
    };
    loop {
        // While the claim is held, nobody else replaces what is there.
        if let Some(_claim) = claim(path)? {
            return std::fs::rename(beside, path).map_err(failed);
        }
        // Where nothing is, a link is made only if still nothing is there.
        match std::fs::hard_link(beside, path) {
            Ok(()) => return std::fs::remove_file(beside).map_err(failed),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(failed(source)),
        }
    }
}

/// The file at `path`, locked, if there is one and it may be replaced.
fn claim(path: &Path) -> Result<Option<File>, KubeconfigError> {
    let failed = |source| KubeconfigError::File {
        path: path.to_owned(),
        source,
    };
    loop {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let text = String::from_utf8_lossy(&bytes);
        if !text.contains(MARK) {
            return Err(KubeconfigError::Foreign(path.to_owned()));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = text.lines().next().and_then(|line| line.strip_prefix(OWNER));
                return Err(KubeconfigError::InUse {
                    path: path.to_owned(),
                    pid: owner.and_then(|pid| pid.parse().ok()),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // Somebody may have put another file there in between.
        if is_at(&file, path).map_err(failed)? {
            return Ok(Some(file));
        }
    }
}

/// Whether this file is the one at `path`.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(there) => Ok((held.dev(), held.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A new file that only its owner can read, locked before anybody can know of it.
fn write_locked(path: &Path, text: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    file.try_lock().map_err(io::Error::from)?;
    file.write_all(format!("{OWNER}{}\n{text}", std::process::id()).as_bytes())?;
    file.sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests;
