//! The directory and the file of a store.

use std::fs::{self, File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use duckdb::{Config, Connection};

use super::{copy, failed, schema};
use crate::error::StoreError;
use crate::files::{file, lock, make_folder, sync};

/// What the file is called in its directory.
pub(super) const NAME: &str = "kecs.duckdb";
/// What every `DuckDB` file has behind its first eight bytes.
const MAGIC: &[u8] = b"DUCK";

/// Puts the log into the file.
pub(super) const CHECKPOINT: &str = "CHECKPOINT kecs";

/// What is done with a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Access {
    /// It is only read.
    Read,
    /// It is written, and made where there is none.
    Write,
}

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
    let connection = connect(&path, Access::Write)?;
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
pub(super) fn connect(path: &Path, access: Access) -> Result<Connection, StoreError> {
    let failed = failed("opening the file");
    let config = Config::default()
        // Nothing is fetched, and one thread is enough for rows that come a few at a time.
        .enable_autoload_extension(false)
        .and_then(|config| config.threads(1))
        // The writer puts the log into the file, and not a commit while somebody waits for it.
        .and_then(|config| config.with("wal_autocheckpoint", "16GB"))
        .map_err(&failed)?;
    let connection = Connection::open_in_memory_with_flags(config).map_err(&failed)?;
    let text = path.to_str().ok_or_else(|| {
        let cause = std::io::Error::from(std::io::ErrorKind::InvalidFilename);
        file("open", path)(cause)
    })?;
    let quoted = text.replace('\'', "''");
    let options = match access {
        Access::Read => "READ_ONLY",
        // Room is given back by groups of rows, and none is smaller.
        Access::Write => "ROW_GROUP_SIZE 2048",
    };
    connection
        .execute_batch(&format!("ATTACH '{quoted}' AS kecs (TYPE duckdb, {options})"))
        .map_err(&failed)?;
    enter(&connection)?;
    Ok(connection)
}

/// Another connection to the same file.
pub(super) fn again(connection: &Connection) -> Result<Connection, StoreError> {
    let another = connection.try_clone().map_err(failed("opening the file"))?;
    enter(&another)?;
    Ok(another)
}

fn enter(connection: &Connection) -> Result<(), StoreError> {
    connection
        .execute_batch("USE kecs")
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
