//! Hears of what other replicas commit.

use std::sync::Weak;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Shared;
use super::rows;
use super::session::Session;
use crate::error::StoreError;

/// How long a notice is waited for before the head is looked at all the same, and how long a closing store waits for
/// the thread at most.
const PATIENCE: Duration = Duration::from_millis(250);

/// The thread that follows the other replicas.
pub(super) struct Follower {
    /// Dropped to end it.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    pub(super) fn start(shared: Weak<Shared>) -> Result<Self, StoreError> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("kecs-follow".to_owned())
            .spawn(move || run(&shared, &stopped))
            .map_err(|error| StoreError::engine("starting to follow other replicas", &error))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn run(shared: &Weak<Shared>, stopped: &Receiver<()>) {
    let mut listening: Option<Session> = None;
    while let Err(TryRecvError::Empty) = stopped.try_recv() {
        let Some(shared) = shared.upgrade() else { return };
        let followed = match listening.take() {
            Some(session) => Ok(session),
            None => listen(&shared),
        }
        .and_then(|mut session| {
            catch_up(&mut session, &shared)?;
            drop(shared);
            session.wait(PATIENCE)?;
            Ok(session)
        });
        match followed {
            Ok(session) => listening = Some(session),
            // The database is away. Views say so themselves; this tries again.
            Err(_) => thread::sleep(PATIENCE),
        }
    }
}

fn listen(shared: &Shared) -> Result<Session, StoreError> {
    let mut session = Session::open(shared.pool.config())?;
    session.run("LISTEN kecs")?;
    Ok(session)
}

/// Tells of what was committed elsewhere since the last time.
fn catch_up(session: &mut Session, shared: &Shared) -> Result<(), StoreError> {
    let known = shared.listeners.head();
    let (top, changed) = session.within("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", |session| {
        let top = rows::top(session)?;
        let changed = if top.head.revision > known.revision {
            rows::changed_since(session, known.revision)?
        } else {
            Vec::new()
        };
        session.run("COMMIT")?;
        Ok((top, changed))
    })?;
    let missed = (known.revision < top.unnamed).then_some(top.unnamed);
    let listeners = &shared.listeners;
    listeners.publish(top.head, missed, changed, || {
        // This server may have imported since that was read.
        if top.head.revision >= listeners.head().revision {
            listeners.set_identity(top.identity);
        }
        Ok(())
    })
}
