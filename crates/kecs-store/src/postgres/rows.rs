//! Rows as records, and what becomes of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kecs_core::key::{Key, Term};
use kecs_core::view::Entry;
use postgres::Row;

use super::session::Session;
use crate::batch::{Batch, Needs, Slot, Written};
use crate::codec;
use crate::error::StoreError;
use crate::store::{Fed, Floors, Head, Logged};

/// The row that all commits go through.
pub(super) struct Top {
    pub(super) head: Head,
    pub(super) floors: Floors,
    pub(super) identity: u64,
    /// Deleted keys up to this commit may no longer be known.
    pub(super) unnamed: u64,
}

const TOP: &str =
    "SELECT revision, sequence, floor_sequence, floor_generation, identity, floor_revision FROM kecs_head";
const TOP_LOCKED: &str = "SELECT revision, sequence, floor_sequence, floor_generation, identity, floor_revision FROM kecs_head FOR UPDATE";

pub(super) fn top(session: &mut Session) -> Result<Top, StoreError> {
    Ok(top_of(&session.query_one(TOP, &[])?))
}

/// The same, and no other replica commits until this transaction ends.
pub(super) fn top_locked(session: &mut Session) -> Result<Top, StoreError> {
    Ok(top_of(&session.query_one(TOP_LOCKED, &[])?))
}

fn top_of(row: &Row) -> Top {
    Top {
        head: Head {
            revision: number(row, 0),
            sequence: number(row, 1),
        },
        floors: Floors {
            sequence: number(row, 2),
            generation: number(row, 3),
        },
        identity: number(row, 4),
        unnamed: number(row, 5),
    }
}

pub(super) fn number(row: &Row, at: usize) -> u64 {
    row.get::<_, i64>(at).cast_unsigned()
}

pub(super) fn key(row: &Row, at: usize) -> Result<Key, StoreError> {
    text(row, at).map(Key::from_text)
}

pub(super) fn term(row: &Row, at: usize) -> Result<Term, StoreError> {
    text(row, at).map(Term::from_text)
}

fn text(row: &Row, at: usize) -> Result<String, StoreError> {
    String::from_utf8(row.get(at)).map_err(|error| StoreError::engine("reading a key", &error))
}

fn terms_of(key: &Key, text: &str) -> Result<Vec<Term>, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Record {
        key: key.to_string(),
        why: format!("its terms are {text:?}: {error}"),
    })
}

/// A record from key, generation, revision, kind and body.
pub(super) fn entry(row: &Row) -> Result<Option<Entry>, StoreError> {
    let key = key(row, 0)?;
    let (Some(kind), Some(body)) = (row.get::<_, Option<&str>>(3), row.get::<_, Option<&[u8]>>(4)) else {
        return Ok(None);
    };
    Ok(Some(Entry {
        record: codec::decode(&key, kind, body)?,
        key,
        generation: number(row, 1),
        revision: number(row, 2),
    }))
}

/// What has become of all keys that were written after this commit.
pub(super) fn changed_since(session: &mut Session, revision: u64) -> Result<Vec<Fed>, StoreError> {
    let sql = "SELECT key, generation, revision, kind, body FROM kecs_records WHERE revision > $1 ORDER BY revision";
    let rows = session.query(sql, &[&revision.cast_signed()])?;
    let fed = |row: &Row| {
        Ok(Fed {
            key: key(row, 0)?,
            revision: number(row, 2),
            entry: entry(row)?,
        })
    };
    rows.iter().map(fed).collect()
}

/// The kept terms of a row.
pub(super) fn terms(row: &Row, key: &Key, at: usize) -> Result<Vec<Term>, StoreError> {
    terms_of(key, row.get(at))
}

/// An event from sequence, id, revision, time and text.
pub(super) fn logged(row: &Row) -> Result<Logged, StoreError> {
    let sequence = number(row, 0);
    let unreadable = |error: String| StoreError::Record {
        key: format!("event {sequence}"),
        why: error,
    };
    Ok(Logged {
        sequence,
        id: row.get(1),
        revision: number(row, 2),
        at: Timestamp::from_millisecond(row.get(3)).map_err(|error| unreadable(error.to_string()))?,
        event: serde_json::from_str(row.get(4)).map_err(|error| unreadable(error.to_string()))?,
    })
}

/// What the commits have to know.
pub(super) fn load(session: &mut Session, needs: Needs, top: &Top) -> Result<Batch, StoreError> {
    let mut slots = BTreeMap::new();
    let keys: Vec<&[u8]> = needs.keys.iter().map(|key| key.as_str().as_bytes()).collect();
    let sql = "SELECT key, generation, revision, kind, terms FROM kecs_records WHERE key = ANY($1)";
    for row in session.query(sql, &[&keys])? {
        let key = key(&row, 0)?;
        let kind = row
            .get::<_, Option<&str>>(3)
            .map(|name| codec::kind_named(&key, name));
        let slot = Slot {
            generation: number(&row, 1),
            revision: number(&row, 2),
            kind: kind.transpose()?,
            terms: terms_of(&key, row.get(4))?.into_iter().collect(),
        };
        slots.insert(key, slot);
    }
    let mut counts: BTreeMap<Term, u64> = BTreeMap::new();
    if !needs.counts.is_empty() {
        let named: Vec<&[u8]> = needs.counts.iter().map(|term| term.as_str().as_bytes()).collect();
        let sql = "SELECT term, members FROM kecs_terms WHERE term = ANY($1)";
        for row in session.query(sql, &[&named])? {
            counts.insert(term(&row, 0)?, number(&row, 1));
        }
        for term in needs.counts {
            counts.entry(term).or_default();
        }
    }
    Ok(Batch::new(top.head, top.floors.generation, slots, counts))
}

/// What is to be written, column by column: a statement for each table, however many rows there are.
#[derive(Default)]
pub(super) struct Columns {
    keys: Vec<Vec<u8>>,
    generations: Vec<i64>,
    revisions: Vec<i64>,
    kinds: Vec<Option<&'static str>>,
    terms: Vec<String>,
    bodies: Vec<Option<Vec<u8>>>,
    added: (Vec<Vec<u8>>, Vec<Vec<u8>>),
    removed: (Vec<Vec<u8>>, Vec<Vec<u8>>),
    term_deltas: BTreeMap<Vec<u8>, i64>,
    kind_deltas: BTreeMap<&'static str, i64>,
    sequences: Vec<i64>,
    ids: Vec<String>,
    told_by: Vec<i64>,
    told_at: Vec<i64>,
    events: Vec<String>,
}

impl Columns {
    pub(super) fn record(
        &mut self,
        key: &Key,
        written: &Written,
        body: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        let bytes = key.as_str().as_bytes();
        for term in written.removed() {
            self.removed.0.push(term.as_str().into());
            self.removed.1.push(bytes.to_vec());
            *self.term_deltas.entry(term.as_str().into()).or_default() -= 1;
        }
        for term in written.added() {
            self.added.0.push(term.as_str().into());
            self.added.1.push(bytes.to_vec());
            *self.term_deltas.entry(term.as_str().into()).or_default() += 1;
        }
        if let Some(kind) = written.before.kind {
            *self.kind_deltas.entry(kind).or_default() -= 1;
        }
        if let Some(kind) = written.after.kind {
            *self.kind_deltas.entry(kind).or_default() += 1;
        }
        let terms = serde_json::to_string(&written.after.terms);
        self.keys.push(bytes.to_vec());
        self.generations.push(written.after.generation.cast_signed());
        self.revisions.push(written.after.revision.cast_signed());
        self.kinds.push(written.after.kind);
        self.terms
            .push(terms.map_err(|error| StoreError::engine("encoding terms", &error))?);
        self.bodies.push(body);
        Ok(())
    }

    pub(super) fn event(&mut self, sequence: u64, id: String, revision: u64, at: Timestamp, event: String) {
        self.sequences.push(sequence.cast_signed());
        self.ids.push(id);
        self.told_by.push(revision.cast_signed());
        self.told_at.push(at.as_millisecond());
        self.events.push(event);
    }

    pub(super) fn write(self, session: &mut Session) -> Result<(), StoreError> {
        session.execute(
            "INSERT INTO kecs_records (key, generation, revision, kind, terms, body)
             SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bytea[])
             ON CONFLICT (key) DO UPDATE SET generation = excluded.generation, revision = excluded.revision,
                 kind = excluded.kind, terms = excluded.terms, body = excluded.body",
            &[
                &self.keys,
                &self.generations,
                &self.revisions,
                &self.kinds,
                &self.terms,
                &self.bodies,
            ],
        )?;
        if !self.removed.0.is_empty() {
            session.execute(
                "DELETE FROM kecs_members USING unnest($1::bytea[], $2::bytea[]) AS gone (term, key)
                 WHERE kecs_members.term = gone.term AND kecs_members.key = gone.key",
                &[&self.removed.0, &self.removed.1],
            )?;
        }
        if !self.added.0.is_empty() {
            session.execute(
                "INSERT INTO kecs_members (term, key) SELECT * FROM unnest($1::bytea[], $2::bytea[])",
                &[&self.added.0, &self.added.1],
            )?;
        }
        let (terms, deltas): (Vec<_>, Vec<_>) = self.term_deltas.into_iter().unzip();
        if !terms.is_empty() {
            session.execute(
                "INSERT INTO kecs_terms (term, members) SELECT * FROM unnest($1::bytea[], $2::bigint[])
                 ON CONFLICT (term) DO UPDATE SET members = kecs_terms.members + excluded.members",
                &[&terms, &deltas],
            )?;
            let sql = "DELETE FROM kecs_terms WHERE members = 0 AND term = ANY($1)";
            session.execute(sql, &[&terms])?;
        }
        let (kinds, deltas): (Vec<_>, Vec<_>) =
            self.kind_deltas.into_iter().filter(|(_, it)| *it != 0).unzip();
        if !kinds.is_empty() {
            session.execute(
                "INSERT INTO kecs_kinds (kind, records) SELECT * FROM unnest($1::text[], $2::bigint[])
                 ON CONFLICT (kind) DO UPDATE SET records = kecs_kinds.records + excluded.records",
                &[&kinds, &deltas],
            )?;
        }
        if !self.sequences.is_empty() {
            session.execute(
                "INSERT INTO kecs_events (sequence, id, revision, at, event)
                 SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[])",
                &[
                    &self.sequences,
                    &self.ids,
                    &self.told_by,
                    &self.told_at,
                    &self.events,
                ],
            )?;
        }
        Ok(())
    }
}

/// Brings the head to a commit and its events, and tells the other replicas when that is durable.
pub(super) fn advance(session: &mut Session, head: Head) -> Result<(), StoreError> {
    let sql = "UPDATE kecs_head SET revision = $1, sequence = $2";
    session.execute(sql, &[&head.revision.cast_signed(), &head.sequence.cast_signed()])?;
    session.execute("SELECT pg_notify('kecs', '')", &[])?;
    Ok(())
}
