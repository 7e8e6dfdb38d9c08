//! Files that are whole or not there: new ones, and copies that become a store again.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use duckdb::Connection;

use super::open::Access;
use super::rows::{self, Row};
use super::{failed, open, schema};
use crate::batch::Slot;
use crate::codec;
use crate::error::StoreError;
use crate::files::{beside, file, folder, make_folder, refuse_existing, sync};
use crate::store::{Snapshot, Stored};
use crate::transfer::Image;

/// Writes what a view shows to a new file.
pub(super) fn copy(view: &dyn Snapshot, identity: u64, path: &Path) -> Result<(), StoreError> {
    refuse_existing(path)?;
    let image = Image {
        identity,
        head: view.head(),
        floors: view.floors()?,
        stored: view.stored(None, usize::MAX)?,
        events: view.events(0, usize::MAX)?,
    };
    write_new(path, |new| {
        schema::migrate(new, 0, schema::STEPS, identity)?;
        let transaction = new.unchecked_transaction().map_err(failed("copying"))?;
        fill(new, &image)?;
        transaction.commit().map_err(failed("copying"))
    })
}

/// Makes a file and puts something into it, in a directory that nobody else enters, and then names it.
pub(super) fn write_new(
    path: &Path,
    what: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let part = beside(path, ".part");
    // What a process has left that was killed is of no use.
    discard(&part)?;
    make_folder(&part)?;
    let inside = part.join(open::NAME);
    let made = make(&inside, what)
        .and_then(|()| fs::rename(&inside, path).map_err(file("name", path)))
        .and_then(|()| sync(folder(path)));
    made.and(discard(&part))
}

fn make(path: &Path, what: impl FnOnce(&Connection) -> Result<(), StoreError>) -> Result<(), StoreError> {
    let connection = open::connect(path, Access::Write)?;
    what(&connection)?;
    // All of it goes from the log into the file.
    connection
        .execute_batch("CHECKPOINT")
        .map_err(failed("copying"))?;
    connection
        .close()
        .map_err(|(_, error)| failed("closing the file")(error))?;
    refuse_existing(&beside(path, ".wal"))?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(file("restrict", path))?;
    File::open(path)
        .and_then(|opened| opened.sync_all())
        .map_err(file("sync", path))
}

fn discard(part: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(part) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(file("remove", part)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes all of an image behind what is there, within the transaction that is under way. Answers with the number of
/// each key's row.
pub(super) fn fill(connection: &Connection, image: &Image) -> Result<Vec<u64>, StoreError> {
    let numbers: Vec<u64> = (1..).take(image.stored.len()).collect();
    let mut records = rows::records(connection)?;
    for (stored, number) in image.stored.iter().zip(&numbers) {
        let body = stored.record.as_deref().map(codec::encode).transpose()?;
        records.put(&Row {
            number: *number,
            key: &stored.key,
            slot: &slot(stored),
            body: body.as_deref(),
        })?;
    }
    records.done()?;
    let mut events = rows::events(connection)?;
    for logged in &image.events {
        events.put(
            logged.sequence,
            &logged.id,
            logged.revision,
            logged.at,
            &codec::text(&logged.event)?,
        )?;
    }
    events.done()?;
    rows::set_top(
        connection,
        &rows::Top {
            head: image.head,
            floors: image.floors,
            identity: image.identity,
        },
    )?;
    Ok(numbers)
}

fn slot(stored: &Stored) -> Slot {
    Slot {
        generation: stored.generation,
        revision: stored.revision,
        kind: stored.record.as_deref().map(codec::kind),
        terms: stored.terms.iter().cloned().collect(),
    }
}

/// Makes a store out of a copy.
pub(super) fn restore(from: &Path, to: &Path) -> Result<(), StoreError> {
    let path = to.join(open::NAME);
    refuse_existing(&path)?;
    open::signature(from)?;
    let source = open::connect(from, Access::Read)?;
    if schema::version(&source, from, schema::STEPS)? == 0 {
        return Err(StoreError::Foreign {
            path: from.to_owned(),
            why: "it is empty".to_owned(),
        });
    }
    // All of it can be read.
    rows::load(&source)?;
    drop(source);
    make_folder(to)?;
    let part = beside(&path, ".part");
    let copied = fs::copy(from, &part)
        .and_then(|_| fs::set_permissions(&part, Permissions::from_mode(0o600)))
        .and_then(|()| File::open(&part)?.sync_all())
        .map_err(file("write", &part))
        .and_then(|()| fs::rename(&part, &path).map_err(file("name", &path)));
    if copied.is_err() {
        // What is left of it is of no use.
        let _left = fs::remove_file(&part);
    }
    copied?;
    sync(to)
}
