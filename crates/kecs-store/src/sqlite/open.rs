//! The file of a store: whose it is, who may read it, and that nobody else has it open.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{failed, schema};
use crate::error::StoreError;
use crate::files::{beside, file, folder, lock, make_folder, sync};

/// What every `SQLite` file begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// How long to wait for a lock that another connection of this process holds for a moment.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much of the file the connection of a view keeps, in KiB. It is void after the next commit.
const PAGES: i32 = 512;
/// More than there are kinds of statements, so that each is compiled once.
const STATEMENTS: usize = 64;

/// The parts of an open store.
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// Held while the store is open.
    pub(super) lock: File,
}

/// Opens a store and brings it to this version; makes it if there is none.
pub(super) fn open(path: &Path, steps: &[&str]) -> Result<Opened, StoreError> {
    let folder = folder(path);
    make_folder(folder)?;
    let lock = lock(path)?;
    prepare(path)?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    recognise(&connection, path, steps)?;
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(failed("switching to write-ahead logging"))?;
    if mode != "wal" {
        return Err(StoreError::engine(
            "switching to write-ahead logging",
            &format!("the file stays in mode {mode}"),
        ));
    }
    schema::migrate(&mut connection, steps, uuid::Uuid::new_v4().as_u64_pair().0)?;
    sync(folder)?;
    Ok(Opened { connection, lock })
}

/// A connection to the file of a store.
pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let failed = failed("opening the file");
    // A connection is used by one thread at a time.
    let connection =
        Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(&failed)?;
    connection.busy_timeout(PATIENCE).map_err(&failed)?;
    // FULL: a commit returns when its pages of the log are on the disk.
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(&failed)?;
    connection
        .pragma_update(None, "temp_store", "MEMORY")
        .map_err(&failed)?;
    if access.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
        // What is negative is KiB.
        connection
            .pragma_update(None, "cache_size", -PAGES)
            .map_err(&failed)?;
    }
    // A plan holds whatever is bound: without that, a statement with a bound LIMIT is compiled anew for each use.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(&failed)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Refuses a file that is not ours, or from later than this program.
pub(super) fn recognise(connection: &Connection, path: &Path, steps: &[&str]) -> Result<(), StoreError> {
    let foreign = |why: String| StoreError::Foreign {
        path: path.to_owned(),
        why,
    };
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application = pragma("application_id").map_err(|error| foreign(error.to_string()))?;
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| foreign(error.to_string()))?;
    if application != schema::APPLICATION && (application != 0 || tables > 0) {
        return Err(foreign(format!("its application id is {application:#010x}")));
    }
    let found = schema::version(connection)?;
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    Ok(())
}

/// Makes the file where there is none, for its owner alone. `SQLite` gives the files beside it the same mode.
fn prepare(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    match options.clone().create_new(true).open(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(file("make", path)(error)),
    }
    let opened = options.open(path).map_err(file("open", path))?;
    signature(&opened, path)?;
    let mode = opened.metadata().map_err(file("look at", path))?.permissions();
    if mode.mode() & 0o077 != 0 {
        opened
            .set_permissions(Permissions::from_mode(0o600))
            .map_err(file("restrict", path))?;
    }
    Ok(())
}

/// Refuses what is neither empty nor an `SQLite` file.
pub(super) fn signature(opened: &File, path: &Path) -> Result<(), StoreError> {
    let mut magic = Vec::new();
    opened
        .take(MAGIC.len() as u64)
        .read_to_end(&mut magic)
        .map_err(file("read", path))?;
    if !magic.is_empty() && magic != MAGIC {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
            why: "it is not an SQLite file".to_owned(),
        });
    }
    Ok(())
}

/// Bytes of the store on the disk.
pub(super) fn bytes(path: &Path) -> u64 {
    let size = |path: &Path| fs::metadata(path).map_or(0, |it| it.len());
    size(path) + size(&beside(path, "-wal"))
}
