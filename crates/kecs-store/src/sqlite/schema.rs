//! The tables, and how a file of an earlier version is brought to this one.

use rusqlite::{Connection, TransactionBehavior};

use super::failed;
use crate::error::StoreError;

/// Marks a file as ours: `KECS`.
pub(super) const APPLICATION: i32 = 0x4B45_4353;

/// What brings a file from the version that is a step's place in this list to the next.
pub(super) const STEPS: &[&str] = &[FIRST];

/// The tables of version 1.
///
/// A term is kept once, with the number of its records, so that counting reads one row. `members` leads from a term to
/// its records in the order of their keys. A record names its terms by their ids; one that was deleted has no kind.
const FIRST: &str = "
    CREATE TABLE head (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        identity INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        floor_sequence INTEGER NOT NULL,
        floor_generation INTEGER NOT NULL
    ) STRICT;
    INSERT INTO head VALUES (1, 0, 0, 0, 0, 0);
    CREATE TABLE records (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        generation INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        kind TEXT,
        terms TEXT NOT NULL,
        body BLOB
    ) STRICT;
    CREATE INDEX deleted ON records (revision) WHERE kind IS NULL;
    CREATE TABLE terms (
        id INTEGER PRIMARY KEY,
        term TEXT NOT NULL UNIQUE,
        members INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE members (
        term INTEGER NOT NULL,
        key TEXT NOT NULL,
        record INTEGER NOT NULL,
        PRIMARY KEY (term, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE kinds (
        kind TEXT PRIMARY KEY,
        records INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE events (
        sequence INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        revision INTEGER NOT NULL,
        at INTEGER NOT NULL,
        event TEXT NOT NULL
    ) STRICT;
";

/// The version of a file.
pub(super) fn version(connection: &Connection) -> Result<u32, StoreError> {
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed("reading the version"))
}

/// Takes the steps that a file lacks, each in a transaction of its own. A new file gets `identity`.
pub(super) fn migrate(connection: &mut Connection, steps: &[&str], identity: u64) -> Result<(), StoreError> {
    let failed = failed("bringing the file to this version");
    let from = version(connection)?;
    for (step, at) in steps.iter().zip(0_u32..).skip(from as usize) {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&failed)?;
        transaction.execute_batch(step).map_err(&failed)?;
        if at == 0 {
            transaction
                .execute("UPDATE head SET identity = ?1", [identity.cast_signed()])
                .map_err(&failed)?;
            transaction
                .pragma_update(None, "application_id", APPLICATION)
                .map_err(&failed)?;
        }
        transaction
            .pragma_update(None, "user_version", at + 1)
            .map_err(&failed)?;
        transaction.commit().map_err(&failed)?;
    }
    Ok(())
}
