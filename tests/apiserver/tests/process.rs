//! Programs that run beside a test and say everything into a file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How often something that starts is asked whether it is there.
const PAUSE: Duration = Duration::from_millis(100);

/// After so many questions it will not come.
const QUESTIONS: usize = 600;

/// A program that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it; what it says goes to a file in `directory`.
    pub(crate) fn start(name: &str, command: &mut Command, directory: &Path) -> Self {
        let log = directory.join(format!("{name}.log"));
        let file = File::create(&log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("start {name}: {error}"));
        Self {
            name: name.to_owned(),
            child,
            log,
        }
    }

    /// Waits until `is_there` says so; fails with what the program said if it ends before.
    pub(crate) fn wait_until(&mut self, what: &str, is_there: impl Fn() -> bool) {
        for _ in 0..QUESTIONS {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{} ends before {what}: {status}\n{}", self.name, self.said());
            }
            if is_there() {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        panic!("{} runs, but {what} never happens\n{}", self.name, self.said());
    }

    /// The end of what it said.
    fn said(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
