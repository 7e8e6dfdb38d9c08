//! Connections for views.
//!
//! A view that ends leaves its connection as it is, within its transaction: as long as nothing is written, the next view
//! shows the same and need not begin one.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, OpenFlags, Transaction};

use super::{apply, failed, open};
use crate::error::StoreError;
use crate::group::locked;
use crate::store::Head;

/// Connections that are kept for the next view.
const IDLE: usize = 16;

/// What the views of a file share.
pub(super) struct Pool {
    path: PathBuf,
    idle: Mutex<Waiting>,
    /// How often something was written.
    writes: AtomicU64,
}

/// What waits for the next views.
#[derive(Default)]
struct Waiting {
    connections: Vec<Idle>,
    /// No transaction is to be left open.
    end: bool,
}

/// A connection that waits for the next view.
enum Idle {
    Within(Moment),
    Free(Connection),
}

/// A connection within a read transaction, and what that shows.
pub(super) struct Moment {
    pub(super) connection: Connection,
    pub(super) head: Head,
    /// It shows at least so many writes.
    writes: u64,
}

impl Pool {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            idle: Mutex::default(),
            writes: AtomicU64::new(0),
        }
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A connection that shows everything that was written before.
    pub(super) fn take(&self) -> Result<Moment, StoreError> {
        // Before the transaction begins, so that it shows no less.
        let writes = self.writes.load(Ordering::SeqCst);
        let idle = locked(&self.idle).connections.pop();
        let connection = match idle {
            Some(Idle::Within(moment)) if moment.writes == writes => return Ok(moment),
            Some(Idle::Within(past)) => past.end()?,
            Some(Idle::Free(connection)) => connection,
            None => open::connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        run(&connection, "BEGIN")?;
        // The first read is what fixes the moment.
        let (head, _, _) = apply::head(&connection)?;
        Ok(Moment {
            connection,
            head,
            writes,
        })
    }

    /// Keeps a connection for the next view.
    pub(super) fn put_back(&self, moment: Moment) {
        let mut idle = locked(&self.idle);
        // An error of the disk may have ended the transaction, and with it the moment.
        if idle.connections.len() >= IDLE || moment.connection.is_autocommit() {
            return;
        }
        if idle.end {
            idle.connections.extend(moment.end().ok().map(Idle::Free));
        } else {
            idle.connections.push(Idle::Within(moment));
        }
    }

    /// Ends the transactions that nobody uses: as long as there is one, the log is not begun anew.
    pub(super) fn end_idle(&self) {
        locked(&self.idle).end_all();
    }

    /// Does something that waits until there is no transaction.
    pub(super) fn without_idle<T>(&self, what: impl FnOnce() -> T) -> T {
        let set = |end| {
            let mut idle = locked(&self.idle);
            idle.end = end;
            idle.end_all();
        };
        set(true);
        let done = what();
        set(false);
        done
    }

    /// Closes the connections that nobody uses.
    pub(super) fn close(&self) {
        locked(&self.idle).connections.clear();
    }

    /// Commits what the writer has written. Views that begin from now on show it.
    pub(super) fn commit(&self, transaction: Transaction<'_>) -> Result<(), StoreError> {
        transaction.commit().map_err(failed("committing"))?;
        self.writes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Waiting {
    fn end_all(&mut self) {
        let ended = self.connections.drain(..).filter_map(|it| match it {
            Idle::Within(moment) => moment.end().ok(),
            Idle::Free(connection) => Some(connection),
        });
        self.connections = ended.map(Idle::Free).collect();
    }
}

impl Moment {
    fn end(self) -> Result<Connection, StoreError> {
        run(&self.connection, "COMMIT")?;
        Ok(self.connection)
    }
}

fn run(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    let failed = failed("reading");
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    statement.execute([]).map_err(&failed)?;
    Ok(())
}
