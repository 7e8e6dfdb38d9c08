//! Following a process through the files that it writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::process::Child;
use tokio::time::Instant;

use super::record::{ProcessId, has_orphans};
use crate::diagnostics::{self, bound};
use crate::engine::{Cancelled, EventSink};
use crate::secrets::Secrets;
use crate::stream::{Action, ChangeSummary, Diagnostic, Event, LineReader, Severity};

/// How many diagnostics of one step are kept, and how much of each.
const MAX_DIAGNOSTICS: usize = 64;
const MAX_DETAIL: usize = 16 << 10;

/// How much is kept of what a provisioner printed: its end says why it failed.
const MAX_PRINTED: usize = 400;

/// What a process has said.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The totals of an apply or destroy: only one that succeeded has them.
    pub(super) summary: Option<ChangeSummary>,
    pub(super) interrupted: bool,
    /// The addresses of what is being made.
    pub(super) making: BTreeSet<String>,
    /// The addresses of what was made.
    pub(super) made: BTreeSet<String>,
    /// The end of what provisioners that run have printed, by the address of their resource; nothing where Terraform
    /// held a line back.
    printed: BTreeMap<String, Option<String>>,
    /// It was stopped because it said nothing for this long.
    pub(super) silent: Option<Duration>,
}

impl Said {
    fn take(&mut self, event: &Event) {
        match event {
            Event::Diagnostic(diagnostic) => {
                let room = self.diagnostics.len() < MAX_DIAGNOSTICS;
                if room && diagnostic.severity == Severity::Error {
                    let mut diagnostic = diagnostic.clone();
                    bound(&mut diagnostic.summary, MAX_DETAIL);
                    bound(&mut diagnostic.detail, MAX_DETAIL);
                    let address = diagnostic.address.as_deref().unwrap_or_default();
                    let printed = self.printed.remove(address).flatten();
                    diagnostics::with_output(&mut diagnostic, printed.as_deref().unwrap_or_default());
                    self.diagnostics.push(diagnostic);
                }
            }
            Event::Summary(summary) if summary.operation != "plan" => self.summary = Some(summary.clone()),
            Event::Interrupted => self.interrupted = true,
            Event::Started {
                resource,
                action: Action::Create,
            } => {
                self.making.insert(resource.addr.clone());
            }
            Event::Completed { resource, .. } => {
                self.printed.remove(&resource.addr);
                if self.making.remove(&resource.addr) {
                    self.made.insert(resource.addr.clone());
                }
            }
            Event::Errored { resource } => {
                self.making.remove(&resource.addr);
            }
            Event::Printed { resource, line } => self.print(&resource.addr, line.as_deref()),
            Event::Summary(_)
            | Event::Planned { .. }
            | Event::Started { .. }
            | Event::Progressed { .. }
            | Event::Other => {}
        }
    }

    fn print(&mut self, address: &str, line: Option<&str>) {
        // It announces the command, which is taken out of all messages.
        if line.is_some_and(|line| line.starts_with("Executing: [")) {
            return;
        }
        let shown = || Some(String::new());
        let printed = self.printed.entry(address.to_owned()).or_insert_with(shown);
        let (Some(text), Some(line)) = (&mut *printed, line) else {
            *printed = None;
            return;
        };
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line.trim_end());
        let too_much = text.len().saturating_sub(MAX_PRINTED);
        let from = (too_much..text.len()).find(|at| text.is_char_boundary(*at));
        text.drain(..from.unwrap_or_default());
    }
}

/// The process behind a step.
pub(super) enum Process {
    /// Started here: its exit status will be known.
    Own(Box<Child>, Option<ProcessId>),
    /// Started by an earlier process.
    Adopted(ProcessId),
    /// Already gone; only its files are left.
    Gone,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Nobody can tell any more.
    Unknown,
}

impl Process {
    fn id(&self) -> Option<&ProcessId> {
        match self {
            Self::Own(_, id) => id.as_ref(),
            Self::Adopted(id) => Some(id),
            Self::Gone => None,
        }
    }

    /// How it ended, once it has.
    fn poll(&mut self) -> Option<Exit> {
        use std::os::unix::process::ExitStatusExt;
        match self {
            Self::Own(child, _) => match child.try_wait() {
                Ok(Some(status)) => Some(
                    status
                        .code()
                        .map(Exit::Code)
                        .or(status.signal().map(Exit::Signal))
                        .unwrap_or(Exit::Unknown),
                ),
                Ok(None) => None,
                Err(_) => Some(Exit::Unknown),
            },
            Self::Adopted(id) => (!id.is_alive()).then_some(Exit::Unknown),
            Self::Gone => Some(Exit::Unknown),
        }
    }
}

/// Follows one process.
pub(super) struct Follower {
    pub(super) stdout: PathBuf,
    pub(super) events: EventSink,
    pub(super) cancelled: Cancelled,
    /// It was asked to stop by an earlier process.
    pub(super) interrupted: bool,
    /// What is taken out of every message before anything else is done with it.
    pub(super) secrets: Secrets,
    pub(super) poll: Duration,
    /// How long it may take to stop.
    pub(super) grace: Duration,
    /// How long it may say nothing before it is asked to stop.
    pub(super) silence: Duration,
}

impl Follower {
    /// Follows until the process has ended and everything that it wrote is read. `on_interrupt` is called just
    /// before it is asked to stop, `on_poll` every now and then.
    pub(super) async fn run(
        mut self,
        mut process: Process,
        mut on_interrupt: impl FnMut() + Send,
        mut on_poll: impl FnMut() + Send,
    ) -> (Exit, Said) {
        let mut said = Said::default();
        let mut tail = Tail::new(&self.stdout);
        // Who was asked to stop by an earlier process has had its time, or gets it now.
        let mut kill_at = self.interrupted.then(|| Instant::now() + self.grace);
        let mut silent_at = Instant::now() + self.silence;
        let mut silent = None;
        let events = self.events.clone();
        let secrets = std::mem::take(&mut self.secrets);
        let mut take = |event: Event| {
            let event = secrets.scrub_event(event);
            said.take(&event);
            events(&event);
        };
        let exit = loop {
            let before = tail.length;
            let more = tail.read(&mut take).await;
            if tail.length > before {
                silent_at = Instant::now() + self.silence;
            }
            if let Some(exit) = process.poll() {
                break exit;
            }
            on_poll();
            let is_stuck = Instant::now() >= silent_at;
            if (is_stuck || self.cancelled.is_cancelled()) && !self.interrupted {
                if !self.cancelled.is_cancelled() {
                    tracing::warn!(log = %self.stdout.display(), "a process says nothing and is asked to stop");
                    silent = Some(self.silence);
                }
                self.interrupted = true;
                on_interrupt();
                // Only the leader: it stops its providers itself, in the right order.
                signal(process.id(), Signal::INT, Scope::Leader);
                kill_at = Some(Instant::now() + self.grace);
            }
            if kill_at.is_some_and(|at| Instant::now() >= at) {
                tracing::warn!(log = %self.stdout.display(), "a process has not stopped in time and is killed");
                signal(process.id(), Signal::KILL, Scope::Group);
                kill_at = None;
            }
            if more {
                continue;
            }
            let mut cancelled = self.cancelled.clone();
            tokio::select! {
                biased;
                () = cancelled.cancelled(), if !self.interrupted => {}
                () = tokio::time::sleep(self.poll) => {}
            }
        };
        while tail.read(&mut take).await {}
        tail.finish(&mut take);
        reap(process.id());
        said.silent = silent;
        (exit, said)
    }
}

/// What a provisioner has started may outlive Terraform; nobody would ever look after it.
fn reap(id: Option<&ProcessId>) {
    if id.is_some_and(|id| has_orphans(id.pid, None)) {
        signal_pid(id.map(|id| id.pid), Signal::KILL, Scope::Group);
    }
}

/// Asks a process to stop, if it is provably still the same: once, and nobody else may do so again.
pub(super) fn interrupt(id: &ProcessId) {
    signal(Some(id), Signal::INT, Scope::Leader);
}

/// Ends a process that has not stopped, and whatever it has started.
pub(super) fn kill(id: &ProcessId) {
    signal(Some(id), Signal::KILL, Scope::Group);
}

/// Ends what a leader that is dead has left.
pub(super) fn kill_group(group: i32) {
    signal_pid(Some(group), Signal::KILL, Scope::Group);
}

#[derive(Clone, Copy)]
enum Scope {
    Leader,
    Group,
}

/// Sends a signal to a process that is provably still the same.
fn signal(id: Option<&ProcessId>, signal: Signal, scope: Scope) {
    let alive = id.filter(|id| id.is_alive());
    signal_pid(alive.map(|id| id.pid), signal, scope);
}

fn signal_pid(pid: Option<i32>, signal: Signal, scope: Scope) {
    let Some(pid) = pid.and_then(Pid::from_raw) else {
        return;
    };
    let sent = match scope {
        Scope::Leader => kill_process(pid, signal),
        Scope::Group => kill_process_group(pid, signal),
    };
    if let Err(error) = sent {
        // It has ended in the meantime.
        tracing::debug!(%error, "a signal was not delivered");
    }
}

/// Reads a file as it grows.
struct Tail {
    path: PathBuf,
    file: Option<File>,
    lines: LineReader,
    buffer: Vec<u8>,
    /// How much was read so far.
    length: usize,
}

impl Tail {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            file: None,
            lines: LineReader::default(),
            buffer: vec![0; 64 << 10],
            length: 0,
        }
    }

    /// Reads what is new, up to a limit; says whether there may be more.
    async fn read(&mut self, take: &mut (impl FnMut(Event) + Send)) -> bool {
        /// A process that writes without end must not keep anybody from stopping it.
        const CHUNKS: usize = 32;
        if self.file.is_none() {
            self.file = File::open(&self.path).await.ok();
        }
        let Some(file) = &mut self.file else { return false };
        for _ in 0..CHUNKS {
            match file.read(&mut self.buffer).await {
                Ok(0) | Err(_) => return false,
                Ok(count) => {
                    self.length = self.length.saturating_add(count);
                    self.lines
                        .push(self.buffer.get(..count).unwrap_or_default(), &mut *take);
                }
            }
        }
        true
    }

    fn finish(&mut self, take: &mut (impl FnMut(Event) + Send)) {
        self.lines.finish(take);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::parse_line;

    fn printed(line: &str) -> String {
        let hook = serde_json::json!({ "resource": { "addr": "terraform_data.a" }, "output": line });
        serde_json::json!({ "type": "provision_progress", "hook": hook }).to_string()
    }

    fn message(lines: &[&str]) -> String {
        let failed = serde_json::json!({ "type": "diagnostic", "diagnostic": {
            "severity": "error",
            "summary": "local-exec provisioner error",
            "detail": "Error running command 'curl -H s3cr3t': exit status 3. Output: s3cr3t",
            "address": "terraform_data.a",
        } });
        let mut said = Said::default();
        for line in lines.iter().map(|line| printed(line)).chain([failed.to_string()]) {
            said.take(&parse_line(line.as_bytes()));
        }
        diagnostics::fault(&said.diagnostics[0], None).message
    }

    const REASON: &str = "local-exec provisioner error: Error running command '(redacted)': exit status 3";

    #[test]
    fn a_failed_command_is_told_with_what_it_printed_last() {
        let lines = [
            "Executing: [\"/bin/sh\" \"-c\" \"curl -H s3cr3t\"]",
            "connecting",
            "no route to host",
        ];
        assert_eq!(
            message(&lines),
            format!("{REASON}; it printed: connecting\nno route to host")
        );
        assert_eq!(message(&[]), REASON);
        let long = message(&[&"ä".repeat(MAX_PRINTED), "the end"]);
        assert!(long.ends_with("ää\nthe end") && long.len() <= REASON.len() + 15 + MAX_PRINTED);
    }

    #[test]
    fn what_terraform_holds_back_stays_back() {
        let lines = [
            "begin",
            "(output suppressed due to sensitive value in config)",
            "s3cr3t",
        ];
        assert_eq!(message(&lines), REASON);
    }
}
