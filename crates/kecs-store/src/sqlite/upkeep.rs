//! What is done to a file now and then.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::apply::{self, Deltas, Row, Rows};
use super::writer::Writing;
use super::{failed, open};
use crate::batch::Slot;
use crate::check::Finding;
use crate::codec;
use crate::error::StoreError;
use crate::store::{KindCount, Pruned, Retention, Stats};
use crate::transfer::{Image, Transferred};

/// Rows that are deleted at once, so that commits do not wait long.
const CHUNK: u32 = 2_000;

/// Forgets some of what need not be kept; nothing: that was all.
pub(super) fn prune(writer: &mut Writing, retention: Retention) -> Result<Pruned, StoreError> {
    let failed = failed("forgetting");
    let transaction = writer
        .connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let (head, mut floors, _) = apply::head(&transaction)?;
    let mut through = head.sequence.saturating_sub(retention.events);
    if let Some(since) = retention.since {
        let sql = "SELECT sequence FROM events WHERE at >= ?1 ORDER BY sequence LIMIT 1";
        let first: Option<i64> = transaction
            .query_row(sql, [since.as_millisecond()], |row| row.get(0))
            .optional()
            .map_err(&failed)?;
        if let Some(first) = first {
            through = through.min(first.cast_unsigned() - 1);
        }
    }
    let mut pruned = Pruned::default();
    let through = through.min(floors.sequence + u64::from(CHUNK));
    if through > floors.sequence {
        let gone = transaction
            .execute("DELETE FROM events WHERE sequence <= ?1", [through.cast_signed()])
            .map_err(&failed)?;
        pruned.events = gone as u64;
        floors.sequence = through;
    }
    let through = head.revision.saturating_sub(retention.deleted);
    let sql = "DELETE FROM records WHERE id IN
                   (SELECT id FROM records WHERE kind IS NULL AND revision <= ?1 LIMIT ?2)
               RETURNING generation";
    let mut statement = transaction.prepare(sql).map_err(&failed)?;
    let generations: Vec<i64> = statement
        .query_map((through.cast_signed(), CHUNK), |row| row.get(0))
        .and_then(Iterator::collect)
        .map_err(&failed)?;
    drop(statement);
    for generation in generations {
        pruned.deleted += 1;
        floors.generation = floors.generation.max(generation.cast_unsigned());
    }
    if pruned != Pruned::default() {
        apply::set_head(&transaction, head, floors)?;
        writer.shared.pool.commit(transaction)?;
    }
    Ok(pruned)
}

/// Takes in what was exported.
pub(super) fn import(writer: &mut Writing, image: &Image) -> Result<Transferred, StoreError> {
    let imported = try_import(writer, image);
    if imported.is_err() {
        writer.names.forget();
    }
    imported
}

fn try_import(writer: &mut Writing, image: &Image) -> Result<Transferred, StoreError> {
    let failed = failed("importing");
    let transaction = writer
        .connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let (head, _, _) = apply::head(&transaction)?;
    if head.revision > 0 {
        return Err(StoreError::NotEmpty {
            revision: head.revision,
        });
    }
    let mut rows = Rows {
        connection: &transaction,
        names: &mut writer.names,
    };
    let mut deltas = Deltas::default();
    for stored in &image.stored {
        let slot = Slot {
            generation: stored.generation,
            revision: stored.revision,
            kind: stored.record.as_deref().map(codec::kind),
            terms: stored.terms.iter().cloned().collect(),
        };
        let body = stored.record.as_deref().map(codec::encode).transpose()?;
        let row = Row {
            slot: &slot,
            body: body.as_deref(),
        };
        let id = rows.put(&stored.key, None, &row, &mut deltas)?;
        for term in &slot.terms {
            rows.join(term, &stored.key, id, &mut deltas)?;
        }
    }
    rows.settle(&deltas)?;
    for logged in &image.events {
        let event = codec::text(&logged.event)?;
        apply::log(
            &transaction,
            logged.sequence,
            &logged.id,
            logged.revision,
            logged.at,
            &event,
        )?;
    }
    transaction
        .execute("UPDATE head SET identity = ?1", [image.identity.cast_signed()])
        .map_err(&failed)?;
    apply::set_head(&transaction, image.head, image.floors)?;
    let shared = &writer.shared;
    shared.listeners.publish(image.head, None, image.fed(), || {
        shared.pool.commit(transaction)?;
        shared.listeners.set_identity(image.identity);
        Ok(())
    })?;
    Ok(image.transferred())
}

/// What `SQLite`'s own check finds.
pub(super) fn integrity(connection: &Connection) -> Result<Vec<Finding>, StoreError> {
    let failed = failed("checking the file");
    let mut statement = connection.prepare("PRAGMA integrity_check").map_err(&failed)?;
    let lines: Vec<String> = statement
        .query_map([], |row| row.get(0))
        .and_then(Iterator::collect)
        .map_err(&failed)?;
    Ok(lines
        .into_iter()
        .filter(|line| line != "ok")
        .map(Finding::Engine)
        .collect())
}

/// What the file holds.
pub(super) fn stats(connection: &Connection, path: &Path) -> Result<Stats, StoreError> {
    let failed = failed("counting");
    let (head, floors, _) = apply::head(connection)?;
    let mut statement = connection
        .prepare("SELECT kind, records FROM kinds WHERE records > 0 ORDER BY kind")
        .map_err(&failed)?;
    let kinds = statement
        .query_map([], |row| {
            Ok(KindCount {
                kind: row.get(0)?,
                records: row.get::<_, i64>(1)?.cast_unsigned(),
            })
        })
        .and_then(Iterator::collect)
        .map_err(&failed)?;
    let deleted: i64 = connection
        .query_row("SELECT count(*) FROM records WHERE kind IS NULL", [], |row| {
            row.get(0)
        })
        .map_err(&failed)?;
    Ok(Stats {
        head,
        kinds,
        deleted: deleted.cast_unsigned(),
        events: head.sequence - floors.sequence,
        bytes: open::bytes(path),
    })
}
