//! Copies of a file: written as of one moment while the store is in use, and made a store again.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::open::{self, connect};
use super::{failed, schema, upkeep};
use crate::error::StoreError;
use crate::files::{beside, file, folder, make_folder, refuse_existing, sync};

/// Writes what the connection's read transaction sees to a new file, which is whole or not there.
pub(super) fn copy(from: &Connection, path: &Path) -> Result<(), StoreError> {
    refuse_existing(path)?;
    let part = beside(path, ".part");
    let copied = fill(from, &part).and_then(|()| fs::rename(&part, path).map_err(file("name", path)));
    if copied.is_err() {
        // What is left of it is of no use, and may be in the way of the next one.
        let _left = fs::remove_file(&part);
    }
    copied?;
    sync(folder(path))
}

fn fill(from: &Connection, part: &Path) -> Result<(), StoreError> {
    let failed = failed("copying the file");
    let made = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(part)
        .map_err(file("make", part))?;
    let mut to = Connection::open_with_flags(part, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(&failed)?;
    // All pages in one step: in steps it would begin anew whenever something is written.
    let step = Backup::new(from, &mut to).and_then(|backup| backup.step(-1));
    match step.map_err(&failed)? {
        StepResult::Done => {}
        unfinished => {
            return Err(StoreError::engine(
                "copying the file",
                &format!("the copy is unfinished: {unfinished:?}"),
            ));
        }
    }
    // A copy is one file, with no log beside it.
    to.pragma_update(None, "journal_mode", "DELETE")
        .map_err(&failed)?;
    drop(to);
    made.sync_all().map_err(file("sync", part))
}

/// Makes a store out of a copy.
pub(super) fn restore(from: &Path, to: &Path) -> Result<(), StoreError> {
    refuse_existing(to)?;
    let opened = File::open(from).map_err(file("open", from))?;
    open::signature(&opened, from)?;
    let source = connect(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    open::recognise(&source, from, schema::STEPS)?;
    if schema::version(&source)? == 0 {
        return Err(StoreError::Foreign {
            path: from.to_owned(),
            why: "it is empty".to_owned(),
        });
    }
    if let Some(finding) = upkeep::integrity(&source)?.into_iter().next() {
        return Err(StoreError::engine("checking the copy", &finding));
    }
    make_folder(folder(to))?;
    copy(&source, to)
}
