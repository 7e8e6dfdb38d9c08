//! The records of a file at one moment.

use std::cell::Cell;
use std::sync::Arc;

use jiff::Timestamp;
use kecs_core::key::{Key, Term};
use kecs_core::view::{Entry, Page, Unreadable, View};
use rusqlite::{Connection, OptionalExtension as _, Params, Row};

use super::pool::Moment;
use super::{Shared, apply, failed};
use crate::codec;
use crate::error::StoreError;
use crate::store::{Floors, Head, Logged, Snapshot, Stored, TermCount};

/// Through the members, and from each to its record: `SQLite` keeps to the order of a CROSS JOIN.
macro_rules! page_sql {
    ($behind:literal, $order:literal) => {
        concat!(
            "SELECT r.key, r.generation, r.revision, r.kind, r.body
             FROM members m CROSS JOIN records r ON r.id = m.record
             WHERE m.term = (SELECT id FROM terms WHERE term = ?1) ",
            $behind,
            " ORDER BY m.key ",
            $order,
            " LIMIT ?2"
        )
    };
}
/// A moment of its own, which goes back when it is dropped.
pub(super) struct Reader {
    shared: Arc<Shared>,
    /// Always there until it is dropped.
    moment: Option<Moment>,
    rows: Cell<u64>,
}

impl Reader {
    pub(super) fn begin(shared: &Arc<Shared>) -> Result<Self, StoreError> {
        Ok(Self {
            moment: Some(shared.pool.take()?),
            shared: Arc::clone(shared),
            rows: Cell::new(0),
        })
    }

    pub(super) fn connection(&self) -> Result<&Connection, StoreError> {
        let moment = self.moment.as_ref().ok_or(StoreError::Closed)?;
        Ok(&moment.connection)
    }

    fn read(&self, rows: usize) {
        self.rows.set(self.rows.get() + rows as u64);
    }

    fn rows<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let failed = failed("reading");
        let mut statement = self.connection()?.prepare_cached(sql).map_err(&failed)?;
        let rows = statement.query_map(values, read).map_err(&failed)?;
        rows.collect::<Result<_, _>>().map_err(&failed)
    }

    fn entry(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.read(1);
        let failed = failed("reading a record");
        let sql =
            "SELECT key, generation, revision, kind, body FROM records WHERE key = ?1 AND kind IS NOT NULL";
        let mut statement = self.connection()?.prepare_cached(sql).map_err(&failed)?;
        let raw = statement
            .query_row([key.as_str()], raw)
            .optional()
            .map_err(&failed)?;
        raw.map(Raw::entry).transpose()
    }

    fn page(&self, term: &Term, page: Page<'_>) -> Result<Vec<Entry>, StoreError> {
        let sql = match (page.after, page.descending) {
            (None, false) => page_sql!("", "ASC"),
            (None, true) => page_sql!("", "DESC"),
            (Some(_), false) => page_sql!("AND m.key > ?3", "ASC"),
            (Some(_), true) => page_sql!("AND m.key < ?3", "DESC"),
        };
        let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
        let raws = match page.after {
            None => self.rows(sql, (term.as_str(), limit), raw)?,
            Some(after) => self.rows(sql, (term.as_str(), limit, after.as_str()), raw)?,
        };
        self.read(raws.len());
        raws.into_iter().map(Raw::entry).collect()
    }
}

/// A record as it is read.
struct Raw {
    key: Key,
    generation: u64,
    revision: u64,
    kind: String,
    body: Vec<u8>,
}

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok(Raw {
        key: Key::from_text(row.get::<_, String>(0)?),
        generation: row.get::<_, i64>(1)?.cast_unsigned(),
        revision: row.get::<_, i64>(2)?.cast_unsigned(),
        kind: row.get(3)?,
        body: row.get(4)?,
    })
}

impl Raw {
    fn entry(self) -> Result<Entry, StoreError> {
        let record = codec::decode(&self.key, &self.kind, &self.body)?;
        Ok(Entry {
            key: self.key,
            generation: self.generation,
            revision: self.revision,
            record,
        })
    }
}

impl View for Reader {
    fn get(&self, key: &Key) -> Result<Option<Entry>, Unreadable> {
        Ok(self.entry(key)?)
    }

    fn list(&self, term: &Term, page: Page<'_>) -> Result<Vec<Entry>, Unreadable> {
        Ok(self.page(term, page)?)
    }

    fn count(&self, term: &Term) -> Result<u64, Unreadable> {
        self.read(1);
        Ok(apply::count(self.connection()?, term)?)
    }
}

impl Snapshot for Reader {
    fn head(&self) -> Head {
        self.moment.as_ref().map(|moment| moment.head).unwrap_or_default()
    }

    fn rows_read(&self) -> u64 {
        self.rows.get()
    }

    fn floors(&self) -> Result<Floors, StoreError> {
        Ok(apply::head(self.connection()?)?.1)
    }

    fn stored(&self, after: Option<&Key>, limit: usize) -> Result<Vec<Stored>, StoreError> {
        let sql = "SELECT key, generation, revision, kind, body, terms FROM records WHERE key > ?1 ORDER BY key LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let after = after.map_or("", Key::as_str);
        let rows = self.rows(sql, (after, limit), |row| {
            let kind: Option<String> = row.get(3)?;
            let body: Option<Vec<u8>> = row.get(4)?;
            let key = Key::from_text(row.get::<_, String>(0)?);
            let generation = row.get::<_, i64>(1)?.cast_unsigned();
            let revision = row.get::<_, i64>(2)?.cast_unsigned();
            Ok((
                key,
                generation,
                revision,
                kind.zip(body),
                row.get::<_, String>(5)?,
            ))
        })?;
        let mut stored = Vec::with_capacity(rows.len());
        for (key, generation, revision, record, ids) in rows {
            let record = record.map(|(kind, body)| codec::decode(&key, &kind, &body));
            let mut terms = Vec::new();
            for id in apply::ids_in(&key, &ids)? {
                terms.push(apply::term(self.connection()?, id)?);
            }
            terms.sort();
            stored.push(Stored {
                key,
                generation,
                revision,
                record: record.transpose()?,
                terms,
            });
        }
        Ok(stored)
    }

    fn terms(&self, after: Option<&Term>, limit: usize) -> Result<Vec<TermCount>, StoreError> {
        let sql = "SELECT term, members FROM terms WHERE term > ?1 ORDER BY term LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.rows(sql, (after.map_or("", Term::as_str), limit), |row| {
            Ok(TermCount {
                term: Term::from_text(row.get::<_, String>(0)?),
                count: row.get::<_, i64>(1)?.cast_unsigned(),
            })
        })
    }

    fn members(&self, term: &Term) -> Result<Vec<Key>, StoreError> {
        let sql = "SELECT key FROM members WHERE term = (SELECT id FROM terms WHERE term = ?1) ORDER BY key";
        self.rows(sql, [term.as_str()], |row| {
            Ok(Key::from_text(row.get::<_, String>(0)?))
        })
    }

    fn events(&self, sequence: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        let sql = "SELECT sequence, id, revision, at, event FROM events WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.rows(sql, (sequence.cast_signed(), limit), |row| {
            let number = |at| row.get::<_, i64>(at);
            Ok((
                number(0)?.cast_unsigned(),
                row.get::<_, String>(1)?,
                number(2)?.cast_unsigned(),
                number(3)?,
                row.get::<_, String>(4)?,
            ))
        })?;
        rows.into_iter()
            .map(|(sequence, id, revision, at, event)| {
                let unreadable = |error: String| StoreError::Record {
                    key: format!("event {sequence}"),
                    why: error,
                };
                Ok(Logged {
                    sequence,
                    id,
                    revision,
                    at: Timestamp::from_millisecond(at).map_err(|error| unreadable(error.to_string()))?,
                    event: serde_json::from_str(&event).map_err(|error| unreadable(error.to_string()))?,
                })
            })
            .collect()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(moment) = self.moment.take() {
            self.shared.pool.put_back(moment);
        }
    }
}
