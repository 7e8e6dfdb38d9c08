//! One of several servers, as a process.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use clients::wire::Connection;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that is waited for.
const LIMIT: Duration = Duration::from_mins(2);

/// Looks until something is so.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    let wait = async {
        loop {
            looks.tick().await;
            if holds().await {
                return;
            }
        }
    };
    let outcome = tokio::time::timeout(LIMIT, wait).await;
    assert!(outcome.is_ok(), "{what}: not in time");
}

/// The program, with settings from nowhere but its arguments.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kecs"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KECS_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// A server that runs. It is killed when it is dropped.
pub(crate) struct Replica {
    child: Child,
    place: TempDir,
}

impl Replica {
    pub(crate) fn start(store: &str) -> Self {
        let place = TempDir::new().unwrap();
        let child = program()
            .args(["serve", "--store", store, "--data-dir"])
            .arg(place.path().join("data"))
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(["--simulated-pulling", "50ms", "--stop-grace", "2s"])
            .args(["--log-format", "json"])
            .stdout(Stdio::null())
            .stderr(fs::File::create(place.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        Self { child, place }
    }

    /// Everything that it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap()
    }

    fn log_path(&self) -> PathBuf {
        self.place.path().join("log")
    }

    fn line(&self, message: &str) -> Option<Value> {
        let log = self.log();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
        lines.find(|line: &Value| line["message"] == message)
    }

    /// Whether it has logged this.
    pub(crate) fn has_said(&self, message: &str) -> bool {
        self.line(message).is_some()
    }

    /// Waits until it has logged this, and answers with the line.
    pub(crate) async fn says(&self, message: &str) -> Value {
        let mut line = None;
        until(message, async || {
            line = self.line(message);
            let log = self.log();
            let failed = log.lines().any(|line| line.starts_with("error: "));
            assert!(line.is_some() || !failed, "{message}: {log}");
            line.is_some()
        })
        .await;
        line.unwrap()
    }

    pub(crate) async fn connect(&self) -> Connection {
        let started = self.says("started").await;
        let address = started["address"].as_str().unwrap();
        Connection::open(address, "eu-west-1").await.unwrap()
    }

    /// What the admin port answers to a path.
    pub(crate) async fn admin(&self, path: &str) -> String {
        let started = self.says("started").await;
        let mut stream = TcpStream::connect(started["admin"].as_str().unwrap()).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.unwrap(), signal).unwrap();
    }

    /// Waits until the process has ended.
    pub(crate) async fn ends(&mut self) -> ExitStatus {
        let mut ended = None;
        let child = &mut self.child;
        until("the end of a server", async || {
            ended = child.try_wait().unwrap();
            ended.is_some()
        })
        .await;
        ended.unwrap()
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // It may be over already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
