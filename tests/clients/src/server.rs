//! A KECS server in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(30);

/// Tasks live faster here: each status can be seen, and nobody waits for it.
pub const SIMULATED: [&str; 12] = [
    "--simulated-provisioning",
    "50ms",
    "--simulated-pulling",
    "100ms",
    "--simulated-activating",
    "50ms",
    "--simulated-deactivating",
    "50ms",
    "--simulated-stopping",
    "50ms",
    "--simulated-deprovisioning",
    "50ms",
];

/// As [`SIMULATED`], and what is asked to stop takes an hour for it: it can be looked at while it does.
pub const LINGERING: [&str; 12] = {
    let mut all = SIMULATED;
    all[9] = "1h";
    all
};

/// Who may ask a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// Who has one of the keys of `keys.json`.
    Keys,
}

/// Where a server keeps its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// In memory.
    Memory,
    /// In a file.
    Sqlite,
    /// In the `PostgreSQL` database under this URL.
    Postgres(&'static str),
}

/// A server that runs. It is killed when it is dropped; its files are gone then, too.
#[derive(Debug)]
pub struct Server {
    child: Child,
    access: Access,
    store: Store,
    simulated: [&'static str; 12],
    place: TempDir,
    /// Where the API answers: host and port.
    pub address: String,
}

/// The program, built if need be, by the profile of this test.
pub fn program() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            // The test is in <target>/<profile>/deps; nothing else says where the program belongs.
            let test = std::env::current_exe().unwrap();
            let folder = test.parent().unwrap();
            let profile = if folder.ends_with("deps") {
                folder.parent().unwrap()
            } else {
                folder
            };
            let mut build = Command::new(env!("CARGO"));
            // The program alone: with its library everything below it would be built for other uses, too.
            build.args(["build", "--quiet", "--bins", "--package", "kecs", "--target-dir"]);
            build.arg(profile.parent().unwrap());
            if profile.ends_with("release") {
                build.arg("--release");
            }
            assert!(build.status().unwrap().success(), "the server does not build");
            profile.join("kecs")
        })
        .clone()
}

impl Server {
    /// Starts one with empty files.
    pub fn start(access: Access, store: Store) -> Self {
        Self::start_with(access, store, SIMULATED)
    }

    /// Starts one with empty files, whose tasks live like this.
    pub fn start_with(access: Access, store: Store, simulated: [&'static str; 12]) -> Self {
        let place = TempDir::new().unwrap();
        let (child, address) = spawn(place.path(), access, store, simulated);
        Self {
            child,
            access,
            store,
            simulated,
            place,
            address,
        }
    }

    /// The URL of the API.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged.
    pub fn log(&self) -> std::io::Result<String> {
        std::fs::read_to_string(self.place.path().join("log"))
    }

    /// Ends it as a loss of power does, and starts another over the same files.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        let (child, address) = spawn(self.place.path(), self.access, self.store, self.simulated);
        self.child = child;
        self.address = address;
    }

    fn kill(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It may be over already.
        let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(place: &Path, access: Access, store: Store, simulated: [&str; 12]) -> (Child, String) {
    let mut command = Command::new(program());
    command
        .arg("serve")
        .args(["--listen", "127.0.0.1:0", "--admin-listen", "none"])
        .args(simulated)
        .arg("--data-dir")
        .arg(place.join("data"))
        .args(match store {
            Store::Memory => ["--store", "memory"],
            Store::Sqlite => ["--store", "sqlite"],
            Store::Postgres(url) => ["--store", url],
        })
        // Only warnings: what is logged of each request would be most of the work.
        .args(["--log", "warn"]);
    if access == Access::Keys {
        let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("keys.json");
        command.arg("--keys").arg(keys);
    }
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KECS_") {
            command.env_remove(name);
        }
    }
    let log = std::fs::File::create(place.join("log")).unwrap();
    let mut child = command
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (found, addresses) = channel();
    std::thread::spawn(move || {
        // Read to the end: a server whose output nobody reads would wait for that.
        for line in stdout.lines().map_while(Result::ok) {
            for address in line
                .split_whitespace()
                .filter_map(|word| word.split("http://").nth(1))
            {
                let end = address.find(|it: char| !(it.is_ascii_digit() || it == '.' || it == ':'));
                let _ = found.send(address[..end.unwrap_or(address.len())].to_owned());
            }
        }
    });
    let address = addresses.recv_timeout(START).unwrap_or_else(|_| {
        let log = std::fs::read_to_string(place.join("log")).unwrap_or_default();
        panic!("the server does not say where it answers:\n{log}")
    });
    (child, address)
}
