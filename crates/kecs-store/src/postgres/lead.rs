//! Which of the replicas leads: the one whose session has the lock.
//!
//! The lock belongs to a session of its own and ends with it, so that no clock has to agree with another. A leader that
//! hears nothing of the database for [`ANSWER`] has lost, and the database ends a session that it hears nothing of after
//! [`SILENCE`], which is longer: where they cannot reach each other, the old leader is gone before there is a new one.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::Duration;

use postgres::Config;
use tokio::sync::oneshot;

use super::session::{SILENCE, Session};
use crate::error::StoreError;
use crate::lead::Lead;

/// What the session is named in `pg_stat_activity`.
const NAME: &str = "kecs-lead";
/// How often who waits tries, and who leads asks whether that is still so.
const EVERY: Duration = Duration::from_secs(1);
/// How long an answer to that may take.
const ANSWER: Duration = Duration::from_secs(10);

/// Takes the lock if nobody has it. It is about the table that all commits go through: stores in several schemas of one
/// database have a leader each. The number is `KECS`.
const TRY: &str = "SELECT pg_try_advisory_lock(1262830419, 'kecs_head'::regclass::oid::int4)";

/// Waits until nobody else leads. Whoever no longer waits for this is no candidate any more.
pub(super) async fn lead(config: Config) -> Result<Lead, StoreError> {
    let (hold, given_up) = mpsc::channel();
    let (won, wins) = oneshot::channel();
    let (end, lost) = oneshot::channel();
    thread::Builder::new()
        .name("kecs-lead".to_owned())
        .spawn(move || {
            let Some(session) = contend(&config, &given_up) else {
                return;
            };
            if won.send(()).is_ok()
                && let Some(why) = watch(session, &given_up)
            {
                let _nobody_waits = end.send(why);
            }
        })
        .map_err(|error| StoreError::engine("starting to lead", &error))?;
    wins.await.map_err(|_| StoreError::Closed)?;
    Ok(Lead::among_others(hold, lost))
}

/// Tries until it has the lock; nothing: nobody waits for that any more.
fn contend(config: &Config, given_up: &Receiver<()>) -> Option<Session> {
    let mut waiting: Option<Session> = None;
    loop {
        let tried = match waiting.take() {
            Some(session) => Ok(session),
            None => join(config),
        }
        .and_then(|mut session| {
            let has = session.query_one(TRY, &[])?.get(0);
            Ok((session, has))
        });
        match tried {
            Ok((session, true)) => return Some(session),
            Ok((session, false)) => waiting = Some(session),
            // The database is away. Views say so themselves; this tries again.
            Err(_) => {}
        }
        if given_up.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
            return None;
        }
    }
}

fn join(config: &Config) -> Result<Session, StoreError> {
    let mut session = Session::open_as(NAME, config)?;
    session.set(&[("idle_session_timeout", SILENCE)])?;
    Ok(session)
}

/// Looks at the session for as long as it is there, and says why it is no longer; nothing: the lead was given up.
fn watch(mut session: Session, given_up: &Receiver<()>) -> Option<StoreError> {
    while given_up.try_recv() == Err(TryRecvError::Empty) {
        // Where the database ends the session, this ends at once.
        let there = session.wait(EVERY).and_then(|()| session.check(ANSWER));
        if let Err(why) = there {
            return Some(why);
        }
    }
    None
}
