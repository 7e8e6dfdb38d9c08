//! The files of a store: whose they are, and that nobody else has them open.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// Makes a directory, and those on the way to it, where there is none.
pub(crate) fn make_folder(folder: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(file("make the directory", folder))
}

/// Holds the store at this path for as long as what comes back is not dropped.
pub(crate) fn lock(path: &Path) -> Result<File, StoreError> {
    let beside = beside(path, ".lock");
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&beside)
        .map_err(file("open", &beside))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(file("lock", &beside)(error)),
    }
}

/// The file that belongs to `path` and has this ending.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The directory that a file lies in.
pub(crate) fn folder(path: &Path) -> &Path {
    let folder = path.parent().unwrap_or(path);
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

/// Sees to it that the names in a directory are on the disk.
pub(crate) fn sync(folder: &Path) -> Result<(), StoreError> {
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(file("sync the directory", folder))
}

/// Refuses to write over what is there.
pub(crate) fn refuse_existing(path: &Path) -> Result<(), StoreError> {
    if path.try_exists().map_err(file("look at", path))? {
        let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(file("write over", path)(exists));
    }
    Ok(())
}

pub(crate) fn file(doing: &'static str, path: &Path) -> impl Fn(std::io::Error) -> StoreError {
    move |cause| StoreError::File {
        doing,
        path: path.to_owned(),
        cause,
    }
}
