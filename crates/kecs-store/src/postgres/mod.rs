//! A store in a `PostgreSQL` database, for several servers at once.
//!
//! Every commit locks one row first, so that commits of all servers are one after the other and their numbers have no
//! gap. Each server hears of the commits of the others by `LISTEN`, and looks for them itself now and then. Connections
//! are not encrypted: a socket, or a network of one's own.

use std::io::BufRead;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use kecs_core::tx::Commit;
use tokio::sync::watch;

use crate::check::Finding;
use crate::error::{CommitError, StoreError};
use crate::group::{Listeners, Writer};
use crate::lead::Lead;
use crate::store::{Committed, Feed, Pruned, Retention, Snapshot, Stats, Store};
use crate::transfer::{self, Transferred};

mod follower;
mod lead;
mod reader;
mod rows;
mod schema;
mod session;
mod writer;

use follower::Follower;
use reader::Reader;
use session::{Pool, failed};
use writer::Writing;

/// A store in a database.
pub struct Postgres {
    writer: Writer<Writing>,
    _follower: Follower,
    shared: Arc<Shared>,
}

/// What the writer, the follower and the views have in common.
struct Shared {
    pool: Pool,
    listeners: Listeners,
}

impl Postgres {
    /// Opens the store in the database of this address (`postgres://user@host/database`, or words such as
    /// `host=/run/postgresql dbname=kecs`), and makes its tables where there are none.
    ///
    /// Fails if the tables are of a later version of this program. It waits for the database, and must not be called
    /// where that would keep others waiting.
    pub fn open(address: &str) -> Result<Self, StoreError> {
        Self::open_with(address, true)
    }

    /// The same, and fails with [`StoreError::Absent`] where there are no tables.
    pub fn open_existing(address: &str) -> Result<Self, StoreError> {
        Self::open_with(address, false)
    }

    fn open_with(address: &str, make: bool) -> Result<Self, StoreError> {
        let config = postgres::Config::from_str(address).map_err(failed("reading the address"))?;
        // A database without a name has that of the user.
        let place = config.get_dbname().or_else(|| config.get_user());
        let place = place.unwrap_or_default().to_owned();
        let pool = Pool::new(config);
        let line = pool.take()?;
        let identity = uuid::Uuid::new_v4().as_u64_pair().0;
        let top = line.call(move |session| {
            if !make && !schema::is_there(session)? {
                return Err(StoreError::Absent { name: place });
            }
            schema::migrate(session, schema::STEPS, &place, identity)?;
            rows::top(session)
        })?;
        pool.put_back(line);
        let shared = Arc::new(Shared {
            pool,
            listeners: Listeners::new(top.head, top.identity),
        });
        let writing = {
            let shared = Arc::clone(&shared);
            move || {
                let session = writer::connect(shared.pool.config())?;
                Ok(Writing { session, shared })
            }
        };
        Ok(Self {
            writer: Writer::start(writing)?,
            _follower: Follower::start(Arc::downgrade(&shared))?,
            shared,
        })
    }
}

#[async_trait]
impl Store for Postgres {
    fn engine(&self) -> &'static str {
        "postgres"
    }

    fn view(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(Reader::begin(&self.shared)?))
    }

    async fn commit(&self, commit: Commit, now: Timestamp) -> Result<Committed, CommitError> {
        self.writer.commit(commit, now).await
    }

    async fn lead(&self) -> Result<Lead, StoreError> {
        lead::lead(self.shared.pool.config().clone()).await
    }

    fn subscribe(&self) -> watch::Receiver<crate::store::Head> {
        self.shared.listeners.subscribe()
    }

    fn feed(&self, feed: Arc<dyn Feed>) -> Result<u64, StoreError> {
        Ok(self.shared.listeners.feed(feed))
    }

    async fn prune(&self, retention: Retention) -> Result<Pruned, StoreError> {
        let mut all = Pruned::default();
        loop {
            let some = self
                .writer
                .between(move |writing| writing.prune(retention))
                .await?;
            if some == Pruned::default() {
                return Ok(all);
            }
            all.events += some.events;
            all.deleted += some.deleted;
        }
    }

    async fn import(&self, lines: Box<dyn BufRead + Send>) -> Result<Transferred, StoreError> {
        let revision = self.shared.listeners.head().revision;
        if revision > 0 {
            return Err(StoreError::NotEmpty { revision });
        }
        let image = transfer::read(lines)?;
        self.writer.between(move |writing| writing.import(&image)).await
    }

    fn identity(&self) -> u64 {
        self.shared.listeners.identity()
    }

    async fn backup(&self, _path: &Path) -> Result<(), StoreError> {
        Err(StoreError::Unsupported {
            engine: self.engine(),
            doing: "write a copy to a file",
        })
    }

    fn integrity(&self) -> Result<Vec<Finding>, StoreError> {
        Ok(Vec::new())
    }

    fn stats(&self) -> Result<Stats, StoreError> {
        Reader::begin(&self.shared)?.stats()
    }
}
