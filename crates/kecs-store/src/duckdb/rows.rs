//! Rows: how they are written, and all of them read.

use std::collections::HashMap;

use duckdb::{Appender, Connection, Statement};
use jiff::Timestamp;
use kecs_core::key::{Key, Term};

use super::failed;
use crate::batch::Slot;
use crate::check::Finding;
use crate::codec;
use crate::error::StoreError;
use crate::store::{Floors, Head, Logged, Snapshot, Stored};
use crate::transfer::Image;

/// Rows that are read at once.
const CHUNK: u64 = 10_000;

/// The one row of the head.
pub(super) struct Top {
    pub(super) head: Head,
    pub(super) floors: Floors,
    pub(super) identity: u64,
}

pub(super) fn top(connection: &Connection) -> Result<Top, StoreError> {
    let sql = "SELECT revision, sequence, floor_sequence, floor_generation, identity FROM head";
    let read = connection.query_row(sql, [], |row| {
        Ok(Top {
            head: Head {
                revision: row.get(0)?,
                sequence: row.get(1)?,
            },
            floors: Floors {
                sequence: row.get(2)?,
                generation: row.get(3)?,
            },
            identity: row.get(4)?,
        })
    });
    read.map_err(failed("reading the head"))
}

pub(super) fn set_top(connection: &Connection, top: &Top) -> Result<(), StoreError> {
    let sql =
        "UPDATE head SET revision = ?, sequence = ?, floor_sequence = ?, floor_generation = ?, identity = ?";
    let values = [
        top.head.revision,
        top.head.sequence,
        top.floors.sequence,
        top.floors.generation,
        top.identity,
    ];
    expect(1, changed(connection, sql, values)?)
}

/// Brings the head to a commit and its events.
pub(super) fn advance(connection: &Connection, head: Head) -> Result<(), StoreError> {
    let sql = "UPDATE head SET revision = ?, sequence = ?";
    expect(1, changed(connection, sql, [head.revision, head.sequence])?)
}

/// Runs a statement. Answers with how many rows it has changed.
pub(super) fn changed<const N: usize>(
    connection: &Connection,
    sql: &str,
    values: [u64; N],
) -> Result<u64, StoreError> {
    let failed = failed("writing");
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let rows = if N == 0 {
        statement.execute([])
    } else {
        statement.execute(duckdb::params_from_iter(values))
    };
    Ok(rows.map_err(&failed)? as u64)
}

/// Refuses to go on if there were other rows than are known of.
pub(super) fn expect(rows: u64, changed: u64) -> Result<(), StoreError> {
    if rows == changed {
        return Ok(());
    }
    let cause = format!("{changed} rows are there where {rows} should be");
    Err(StoreError::engine("writing", &cause))
}

/// Deletes the rows of these numbers.
pub(super) fn delete(connection: &Connection, numbers: &[u64]) -> Result<(), StoreError> {
    if numbers.is_empty() {
        return Ok(());
    }
    let listed: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let sql = format!("DELETE FROM records WHERE number IN ({})", listed.join(","));
    let gone = connection.execute(&sql, []).map_err(failed("writing"))?;
    expect(numbers.len() as u64, gone as u64)
}

/// A record as it is written.
pub(super) struct Row<'a> {
    pub(super) number: u64,
    pub(super) key: &'a Key,
    pub(super) slot: &'a Slot,
    pub(super) body: Option<&'a [u8]>,
}

/// Records on their way into the table.
pub(super) struct Records<'a>(Appender<'a>);

pub(super) fn records(connection: &Connection) -> Result<Records<'_>, StoreError> {
    Ok(Records(
        connection.appender("records").map_err(failed("writing"))?,
    ))
}

impl Records<'_> {
    pub(super) fn put(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let terms = serde_json::to_string(&row.slot.terms);
        let terms = terms.map_err(|error| StoreError::engine("encoding terms", &error))?;
        let body = row.body.map(std::str::from_utf8).transpose();
        let body = body.map_err(|error| StoreError::engine("encoding a record", &error))?;
        let (generation, revision) = (row.slot.generation, row.slot.revision);
        self.0
            .append_row((
                row.number,
                row.key.as_str(),
                generation,
                revision,
                row.slot.kind,
                terms,
                body,
            ))
            .map_err(failed("writing"))
    }

    /// What goes wrong with a row may be told only here.
    pub(super) fn done(mut self) -> Result<(), StoreError> {
        self.0.flush().map_err(failed("writing"))
    }
}

/// Events on their way into the table.
pub(super) struct Events<'a>(Appender<'a>);

pub(super) fn events(connection: &Connection) -> Result<Events<'_>, StoreError> {
    Ok(Events(connection.appender("events").map_err(failed("writing"))?))
}

impl Events<'_> {
    pub(super) fn put(
        &mut self,
        sequence: u64,
        id: &str,
        revision: u64,
        at: Timestamp,
        event: &str,
    ) -> Result<(), StoreError> {
        self.0
            .append_row((sequence, id, revision, at.as_millisecond(), event))
            .map_err(failed("writing"))
    }

    /// What goes wrong with a row may be told only here.
    pub(super) fn done(mut self) -> Result<(), StoreError> {
        self.0.flush().map_err(failed("writing"))
    }
}

/// All that a file holds.
pub(super) struct Loaded {
    /// Its keys are in their order.
    pub(super) image: Image,
    /// The row of each key.
    pub(super) numbers: HashMap<Key, u64>,
}

/// Reads everything. Fails if something cannot be read, or is there twice.
pub(super) fn load(connection: &Connection) -> Result<Loaded, StoreError> {
    let top = top(connection)?;
    let mut numbers = HashMap::new();
    let mut all = Vec::new();
    let sql = "SELECT number, key, generation, revision, kind, body, terms FROM records
               WHERE number > ? ORDER BY number LIMIT ?";
    let mut statement = connection.prepare(sql).map_err(failed("reading"))?;
    let mut last = 0;
    loop {
        let before = all.len();
        for (number, stored) in chunk(&mut statement, last)? {
            last = number;
            if numbers.insert(stored.key.clone(), number).is_some() {
                return Err(StoreError::Record {
                    key: stored.key.to_string(),
                    why: "it is there twice".to_owned(),
                });
            }
            all.push(stored);
        }
        if all.len() == before {
            break;
        }
    }
    all.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(Loaded {
        image: Image {
            identity: top.identity,
            head: top.head,
            floors: top.floors,
            stored: all,
            events: logged(connection)?,
        },
        numbers,
    })
}

fn chunk(statement: &mut Statement<'_>, after: u64) -> Result<Vec<(u64, Stored)>, StoreError> {
    let failed = failed("reading a record");
    let rows = statement
        .query_map([after, CHUNK], |row| {
            let key = Key::from_text(row.get::<_, String>(1)?);
            let record: (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
            let numbers = (row.get(0)?, row.get(2)?, row.get(3)?);
            Ok((key, numbers, record, row.get::<_, String>(6)?))
        })
        .map_err(&failed)?;
    rows.map(|row| {
        let (key, (number, generation, revision), (kind, body), terms) = row.map_err(&failed)?;
        let terms: Vec<Term> = serde_json::from_str(&terms).map_err(|error| StoreError::Record {
            key: key.to_string(),
            why: format!("its terms are {terms:?}: {error}"),
        })?;
        let record = match (kind, body) {
            (Some(kind), Some(body)) => Some(codec::decode(&key, &kind, body.as_bytes())?),
            (None, None) => None,
            (kind, _) => {
                return Err(StoreError::Record {
                    key: key.to_string(),
                    why: format!("it has one of kind and body, and not the other: {kind:?}"),
                });
            }
        };
        let stored = Stored {
            key,
            generation,
            revision,
            record,
            terms,
        };
        Ok((number, stored))
    })
    .collect()
}

fn logged(connection: &Connection) -> Result<Vec<Logged>, StoreError> {
    let failed = failed("reading an event");
    let sql = "SELECT sequence, id, revision, committed, event FROM events
               WHERE sequence > ? ORDER BY sequence LIMIT ?";
    let mut statement = connection.prepare(sql).map_err(&failed)?;
    let mut all: Vec<Logged> = Vec::new();
    loop {
        let (before, last) = (all.len(), all.last().map_or(0, |logged| logged.sequence));
        let rows = statement
            .query_map([last, CHUNK], |row| {
                let numbers: (u64, u64, i64) = (row.get(0)?, row.get(2)?, row.get(3)?);
                Ok((numbers, row.get::<_, String>(1)?, row.get::<_, String>(4)?))
            })
            .map_err(&failed)?;
        for row in rows {
            let ((sequence, revision, at), id, event) = row.map_err(&failed)?;
            let unreadable = |error: String| StoreError::Record {
                key: format!("event {sequence}"),
                why: error,
            };
            all.push(Logged {
                sequence,
                id,
                revision,
                at: Timestamp::from_millisecond(at).map_err(|error| unreadable(error.to_string()))?,
                event: serde_json::from_str(&event).map_err(|error| unreadable(error.to_string()))?,
            });
        }
        if all.len() == before {
            return Ok(all);
        }
    }
}

/// In what the file is other than what is shown.
pub(super) fn differences(shown: &dyn Snapshot, file: Image) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    let mut find = |what: String| findings.push(Finding::Engine(format!("{what} in the file and in memory")));
    if (shown.head(), shown.floors()?) != (file.head, file.floors) {
        find("the head is not the same".to_owned());
    }
    let mut inside: HashMap<Key, Stored> = file
        .stored
        .into_iter()
        .map(|stored| (stored.key.clone(), stored))
        .collect();
    for stored in shown.stored(None, usize::MAX)? {
        if inside.remove(&stored.key).as_ref() != Some(&stored) {
            find(format!("{} is not the same", stored.key));
        }
    }
    let mut rest: Vec<Key> = inside.into_keys().collect();
    rest.sort();
    for key in rest {
        find(format!("{key} is not the same"));
    }
    if shown.events(0, usize::MAX)? != file.events {
        find("events are not the same".to_owned());
    }
    Ok(findings)
}
