//! A `PostgreSQL` cluster for one run.

use std::env;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// Where Debian puts each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// What is needed of it.
const PROGRAMS: [&str; 4] = ["initdb", "pg_isready", "postgres", "psql"];

static SOCKETS: OnceLock<PathBuf> = OnceLock::new();

/// A running cluster. It ends, and its files go, when this is dropped.
pub(crate) struct Cluster {
    server: Child,
    place: TempDir,
}

/// The folder of its programs: on `PATH`, or of the latest version that Debian has.
fn binaries() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let has_all = |folder: &PathBuf| PROGRAMS.iter().all(|name| folder.join(name).is_file());
    let find = || {
        let path = env::var_os("PATH").unwrap_or_default();
        if let Some(folder) = env::split_paths(&path).find(has_all) {
            return Some(folder);
        }
        let versions = fs::read_dir(DEBIAN).into_iter().flatten().filter_map(|entry| {
            let folder = entry.ok()?.path();
            let version: u32 = folder.file_name()?.to_str()?.parse().ok()?;
            Some((version, folder.join("bin")))
        });
        versions
            .filter(|(_, folder)| has_all(folder))
            .max()
            .map(|(_, folder)| folder)
    };
    FOUND.get_or_init(find).as_deref()
}

/// Makes and starts a cluster. Nothing: there is no `PostgreSQL`, which is said, and fails where `CAPT_REQUIRE` names it.
pub(crate) fn start() -> Option<Cluster> {
    if binaries().is_none() {
        let required = env::var("CAPT_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|it| it.trim() == "postgres"),
            "postgres is required and neither on PATH nor under {DEBIAN}"
        );
        println!("not run: postgres is neither on PATH nor under {DEBIAN}");
        return None;
    }
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
    Some(cluster)
}

fn binary(name: &str) -> PathBuf {
    binaries().unwrap().join(name)
}

fn command(name: &str, user: Option<(u32, u32)>) -> Command {
    let binary = binary(name);
    let Some((user, group)) = user else {
        return Command::new(binary);
    };
    let mut command = Command::new("setpriv");
    let (user, group) = (format!("--reuid={user}"), format!("--regid={group}"));
    command.args([user.as_str(), group.as_str(), "--clear-groups", "--"]);
    command.arg(binary);
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
            Command::new(binary("pg_isready"))
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
    ask(database, statement);
}

/// Runs a statement as the owner of the cluster, and answers with the only value that comes of it.
pub(crate) fn ask(database: &str, statement: &str) -> String {
    let sockets = sockets();
    let output = Command::new(binary("psql"))
        .args([
            "-X", "-q", "-A", "-t", "-h", &sockets, "-U", "kecs", "-d", database,
        ])
        .args(["-v", "ON_ERROR_STOP=1", "-c", statement])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{statement}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Where the cluster is reached.
pub(crate) fn sockets() -> String {
    SOCKETS.get().unwrap().to_str().unwrap().to_owned()
}
