//! The tables, and how a file of an earlier version is brought to this one.

use std::path::Path;

use duckdb::Connection;

use super::failed;
use crate::error::StoreError;

/// What brings a file from the version that is a step's place in this list to the next.
pub(super) const STEPS: &[&str] = &[FIRST];

/// The tables of version 1. `number` tells rows apart; `terms` is a list of texts, `body` and `event` are objects, as
/// JSON. A key that was deleted has no kind. `committed` is in milliseconds since 1970.
const FIRST: &str = "
    CREATE TABLE head (
        identity UBIGINT NOT NULL,
        revision UBIGINT NOT NULL,
        sequence UBIGINT NOT NULL,
        floor_sequence UBIGINT NOT NULL,
        floor_generation UBIGINT NOT NULL
    );
    CREATE TABLE records (
        number UBIGINT NOT NULL,
        key VARCHAR NOT NULL,
        generation UBIGINT NOT NULL,
        revision UBIGINT NOT NULL,
        kind VARCHAR,
        terms VARCHAR NOT NULL,
        body VARCHAR
    );
    CREATE TABLE events (
        sequence UBIGINT NOT NULL,
        id VARCHAR NOT NULL,
        revision UBIGINT NOT NULL,
        committed BIGINT NOT NULL,
        event VARCHAR NOT NULL
    );
    CREATE TABLE kecs_version (version UINTEGER NOT NULL);
    INSERT INTO kecs_version VALUES (0);
";

/// The version of a file. Refuses one that is not ours, or from later than this program.
pub(super) fn version(connection: &Connection, path: &Path, steps: &[&str]) -> Result<u32, StoreError> {
    let failed = failed("reading the version");
    let count = |sql: &str| -> Result<u64, StoreError> {
        connection.query_row(sql, [], |row| row.get(0)).map_err(&failed)
    };
    let tables = count("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'kecs'")?;
    if count(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = 'kecs' AND table_name = 'kecs_version'",
    )? == 0
    {
        if tables == 0 {
            return Ok(0);
        }
        return Err(StoreError::Foreign {
            path: path.to_owned(),
            why: "its tables are something else's".to_owned(),
        });
    }
    let found: u32 = connection
        .query_row("SELECT version FROM kecs_version", [], |row| row.get(0))
        .map_err(&failed)?;
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    Ok(found)
}

/// Takes the steps that a file of this version lacks, all in one transaction. A new file gets `identity`.
pub(super) fn migrate(
    connection: &Connection,
    from: u32,
    steps: &[&str],
    identity: u64,
) -> Result<(), StoreError> {
    let failed = failed("bringing the file to this version");
    if from as usize == steps.len() {
        return Ok(());
    }
    let transaction = connection.unchecked_transaction().map_err(&failed)?;
    for step in steps.iter().skip(from as usize) {
        transaction.execute_batch(step).map_err(&failed)?;
    }
    if from == 0 {
        transaction
            .execute("INSERT INTO head VALUES (?, 0, 0, 0, 0)", [identity])
            .map_err(&failed)?;
    }
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    transaction
        .execute("UPDATE kecs_version SET version = ?", [known])
        .map_err(&failed)?;
    transaction.commit().map_err(&failed)
}
