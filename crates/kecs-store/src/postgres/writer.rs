//! What the writing thread does to the database, and what it keeps and takes in.

use std::sync::Arc;

use crate::batch::{Needs, Slot, Written, event_id};
use crate::codec;
use crate::error::StoreError;
use crate::group::{self, CommitJob, Engine, Outcome};
use crate::store::{Pruned, Retention};
use crate::transfer::{Image, Transferred};

use super::Shared;
use super::rows::{self, Columns};
use super::session::{SILENCE, Session};

/// Rows that are deleted at once, so that commits do not wait long.
const CHUNK: i64 = 2_000;

/// What the thread works with.
pub(super) struct Writing {
    pub(super) session: Session,
    pub(super) shared: Arc<Shared>,
}

/// A connection that commits. Whoever holds the row of the head and says nothing keeps all other servers waiting.
pub(super) fn connect(config: &postgres::Config) -> Result<Session, StoreError> {
    let mut session = Session::open(config)?;
    session.set(&[("idle_in_transaction_session_timeout", SILENCE)])?;
    Ok(session)
}

impl Engine for Writing {
    fn attempt(&mut self, jobs: &[CommitJob]) -> Result<Vec<Outcome>, StoreError> {
        let Self { session, shared } = self;
        // Every commit locks the row of the head first, so that they are one after the other, and each sees all before.
        session.within("BEGIN ISOLATION LEVEL READ COMMITTED", |session| {
            let top = rows::top_locked(session)?;
            let mut needs = Needs::default();
            for job in jobs {
                needs.add(&job.commit);
            }
            let mut batch = rows::load(session, needs, &top)?;
            let outcomes = jobs.iter().enumerate();
            let outcomes: Vec<_> = outcomes.map(|(at, job)| batch.apply(at, &job.commit)).collect();
            let head = batch.head();
            if head == top.head {
                session.run("ROLLBACK")?;
                return Ok(outcomes);
            }
            // What other replicas have committed comes before it, for those that are told.
            let known = shared.listeners.head().revision;
            let mut changed = if known < top.head.revision {
                rows::changed_since(session, known)?
            } else {
                Vec::new()
            };
            let (written, told) = batch.finish();
            let mut columns = Columns::default();
            for (key, written) in &written {
                let (job, change) = written.source;
                let body = jobs.get(job).and_then(|job| job.bodies.get(change)?.clone());
                columns.record(key, written, body)?;
                changed.push(group::fed(key, written, jobs));
            }
            for told in told {
                let Some(job) = jobs.get(told.commit) else {
                    continue;
                };
                for (sequence, event) in (told.first..).zip(&job.events) {
                    let id = event_id(top.identity, sequence);
                    columns.event(sequence, id, told.revision, job.at, event.clone());
                }
            }
            columns.write(session)?;
            rows::advance(session, head)?;
            let missed = (known < top.unnamed).then_some(top.unnamed);
            shared
                .listeners
                .publish(head, missed, changed, || session.commit())?;
            Ok(outcomes)
        })
    }

    fn recover(&mut self) {
        if self.session.is_closed()
            && let Ok(session) = connect(self.shared.pool.config())
        {
            self.session = session;
        }
    }
}

impl Writing {
    /// Forgets some of what need not be kept; nothing: that was all.
    pub(super) fn prune(&mut self, retention: Retention) -> Result<Pruned, StoreError> {
        self.session.within("BEGIN", |session| {
            let top = rows::top_locked(session)?;
            let mut floors = top.floors;
            let mut through = top.head.sequence.saturating_sub(retention.events);
            if let Some(since) = retention.since {
                let sql = "SELECT sequence FROM kecs_events WHERE at >= $1 ORDER BY sequence LIMIT 1";
                if let Some(row) = session.query(sql, &[&since.as_millisecond()])?.first() {
                    through = through.min(rows::number(row, 0) - 1);
                }
            }
            let mut pruned = Pruned::default();
            let through = through.min(floors.sequence + CHUNK.cast_unsigned());
            if through > floors.sequence {
                let sql = "DELETE FROM kecs_events WHERE sequence <= $1";
                pruned.events = session.execute(sql, &[&through.cast_signed()])?;
                floors.sequence = through;
            }
            let through = top.head.revision.saturating_sub(retention.deleted);
            let sql = "DELETE FROM kecs_records WHERE key IN
                           (SELECT key FROM kecs_records WHERE kind IS NULL AND revision <= $1 LIMIT $2)
                       RETURNING generation, revision";
            let mut unnamed = top.unnamed;
            for row in session.query(sql, &[&through.cast_signed(), &CHUNK])? {
                pruned.deleted += 1;
                floors.generation = floors.generation.max(rows::number(&row, 0));
                unnamed = unnamed.max(rows::number(&row, 1));
            }
            let sql = "UPDATE kecs_head SET floor_sequence = $1, floor_generation = $2, floor_revision = $3";
            let floors = [floors.sequence, floors.generation, unnamed].map(u64::cast_signed);
            session.execute(sql, &[&floors[0], &floors[1], &floors[2]])?;
            session.commit()?;
            Ok(pruned)
        })
    }

    /// Takes in what was exported.
    pub(super) fn import(&mut self, image: &Image) -> Result<Transferred, StoreError> {
        let Self { session, shared } = self;
        session.within("BEGIN", |session| {
            let revision = rows::top_locked(session)?.head.revision;
            if revision > 0 {
                return Err(StoreError::NotEmpty { revision });
            }
            let mut columns = Columns::default();
            for stored in &image.stored {
                let after = Slot {
                    generation: stored.generation,
                    revision: stored.revision,
                    kind: stored.record.as_deref().map(codec::kind),
                    terms: stored.terms.iter().cloned().collect(),
                };
                let written = Written {
                    before: Slot::default(),
                    after,
                    source: (0, 0),
                };
                let body = stored.record.as_deref().map(codec::encode).transpose()?;
                columns.record(&stored.key, &written, body)?;
            }
            for logged in &image.events {
                let event = codec::text(&logged.event)?;
                columns.event(logged.sequence, logged.id.clone(), logged.revision, logged.at, event);
            }
            columns.write(session)?;
            let floors = [image.identity, image.floors.sequence, image.floors.generation].map(u64::cast_signed);
            // What was deleted before the export may not be in it.
            let unnamed = image.head.revision.cast_signed();
            let sql = "UPDATE kecs_head SET identity = $1, floor_sequence = $2, floor_generation = $3, floor_revision = $4";
            session.execute(sql, &[&floors[0], &floors[1], &floors[2], &unnamed])?;
            rows::advance(session, image.head)?;
            let listeners = &shared.listeners;
            listeners.publish(image.head, None, image.fed(), || {
                session.commit()?;
                listeners.set_identity(image.identity);
                Ok(())
            })?;
            Ok(image.transferred())
        })
    }
}
