//! The records of a database at one moment.

use std::cell::Cell;
use std::sync::Arc;

use kecs_core::key::{Key, Term};
use kecs_core::view::{Entry, Page, Unreadable, View};

use super::Shared;
use super::rows;
use super::session::{Line, Session};
use crate::error::StoreError;
use crate::store::{Floors, Head, KindCount, Logged, Snapshot, Stats, Stored, TermCount};

/// A page of the members of a term, with their records.
macro_rules! page_sql {
    ($behind:literal, $order:literal) => {
        concat!(
            "SELECT r.key, r.generation, r.revision, r.kind, r.body
             FROM kecs_members m JOIN kecs_records r ON r.key = m.key
             WHERE m.term = $1 AND ",
            $behind,
            " ORDER BY m.key ",
            $order,
            " LIMIT $2"
        )
    };
}
/// A read transaction on a connection of its own, which goes back when it is dropped.
pub(super) struct Reader {
    shared: Arc<Shared>,
    /// Always there until it is dropped.
    line: Option<Line>,
    head: Head,
    floors: Floors,
    rows: Cell<u64>,
}

fn begin(session: &mut Session) -> Result<(Head, Floors), StoreError> {
    session.within("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", |session| {
        // The first read is what fixes the moment.
        let top = rows::top(session)?;
        Ok((top.head, top.floors))
    })
}

impl Reader {
    pub(super) fn begin(shared: &Arc<Shared>) -> Result<Self, StoreError> {
        let mut line = shared.pool.take()?;
        let (head, floors) = if let Ok(begun) = line.call(begin) {
            begun
        } else {
            line = shared.pool.fresh()?;
            line.call(begin)?
        };
        Ok(Self {
            shared: Arc::clone(shared),
            line: Some(line),
            head,
            floors,
            rows: Cell::new(0),
        })
    }

    fn call<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Session) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.line.as_ref().ok_or(StoreError::Closed)?.call(what)
    }

    fn read(&self, rows: usize) {
        self.rows.set(self.rows.get() + rows as u64);
    }

    fn page(&self, term: &Term, page: Page<'_>) -> Result<Vec<Entry>, StoreError> {
        let sql = match (page.after, page.descending) {
            (None, false) => page_sql!("$3::bytea IS NULL", "ASC"),
            (None, true) => page_sql!("$3::bytea IS NULL", "DESC"),
            (Some(_), false) => page_sql!("m.key > $3::bytea", "ASC"),
            (Some(_), true) => page_sql!("m.key < $3::bytea", "DESC"),
        };
        let term = bytes(term.as_str());
        let after = page.after.map(|key| bytes(key.as_str()));
        let limit = limited(page.limit);
        let entries = self.call(move |session| {
            let rows = session.query(sql, &[&term, &limit, &after])?;
            rows.iter()
                .filter_map(|row| rows::entry(row).transpose())
                .collect::<Result<Vec<_>, _>>()
        })?;
        self.read(entries.len());
        Ok(entries)
    }

    /// What the database holds.
    pub(super) fn stats(&self) -> Result<Stats, StoreError> {
        let (head, floors) = (self.head, self.floors);
        self.call(move |session| {
            let sql = "SELECT kind, records FROM kecs_kinds WHERE records > 0 ORDER BY kind COLLATE \"C\"";
            let kinds = session.query(sql, &[])?;
            let deleted = session.query_one("SELECT count(*) FROM kecs_records WHERE kind IS NULL", &[])?;
            let sql =
                "SELECT sum(pg_total_relation_size(name::regclass))::bigint FROM unnest(ARRAY['kecs_records',
                       'kecs_terms', 'kecs_members', 'kecs_events']) AS name";
            let bytes = session.query_one(sql, &[])?;
            Ok(Stats {
                head,
                kinds: kinds
                    .iter()
                    .map(|row| KindCount {
                        kind: row.get(0),
                        records: rows::number(row, 1),
                    })
                    .collect(),
                deleted: rows::number(&deleted, 0),
                events: head.sequence - floors.sequence,
                bytes: rows::number(&bytes, 0),
            })
        })
    }
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl View for Reader {
    fn get(&self, key: &Key) -> Result<Option<Entry>, Unreadable> {
        self.read(1);
        let key = bytes(key.as_str());
        Ok(self.call(move |session| {
            let sql = "SELECT key, generation, revision, kind, body FROM kecs_records WHERE key = $1";
            let rows = session.query(sql, &[&key])?;
            rows.first().map_or(Ok(None), rows::entry)
        })?)
    }

    fn list(&self, term: &Term, page: Page<'_>) -> Result<Vec<Entry>, Unreadable> {
        Ok(self.page(term, page)?)
    }

    fn count(&self, term: &Term) -> Result<u64, Unreadable> {
        self.read(1);
        let term = bytes(term.as_str());
        Ok(self.call(move |session| {
            let rows = session.query("SELECT members FROM kecs_terms WHERE term = $1", &[&term])?;
            Ok(rows.first().map_or(0, |row| rows::number(row, 0)))
        })?)
    }
}

impl Snapshot for Reader {
    fn head(&self) -> Head {
        self.head
    }

    fn rows_read(&self) -> u64 {
        self.rows.get()
    }

    fn floors(&self) -> Result<Floors, StoreError> {
        Ok(self.floors)
    }

    fn stored(&self, after: Option<&Key>, limit: usize) -> Result<Vec<Stored>, StoreError> {
        let after = bytes(after.map_or("", Key::as_str));
        let limit = limited(limit);
        self.call(move |session| {
            let sql = "SELECT key, generation, revision, kind, body, terms FROM kecs_records
                       WHERE key > $1 ORDER BY key LIMIT $2";
            let rows = session.query(sql, &[&after, &limit])?;
            let stored = |row: &postgres::Row| {
                let key = rows::key(row, 0)?;
                Ok(Stored {
                    generation: rows::number(row, 1),
                    revision: rows::number(row, 2),
                    record: rows::entry(row)?.map(|entry| entry.record),
                    terms: rows::terms(row, &key, 5)?,
                    key,
                })
            };
            rows.iter().map(stored).collect()
        })
    }

    fn terms(&self, after: Option<&Term>, limit: usize) -> Result<Vec<TermCount>, StoreError> {
        let after = bytes(after.map_or("", Term::as_str));
        let limit = limited(limit);
        self.call(move |session| {
            let sql = "SELECT term, members FROM kecs_terms WHERE term > $1 ORDER BY term LIMIT $2";
            let rows = session.query(sql, &[&after, &limit])?;
            let counted = |row: &postgres::Row| {
                Ok(TermCount {
                    term: rows::term(row, 0)?,
                    count: rows::number(row, 1),
                })
            };
            rows.iter().map(counted).collect()
        })
    }

    fn members(&self, term: &Term) -> Result<Vec<Key>, StoreError> {
        let term = bytes(term.as_str());
        self.call(move |session| {
            let sql = "SELECT key FROM kecs_members WHERE term = $1 ORDER BY key";
            let rows = session.query(sql, &[&term])?;
            rows.iter().map(|row| rows::key(row, 0)).collect()
        })
    }

    fn events(&self, sequence: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        let limit = limited(limit);
        self.call(move |session| {
            let sql = "SELECT sequence, id, revision, at, event FROM kecs_events
                       WHERE sequence > $1 ORDER BY sequence LIMIT $2";
            let rows = session.query(sql, &[&sequence.cast_signed(), &limit])?;
            rows.iter().map(rows::logged).collect()
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(line) = self.line.take()
            && line.call(|session| session.run("COMMIT")).is_ok()
        {
            self.shared.pool.put_back(line);
        }
    }
}
