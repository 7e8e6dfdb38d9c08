//! A batch of commits as rows.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use kecs_core::key::{Key, Term};
use rusqlite::{Connection, OptionalExtension as _};

use super::failed;
use crate::batch::{Batch, Needs, Slot, Told, Written, event_id};
use crate::codec;
use crate::error::StoreError;
use crate::store::{Floors, Head};

/// Ids of terms that are remembered; beyond that all are forgotten.
const REMEMBERED: usize = 50_000;

/// The ids of terms, as far as they were looked up.
#[derive(Default)]
pub(super) struct Names {
    ids: HashMap<Term, i64>,
    terms: HashMap<i64, Term>,
}

/// What is written of a record.
pub(super) struct Row<'a> {
    pub(super) slot: &'a Slot,
    pub(super) body: Option<&'a [u8]>,
}

/// How much is to be added to what.
#[derive(Default)]
pub(super) struct Deltas {
    terms: BTreeMap<i64, i64>,
    kinds: BTreeMap<&'static str, i64>,
}

/// The rows of one transaction.
pub(super) struct Rows<'a> {
    pub(super) connection: &'a Connection,
    pub(super) names: &'a mut Names,
}

impl Names {
    pub(super) fn forget(&mut self) {
        self.ids.clear();
        self.terms.clear();
    }

    fn remember(&mut self, id: i64, term: Term) {
        if self.ids.len() >= REMEMBERED {
            self.forget();
        }
        self.terms.insert(id, term.clone());
        self.ids.insert(term, id);
    }

    fn drop(&mut self, id: i64) {
        if let Some(term) = self.terms.remove(&id) {
            self.ids.remove(&term);
        }
    }
}

/// How far the store has come, and below what it keeps nothing.
pub(super) fn head(connection: &Connection) -> Result<(Head, Floors, u64), StoreError> {
    let sql = "SELECT revision, sequence, floor_sequence, floor_generation, identity FROM head";
    let failed = failed("reading the head");
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let row = statement.query_row([], |row| {
        let number = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let head = Head {
            revision: number(0)?,
            sequence: number(1)?,
        };
        let floors = Floors {
            sequence: number(2)?,
            generation: number(3)?,
        };
        Ok((head, floors, number(4)?))
    });
    row.map_err(&failed)
}

pub(super) fn set_head(connection: &Connection, head: Head, floors: Floors) -> Result<(), StoreError> {
    let sql = "UPDATE head SET revision = ?1, sequence = ?2, floor_sequence = ?3, floor_generation = ?4";
    execute(
        connection,
        sql,
        [
            head.revision.cast_signed(),
            head.sequence.cast_signed(),
            floors.sequence.cast_signed(),
            floors.generation.cast_signed(),
        ],
    )
}

/// Brings the head to a commit and its events.
pub(super) fn advance(connection: &Connection, head: Head) -> Result<(), StoreError> {
    let sql = "UPDATE head SET revision = ?1, sequence = ?2";
    execute(
        connection,
        sql,
        [head.revision.cast_signed(), head.sequence.cast_signed()],
    )
}

pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<(), StoreError> {
    let failed = failed("writing");
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    statement.execute(values).map_err(&failed)?;
    Ok(())
}

impl Rows<'_> {
    /// What the commits have to know, and the rows that hold it.
    pub(super) fn load(&mut self, needs: Needs) -> Result<(Batch, BTreeMap<Key, i64>), StoreError> {
        let (head, floors, _) = head(self.connection)?;
        let mut slots = BTreeMap::new();
        let mut ids = BTreeMap::new();
        for key in needs.keys {
            if let Some((id, slot)) = self.slot(&key)? {
                ids.insert(key.clone(), id);
                slots.insert(key, slot);
            }
        }
        let mut counts = BTreeMap::new();
        for term in needs.counts {
            let count = count(self.connection, &term)?;
            counts.insert(term, count);
        }
        Ok((Batch::new(head, floors.generation, slots, counts), ids))
    }

    fn slot(&mut self, key: &Key) -> Result<Option<(i64, Slot)>, StoreError> {
        let failed = failed("reading a record");
        let sql = "SELECT id, generation, revision, kind, terms FROM records WHERE key = ?1";
        let mut statement = self.connection.prepare_cached(sql).map_err(&failed)?;
        let row = statement
            .query_row([key.as_str()], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?.cast_unsigned(),
                    row.get::<_, i64>(2)?.cast_unsigned(),
                    row.get::<_, Option<String>>(3)?,
                    row.get::<_, String>(4)?,
                ))
            })
            .optional()
            .map_err(&failed)?;
        let Some((id, generation, revision, kind, terms)) = row else {
            return Ok(None);
        };
        let kind = kind.map(|name| codec::kind_named(key, &name)).transpose()?;
        let mut slot = Slot {
            generation,
            revision,
            kind,
            ..Slot::default()
        };
        for id in ids_in(key, &terms)? {
            slot.terms.insert(self.term(id)?);
        }
        Ok(Some((id, slot)))
    }

    /// Writes what becomes of a key. `id` is its row; without one it gets one.
    pub(super) fn put(
        &mut self,
        key: &Key,
        id: Option<i64>,
        row: &Row<'_>,
        deltas: &mut Deltas,
    ) -> Result<i64, StoreError> {
        let mut terms = String::new();
        for term in &row.slot.terms {
            if !terms.is_empty() {
                terms.push(' ');
            }
            terms.push_str(&self.id(term)?.to_string());
        }
        if let Some(kind) = row.slot.kind {
            *deltas.kinds.entry(kind).or_default() += 1;
        }
        let generation = row.slot.generation.cast_signed();
        let revision = row.slot.revision.cast_signed();
        if let Some(id) = id {
            let sql = "UPDATE records SET generation = ?2, revision = ?3, kind = ?4, terms = ?5, body = ?6 WHERE id = ?1";
            execute(
                self.connection,
                sql,
                (id, generation, revision, row.slot.kind, terms, row.body),
            )?;
            return Ok(id);
        }
        let sql = "INSERT INTO records (key, generation, revision, kind, terms, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        execute(
            self.connection,
            sql,
            (key.as_str(), generation, revision, row.slot.kind, terms, row.body),
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Writes what the batch makes of a key.
    pub(super) fn write(
        &mut self,
        key: &Key,
        id: Option<i64>,
        written: &Written,
        body: Option<&[u8]>,
        deltas: &mut Deltas,
    ) -> Result<(), StoreError> {
        if let Some(kind) = written.before.kind {
            *deltas.kinds.entry(kind).or_default() -= 1;
        }
        let row = Row {
            slot: &written.after,
            body,
        };
        let id = self.put(key, id, &row, deltas)?;
        for term in written.removed() {
            let term = self.id(term)?;
            let sql = "DELETE FROM members WHERE term = ?1 AND key = ?2";
            execute(self.connection, sql, (term, key.as_str()))?;
            *deltas.terms.entry(term).or_default() -= 1;
        }
        for term in written.added() {
            self.join(term, key, id, deltas)?;
        }
        Ok(())
    }

    /// Lets the term lead to the record.
    pub(super) fn join(
        &mut self,
        term: &Term,
        key: &Key,
        record: i64,
        deltas: &mut Deltas,
    ) -> Result<(), StoreError> {
        let term = self.id(term)?;
        let sql = "INSERT INTO members (term, key, record) VALUES (?1, ?2, ?3)";
        execute(self.connection, sql, (term, key.as_str(), record))?;
        *deltas.terms.entry(term).or_default() += 1;
        Ok(())
    }

    /// Brings the numbers up to date, and forgets terms without records.
    pub(super) fn settle(&mut self, deltas: &Deltas) -> Result<(), StoreError> {
        for (&id, &delta) in &deltas.terms {
            if delta != 0 {
                let sql = "UPDATE terms SET members = members + ?2 WHERE id = ?1";
                execute(self.connection, sql, (id, delta))?;
            }
            // A term that came and went within the batch, or lost its last record.
            if delta <= 0 {
                let failed = failed("writing");
                let sql = "DELETE FROM terms WHERE id = ?1 AND members = 0";
                let mut statement = self.connection.prepare_cached(sql).map_err(&failed)?;
                if statement.execute([id]).map_err(&failed)? > 0 {
                    self.names.drop(id);
                }
            }
        }
        for (&kind, &delta) in deltas.kinds.iter().filter(|(_, delta)| **delta != 0) {
            let sql = "INSERT INTO kinds (kind, records) VALUES (?1, ?2)
                       ON CONFLICT (kind) DO UPDATE SET records = records + excluded.records";
            execute(self.connection, sql, (kind, delta))?;
        }
        Ok(())
    }

    fn term(&mut self, id: i64) -> Result<Term, StoreError> {
        if let Some(known) = self.names.terms.get(&id) {
            return Ok(known.clone());
        }
        let term = term(self.connection, id)?;
        self.names.remember(id, term.clone());
        Ok(term)
    }

    fn id(&mut self, term: &Term) -> Result<i64, StoreError> {
        if let Some(known) = self.names.ids.get(term) {
            return Ok(*known);
        }
        let failed = failed("finding a term");
        let sql = "SELECT id FROM terms WHERE term = ?1";
        let mut statement = self.connection.prepare_cached(sql).map_err(&failed)?;
        let id = statement
            .query_row([term.as_str()], |row| row.get(0))
            .optional()
            .map_err(&failed)?;
        let id = if let Some(id) = id {
            id
        } else {
            execute(
                self.connection,
                "INSERT INTO terms (term, members) VALUES (?1, 0)",
                [term.as_str()],
            )?;
            self.connection.last_insert_rowid()
        };
        self.names.remember(id, term.clone());
        Ok(id)
    }
}

/// Writes the events of one commit.
pub(super) fn tell(
    connection: &Connection,
    identity: u64,
    told: &Told,
    at: Timestamp,
    events: &[String],
) -> Result<(), StoreError> {
    for (sequence, event) in (told.first..).zip(events) {
        log(
            connection,
            sequence,
            &event_id(identity, sequence),
            told.revision,
            at,
            event,
        )?;
    }
    Ok(())
}

/// Writes one event.
pub(super) fn log(
    connection: &Connection,
    sequence: u64,
    id: &str,
    revision: u64,
    at: Timestamp,
    event: &str,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO events (sequence, id, revision, at, event) VALUES (?1, ?2, ?3, ?4, ?5)";
    let (sequence, revision) = (sequence.cast_signed(), revision.cast_signed());
    execute(
        connection,
        sql,
        (sequence, id, revision, at.as_millisecond(), event),
    )
}

/// How many records a term has.
pub(super) fn count(connection: &Connection, term: &Term) -> Result<u64, StoreError> {
    let failed = failed("counting");
    let sql = "SELECT members FROM terms WHERE term = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let count = statement
        .query_row([term.as_str()], |row| row.get::<_, i64>(0))
        .optional()
        .map_err(&failed)?;
    Ok(count.unwrap_or_default().cast_unsigned())
}

/// The term of this id.
pub(super) fn term(connection: &Connection, id: i64) -> Result<Term, StoreError> {
    let failed = failed("reading a term");
    let sql = "SELECT term FROM terms WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let text: String = statement.query_row([id], |row| row.get(0)).map_err(&failed)?;
    Ok(Term::from_text(text))
}

/// The ids of a record's terms.
pub(super) fn ids_in(key: &Key, terms: &str) -> Result<Vec<i64>, StoreError> {
    let ids: Result<_, _> = terms.split_ascii_whitespace().map(str::parse).collect();
    ids.map_err(|error| StoreError::Record {
        key: key.to_string(),
        why: format!("its terms are {terms:?}: {error}"),
    })
}
