//! A `PostgreSQL` cluster for one run.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use kecs_store::postgres::Postgres;
use tempfile::TempDir;

/// Where Debian puts it.
pub(crate) const BINARIES: &str = "/usr/lib/postgresql/15/bin";

static SOCKETS: OnceLock<PathBuf> = OnceLock::new();

/// A running cluster. It ends, and its files go, when this is dropped.
pub(crate) struct Cluster {
    server: Child,
    place: TempDir,
}

/// Makes and starts a cluster; nothing: there are no binaries.
pub(crate) fn start() -> Option<Cluster> {
    Path::new(BINARIES).join("postgres").exists().then(|| {
        let place = TempDir::new().unwrap();
        // The server refuses to be root.
        let user = (fs::metadata(place.path()).unwrap().uid() == 0).then(postgres_user);
        if let Some((user, group)) = user {
            chown(place.path(), Some(user), Some(group)).unwrap();
        }
        let data = place.path().join("data");
        let data = data.to_str().unwrap();
        let made = command("initdb", user)
            .args(["-D", data, "-U", "kecs", "-A", "trust", "-E", "UTF8", "--no-sync"])
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "initdb: {made}");
        let sockets = place.path().to_str().unwrap();
        let server = command("postgres", user)
            .args(["-D", data, "-k", sockets, "-c", "listen_addresses="])
            .stderr(fs::File::create(place.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        SOCKETS.set(place.path().to_owned()).unwrap();
        let cluster = Cluster { server, place };
        cluster.wait();
        cluster
    })
}

fn command(name: &str, user: Option<(u32, u32)>) -> Command {
    let binary = format!("{BINARIES}/{name}");
    let Some((user, group)) = user else {
        return Command::new(binary);
    };
    let mut command = Command::new("setpriv");
    let (user, group) = (format!("--reuid={user}"), format!("--regid={group}"));
    command.args([user.as_str(), group.as_str(), "--clear-groups", "--", &binary]);
    command
}

fn postgres_user() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:")).unwrap();
    let mut words = line.split(':').skip(2).map(|word| word.parse().unwrap());
    (words.next().unwrap(), words.next().unwrap())
}

impl Cluster {
    fn wait(&self) {
        let sockets = self.place.path().to_str().unwrap();
        // It waits in itself, up to a second each time.
        let ready = || {
            Command::new(format!("{BINARIES}/pg_isready"))
                .args(["-q", "-t", "1", "-h", sockets, "-U", "kecs"])
                .status()
                .unwrap()
                .success()
        };
        let begun = std::iter::repeat_with(ready).take(2_000).any(|ready| ready);
        let log = fs::read_to_string(self.place.path().join("log")).unwrap();
        assert!(begun, "{log}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // All of its processes end with it.
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

/// Runs a statement as the owner of the cluster.
pub(crate) fn sql(database: &str, statement: &str) {
    let done = Command::new(format!("{BINARIES}/psql"))
        .args([
            "-q",
            "-h",
            SOCKETS.get().unwrap().to_str().unwrap(),
            "-U",
            "kecs",
            "-d",
            database,
        ])
        .args(["-v", "ON_ERROR_STOP=1", "-c", statement])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(done.success(), "{statement}");
}

/// The database that belongs to a place.
pub(crate) fn database(place: &TempDir) -> String {
    let name = place.path().file_name().unwrap().to_str().unwrap();
    // Names of databases are not told apart by the case of letters, unless they are quoted everywhere.
    name.bytes()
        .fold("t".to_owned(), |all, byte| format!("{all}{byte:02x}"))
}

/// The store in the database that belongs to a place, which is made where there is none.
pub(crate) fn open(place: &TempDir) -> Postgres {
    let database = database(place);
    let marker = place.path().join("made");
    if !marker.exists() {
        sql("postgres", &format!("CREATE DATABASE {database}"));
        fs::write(marker, "").unwrap();
    }
    let sockets = sockets();
    Postgres::open(&format!("host={sockets} user=kecs dbname={database}")).unwrap()
}

/// Where the cluster is reached.
pub(crate) fn sockets() -> String {
    SOCKETS.get().unwrap().to_str().unwrap().to_owned()
}
