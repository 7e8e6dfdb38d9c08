//! The directory and the file of a store.

use std::fs::{self, File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use duckdb::{AccessMode, Config, Connection};

use super::{copy, failed, schema};
use crate::error::StoreError;
use crate::files::{file, lock, make_folder, sync};

/// What the file is called in its directory.
pub(super) const NAME: &str = "kecs.duckdb";
/// What every `DuckDB` file has behind its first eight bytes.
const MAGIC: &[u8] = b"DUCK";

/// The parts of an open store.
pub(super) struct Opened {
    pub(super) file: PathBuf,
    pub(super) connection: Connection,
    /// Held while the store is open.
    pub(super) lock: File,
}

/// Opens a store and brings it to this version; makes it if there is none.
pub(super) fn open(folder: &Path, steps: &[&str]) -> Result<Opened, StoreError> {
    make_folder(folder)?;
    let access = fs::metadata(folder)
        .map_err(file("look at", folder))?
        .permissions();
    if access.mode() & 0o077 != 0 {
        fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(file("restrict", folder))?;
    }
    let path = folder.join(NAME);
    let lock = lock(&path)?;
    let identity = uuid::Uuid::new_v4().as_u64_pair().0;
    if path.try_exists().map_err(file("look at", &path))? {
        signature(&path)?;
    } else {
        copy::write_new(&path, |new| schema::migrate(new, 0, steps, identity))?;
    }
    let connection = connect(&path, AccessMode::ReadWrite)?;
    let version = schema::version(&connection, &path, steps)?;
    schema::migrate(&connection, version, steps, identity)?;
    sync(folder)?;
    Ok(Opened {
        file: path,
        connection,
        lock,
    })
}

/// A connection to a file that no other connection has open.
pub(super) fn connect(path: &Path, access: AccessMode) -> Result<Connection, StoreError> {
    let config = Config::default()
        .access_mode(access)
        // Nothing is fetched, and one thread is enough for rows that come a few at a time.
        .and_then(|config| config.enable_autoload_extension(false))
        .and_then(|config| config.threads(1))
        // The writer puts the log into the file, and not a commit while somebody waits for it.
        .and_then(|config| config.with("wal_autocheckpoint", "16GB"));
    config
        .and_then(|config| Connection::open_with_flags(path, config))
        .map_err(failed("opening the file"))
}

/// Refuses what is no `DuckDB` file.
pub(super) fn signature(path: &Path) -> Result<(), StoreError> {
    let mut begins = Vec::new();
    File::open(path)
        .map_err(file("open", path))?
        .take(12)
        .read_to_end(&mut begins)
        .map_err(file("read", path))?;
    if begins.get(8..) == Some(MAGIC) {
        return Ok(());
    }
    Err(StoreError::Foreign {
        path: path.to_owned(),
        why: "it is not a DuckDB file".to_owned(),
    })
}
