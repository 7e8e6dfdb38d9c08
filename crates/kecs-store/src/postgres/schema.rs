//! The tables, and how those of an earlier version are brought to this one.

use super::session::Session;
use crate::error::StoreError;

/// Held while tables are made, so that replicas that start together do it one after the other: `KECS`.
const LOCK: i64 = 0x4B45_4353;

/// What brings the tables from the version that is a step's place in this list to the next.
pub(super) const STEPS: &[&str] = &[FIRST];

/// The tables of version 1. Keys and terms are bytes, so that they order as in every other store, whatever the
/// database's language.
const FIRST: &str = "
    CREATE TABLE kecs_head (
        one INT PRIMARY KEY CHECK (one = 1),
        identity BIGINT NOT NULL,
        revision BIGINT NOT NULL,
        sequence BIGINT NOT NULL,
        floor_sequence BIGINT NOT NULL,
        floor_generation BIGINT NOT NULL,
        -- Deleted keys up to this revision may no longer be known.
        floor_revision BIGINT NOT NULL
    );
    CREATE TABLE kecs_records (
        key BYTEA PRIMARY KEY,
        generation BIGINT NOT NULL,
        revision BIGINT NOT NULL,
        kind TEXT,
        terms TEXT NOT NULL,
        body BYTEA
    );
    CREATE INDEX kecs_revisions ON kecs_records (revision);
    CREATE TABLE kecs_terms (
        term BYTEA PRIMARY KEY,
        members BIGINT NOT NULL
    );
    CREATE TABLE kecs_members (
        term BYTEA NOT NULL,
        key BYTEA NOT NULL,
        PRIMARY KEY (term, key)
    );
    CREATE TABLE kecs_kinds (
        kind TEXT PRIMARY KEY,
        records BIGINT NOT NULL
    );
    CREATE TABLE kecs_events (
        sequence BIGINT PRIMARY KEY,
        id TEXT NOT NULL,
        revision BIGINT NOT NULL,
        at BIGINT NOT NULL,
        event TEXT NOT NULL
    );
";

/// Whether the database has tables of any version.
pub(super) fn is_there(session: &mut Session) -> Result<bool, StoreError> {
    let row = session.query_one("SELECT to_regclass('kecs_version') IS NOT NULL", &[])?;
    Ok(row.get(0))
}

/// Takes the steps that the database lacks, all in one transaction. `place` names the database in errors.
pub(super) fn migrate(
    session: &mut Session,
    steps: &[&str],
    place: &str,
    identity: u64,
) -> Result<(), StoreError> {
    session.within("BEGIN", |session| {
        session.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])?;
        session.run(
            "CREATE TABLE IF NOT EXISTS kecs_version (one INT PRIMARY KEY CHECK (one = 1), version INT NOT NULL);
             INSERT INTO kecs_version VALUES (1, 0) ON CONFLICT DO NOTHING",
        )?;
        let row = session.query_one("SELECT version FROM kecs_version", &[])?;
        let found = row.get::<_, i32>(0).cast_unsigned();
        let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        if found > known {
            return Err(StoreError::Newer {
                path: place.into(),
                found,
                known,
            });
        }
        for step in steps.iter().skip(found as usize) {
            session.run(step)?;
        }
        if found == 0 {
            let sql = "INSERT INTO kecs_head VALUES (1, $1, 0, 0, 0, 0, 0)";
            session.execute(sql, &[&identity.cast_signed()])?;
        }
        session.execute("UPDATE kecs_version SET version = $1", &[&known.cast_signed()])?;
        session.commit()
    })
}
