//! Programs, started, listened to and stopped.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// After this long a program is killed, so that a test that waits for what never comes fails.
const LIMIT: Duration = Duration::from_mins(4);

/// Whether a program is there. Says so if it is not, and fails if `CAPT_REQUIRE` names it.
pub fn has(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|dir| dir.join(tool).is_file()) {
        return true;
    }
    let required = std::env::var("CAPT_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|it| it.trim() == tool),
        "{tool} is required and not on PATH"
    );
    println!("not run: {tool} is not on PATH");
    false
}

/// One of the programs of this workspace, built if need be.
pub fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        // The test is in <target>/<profile>/deps; nothing else says where the programs belong.
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap().to_owned();
        let mut build = Command::new(env!("CARGO"));
        build.args([
            "build",
            "--quiet",
            "--package",
            "capt",
            "--package",
            "capt-operator",
            "--target-dir",
        ]);
        build.arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the programs do not build");
        profile
    });
    directory.join(name)
}

/// A place for everything that a test's programs keep.
pub struct Place(TempDir);

impl Place {
    /// An empty one.
    #[allow(
        clippy::new_without_default,
        reason = "a place is made where it is used, not by default"
    )]
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// The path of what has this name in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file in it with this content.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A program that keeps everything here.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        command
            .env("XDG_RUNTIME_DIR", self.0.path())
            .env("XDG_STATE_HOME", self.path("state"))
            .env_remove("KUBECONFIG")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }
}

/// A program that runs.
pub struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Read by one test at a time, and to the end by a thread.
    stderr: Option<BufReader<ChildStderr>>,
    /// Dropped when the program has ended: the watchdog goes home.
    _watchdog: Sender<()>,
}

impl Running {
    /// Starts it, with its output to be read here.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let pid = pid(&child);
        let (watchdog, ended) = channel::<()>();
        std::thread::spawn(move || {
            if ended.recv_timeout(LIMIT) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        Self {
            child,
            stdout: BufReader::new(stdout),
            stderr: Some(BufReader::new(stderr)),
            _watchdog: watchdog,
        }
    }

    /// The next line of standard output.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Reads standard error up to a line with this in it, and returns that line.
    pub fn hear(&mut self, wanted: &str) -> String {
        let mut heard = String::new();
        let stderr = self.stderr.as_mut().unwrap();
        loop {
            let start = heard.len();
            let count = stderr.read_line(&mut heard).unwrap();
            assert!(count > 0, "`{wanted}` was never said:\n{heard}");
            if heard[start..].contains(wanted) {
                return heard[start..].trim_end().to_owned();
            }
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(pid(&self.child), signal).unwrap();
    }

    /// What it said from now on, and how it ended.
    pub fn end(mut self) -> Ended {
        let mut errors = self.stderr.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).unwrap();
            text
        });
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        let status = self.child.wait().unwrap();
        Ended {
            status,
            stdout,
            stderr: reader.join().unwrap(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that has ended.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// What was left to be read of its standard output.
    pub stdout: String,
    /// The same of its standard error.
    pub stderr: String,
}

impl Ended {
    /// Fails with everything that was said unless this holds.
    #[track_caller]
    pub fn check(&self, holds: bool, what: &str) {
        assert!(
            holds,
            "{what}; {}\nstdout:\n{}\nstderr:\n{}",
            self.status, self.stdout, self.stderr
        );
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ended {
    Running::start(command).end()
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}
