//! Connections. The client drives its own runtime and must not be called from within another, so that each connection
//! has a thread.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::Mutex;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use postgres::types::ToSql;
use postgres::{Client, Config, NoTls, Row, Statement};

use crate::error::StoreError;
use crate::group::locked;

/// Connections that are kept for the next view.
const IDLE: usize = 16;
/// How long a connection may take to be made, and how long what was sent may go unnoticed by the other side.
const PATIENCE: Duration = Duration::from_secs(10);

/// After how long the database ends a connection whose client is away. Longer than the client waits for the database.
const AWAY: [(&str, &str); 4] = [
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "5"),
    ("tcp_user_timeout", SILENCE),
];
/// The same for a client that is there and says nothing, in milliseconds; of such connections as others wait for.
pub(super) const SILENCE: &str = "15000";

/// A connection and its statements.
pub(super) struct Session {
    client: Client,
    statements: HashMap<&'static str, Statement>,
}

/// What is sent with a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Session {
    pub(super) fn open(config: &Config) -> Result<Self, StoreError> {
        Self::open_as("kecs", config)
    }

    /// Opens a connection that the database knows by this name.
    pub(super) fn open_as(name: &str, config: &Config) -> Result<Self, StoreError> {
        let mut config = config.clone();
        config.connect_timeout(PATIENCE).application_name(name);
        // By default, hours pass until a machine that is gone is missed. What the address says goes before.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(PATIENCE);
        }
        if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
            let often = Duration::from_secs(2);
            config.keepalives_idle(often).keepalives_interval(often);
        }
        let client = config.connect(NoTls).map_err(failed("connecting"))?;
        let mut session = Self {
            client,
            statements: HashMap::new(),
        };
        // A commit is acknowledged when it is on the disk, whatever the default of the database is.
        session.run("SET synchronous_commit = on")?;
        session.set(&AWAY)?;
        Ok(session)
    }

    /// Sets what the database knows of these settings.
    pub(super) fn set(&mut self, settings: &[(&str, &str)]) -> Result<(), StoreError> {
        let (names, values): (Vec<&str>, Vec<&str>) = settings.iter().copied().unzip();
        let sql = "SELECT set_config(name, wanted.value, false)
                   FROM unnest($1::text[], $2::text[]) AS wanted (name, value) JOIN pg_settings USING (name)";
        self.query(sql, &[&names, &values])?;
        Ok(())
    }

    /// Runs statements without values or rows.
    pub(super) fn run(&mut self, sql: &str) -> Result<(), StoreError> {
        self.client
            .batch_execute(sql)
            .map_err(failed("running a statement"))
    }

    fn statement(&mut self, sql: &'static str) -> Result<Statement, StoreError> {
        if let Some(known) = self.statements.get(sql) {
            return Ok(known.clone());
        }
        let statement = self
            .client
            .prepare(sql)
            .map_err(failed("preparing a statement"))?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    pub(super) fn query(&mut self, sql: &'static str, values: Values<'_>) -> Result<Vec<Row>, StoreError> {
        let statement = self.statement(sql)?;
        self.client.query(&statement, values).map_err(failed("reading"))
    }

    pub(super) fn query_one(&mut self, sql: &'static str, values: Values<'_>) -> Result<Row, StoreError> {
        let statement = self.statement(sql)?;
        self.client
            .query_one(&statement, values)
            .map_err(failed("reading"))
    }

    pub(super) fn execute(&mut self, sql: &'static str, values: Values<'_>) -> Result<u64, StoreError> {
        let statement = self.statement(sql)?;
        self.client.execute(&statement, values).map_err(failed("writing"))
    }

    /// Does something within a transaction, which is undone if that fails.
    pub(super) fn within<T>(
        &mut self,
        begin: &str,
        what: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.run(begin)?;
        let done = what(self);
        if done.is_err() {
            // Where this fails too, the connection is of no use, and the server undoes the transaction.
            let _unreachable = self.run("ROLLBACK");
        }
        done
    }

    /// Makes the transaction durable.
    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        match self.client.batch_execute("COMMIT") {
            Ok(()) => Ok(()),
            // The server says that it did not.
            Err(error) if error.as_db_error().is_some() => Err(failed("committing")(error)),
            Err(error) => Err(StoreError::Uncertain { cause: said(&error) }),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether the database still answers, within so long.
    pub(super) fn check(&mut self, patience: Duration) -> Result<(), StoreError> {
        self.client
            .is_valid(patience)
            .map_err(failed("looking at its connection"))
    }

    /// Waits for a notice, at most this long.
    pub(super) fn wait(&mut self, patience: Duration) -> Result<(), StoreError> {
        use postgres::fallible_iterator::FallibleIterator as _;
        let mut notices = self.client.notifications();
        let mut notices = notices.timeout_iter(patience);
        notices.next().map_err(failed("listening"))?;
        Ok(())
    }
}

type Job = Box<dyn FnOnce(&mut Session) + Send>;

/// A connection on a thread of its own.
pub(super) struct Line {
    jobs: Sender<Job>,
}

impl Line {
    pub(super) fn open(config: &Config) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel::<Job>();
        let (started, ready) = mpsc::channel();
        let config = config.clone();
        thread::Builder::new()
            .name("kecs-view".to_owned())
            .spawn(move || match Session::open(&config) {
                Ok(mut session) => {
                    let _waits = started.send(Ok(()));
                    while let Ok(job) = waiting.recv() {
                        job(&mut session);
                    }
                }
                Err(error) => {
                    let _waits = started.send(Err(error));
                }
            })
            .map_err(|error| StoreError::engine("starting a connection", &error))?;
        ready.recv().map_err(|_| StoreError::Closed)??;
        Ok(Self { jobs })
    }

    /// Does something with the connection, and waits for it.
    pub(super) fn call<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Session) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = mpsc::channel();
        let job: Job = Box::new(move |session| {
            let _gone = reply.send(what(session));
        });
        self.jobs.send(job).map_err(|_| StoreError::Closed)?;
        answer.recv().map_err(|_| StoreError::Closed)?
    }
}

/// Connections for views.
pub(super) struct Pool {
    config: Config,
    idle: Mutex<Vec<Line>>,
}

impl Pool {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            idle: Mutex::default(),
        }
    }

    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn take(&self) -> Result<Line, StoreError> {
        let idle = locked(&self.idle).pop();
        idle.map_or_else(|| Line::open(&self.config), Ok)
    }

    /// Another connection, because one that was kept may have been closed meanwhile.
    pub(super) fn fresh(&self) -> Result<Line, StoreError> {
        locked(&self.idle).clear();
        Line::open(&self.config)
    }

    pub(super) fn put_back(&self, line: Line) {
        let mut idle = locked(&self.idle);
        if idle.len() < IDLE {
            idle.push(line);
        }
    }
}

pub(super) fn failed(doing: &'static str) -> impl Fn(postgres::Error) -> StoreError {
    move |error| StoreError::engine(doing, &said(&error))
}

/// What the server says, which is in the source of the error; or what has happened, and why.
fn said(error: &postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(of_server), _) => of_server.to_string(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
