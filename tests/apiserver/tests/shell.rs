//! A row, typed into a shell.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::table::Row;

/// A row that says nothing for so long hangs.
const LIMIT: Duration = Duration::from_secs(90);

/// Where rows are typed: a directory, a home, and the server that kubectl finds.
#[derive(Debug)]
pub(crate) struct Shell {
    /// The directory with the files.
    pub(crate) directory: PathBuf,
    /// A home with nothing of the person in it but kubectl, which is found there first.
    pub(crate) home: PathBuf,
    /// The server.
    pub(crate) kubeconfig: PathBuf,
}

/// What was said, and how it ended.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The exit code; none if it was ended from outside.
    pub(crate) code: Option<i32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

impl Shell {
    /// A line, ready to be run.
    fn command(&self, line: &str) -> Command {
        let mut path = self.home.clone().into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(&self.directory)
            .env("HOME", &self.home)
            .env("PATH", path)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("TMPDIR", &self.home)
            .env("TZ", "UTC")
            .env("LC_ALL", "C")
            .env_remove("KUBE_EDITOR")
            .env_remove("EDITOR")
            .env_remove("KUBECTL_EXTERNAL_DIFF");
        command
    }

    /// Runs a line to its end; fails with what it said if it fails.
    pub(crate) fn succeed(&self, line: &str) -> String {
        let output = self.command(line).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "`{line}` fails: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// Whether a line succeeds.
    pub(crate) fn succeeds(&self, line: &str) -> bool {
        let output = self.command(line).stdin(Stdio::null()).output().unwrap();
        output.status.success()
    }

    /// Runs a row.
    pub(crate) fn run(&self, row: &Row) -> Said {
        let mut command = self.command(&row.run);
        // What it starts is ended with it.
        command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, receiver) = channel();
        read(child.stdout.take().unwrap(), Stream::Out, sender.clone());
        read(child.stderr.take().unwrap(), Stream::Err, sender);
        // It may have ended without reading what it was given.
        let _ = child.stdin.take().unwrap().write_all(row.stdin.as_bytes());
        let mut said = Said::default();
        let is_over = self.listen(row, &receiver, &mut said, &child);
        let status = child.wait().unwrap();
        said.code = if is_over { status.code() } else { None };
        said
    }

    /// Reads what is said up to its end, or until it is ended; tells which of the two.
    fn listen(&self, row: &Row, heard: &Receiver<(Stream, String)>, said: &mut Said, child: &Child) -> bool {
        let mut then = Some(&row.then);
        loop {
            let (stream, line) = match heard.recv_timeout(LIMIT) {
                Ok(heard) => heard,
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => {
                    end(child);
                    panic!(
                        "`{}` says nothing any more:\n{}{}",
                        row.run, said.stdout, said.stderr
                    );
                }
            };
            match stream {
                Stream::Out => said.stdout.push_str(&line),
                Stream::Err => said.stderr.push_str(&line),
            }
            if line.contains(&row.when) {
                for line in then.take().into_iter().flatten() {
                    self.succeed(line);
                }
            }
            if row
                .until
                .is_some_and(|count| said.stdout.lines().count() >= count)
            {
                end(child);
                return false;
            }
        }
    }
}

/// Ends everything that a row has started.
fn end(child: &Child) {
    // It may have ended in this moment.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
}

/// Reads a stream line by line to its end.
fn read(from: impl Read + Send + 'static, stream: Stream, to: Sender<(Stream, String)>) {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        loop {
            let mut line = Vec::new();
            let count = from.read_until(b'\n', &mut line).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            // Nobody listens any more once the row was ended.
            if count == 0 || to.send((stream, line)).is_err() {
                return;
            }
        }
    });
}
