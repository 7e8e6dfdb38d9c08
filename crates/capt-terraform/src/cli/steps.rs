//! Running one command: its record, its process, its verdict.

use std::path::Path;
use std::sync::Arc;

use capt_core::fault::{Fault, FaultClass};
use serde::Deserialize;

use super::follow::{Exit, Follower, Process, Said};
use super::layout::{Layout, create_private, disk_fault, remove};
use super::locks;
use super::record::{ProcessId, StepRecord, find_in, hostname};
use super::{Cli, addresses, plain};
use crate::diagnostics::{self, bound};
use crate::engine::{Cancelled, EventSink, Failure, Job, Planned, PlannedChange, Step};
use crate::secrets::Secrets;
use crate::stream::Action;

/// How much of a plain text is read when there is no diagnostic to go by.
const MAX_TEXT: u64 = 32 << 10;

impl Cli {
    /// Runs one step under its record, to its verdict.
    pub(super) async fn step(
        &self,
        job: &Job,
        layout: &Layout,
        step: Step,
        attempt: u32,
        args: &[&str],
    ) -> Result<Said, Failure> {
        let name = Layout::log_name(step, attempt);
        let mut begun = StepRecord {
            step,
            attempt,
            process: None,
            began: Some((job.clock)()),
            host: hostname(),
            interrupted: false,
        };
        Self::remember(layout, |record| {
            record.step = Some(begun.clone());
            record.lock_id = None;
        })?;
        let process = self.spawn(&layout.module(), job, layout, &name, args)?;
        if let Process::Own(_, id) = &process {
            begun.process.clone_from(id);
        }
        Self::remember(layout, |record| record.step = Some(begun.clone()))?;
        self.follow(job, layout, &begun, process).await
    }

    /// Follows a step that an earlier process has begun.
    pub(super) async fn adopt(
        &self,
        job: &Job,
        layout: &Layout,
        begun: &StepRecord,
    ) -> Result<Said, Failure> {
        let process = living(layout, begun).map_or(Process::Gone, Process::Adopted);
        self.follow(job, layout, begun, process).await
    }

    async fn follow(
        &self,
        job: &Job,
        layout: &Layout,
        begun: &StepRecord,
        process: Process,
    ) -> Result<Said, Failure> {
        let name = Layout::log_name(begun.step, begun.attempt);
        let follower = self.follower(job, layout, &name, job.events.clone(), begun.interrupted);
        let on_interrupt = || {
            let kept = Self::remember(layout, |record| {
                if let Some(step) = &mut record.step {
                    step.interrupted = true;
                }
            });
            if let Err(fault) = kept {
                tracing::warn!(%fault, "cannot write down that a process was interrupted");
            }
        };
        let mut lock_known = false;
        let on_poll = || {
            if !lock_known {
                lock_known = Self::note_lock(layout);
            }
        };
        let (exit, said) = follower.run(process, on_interrupt, on_poll).await;
        let succeeded = match exit {
            Exit::Code(code) => code == 0,
            Exit::Signal(_) => false,
            // The status went with the process that started it; the totals come with success alone.
            Exit::Unknown => said.summary.is_some(),
        };
        if succeeded {
            return Ok(said);
        }
        let is_lost = matches!(exit, Exit::Signal(_) | Exit::Unknown);
        let secrets = Secrets::with_env(&job.spec, &self.options.env);
        let (stdout, stderr) = (layout.stdout(&name), layout.stderr(&name));
        let mut failure = verdict(Some(begun.step), exit, &said, &stdout, &stderr, &secrets);
        let keeps_its_lock = is_lost || could_not_unlock(&failure);
        if let Some(record) = Self::record(layout)?.filter(|_| keeps_its_lock) {
            locks::remember_lost(layout, &record, begun, &said, (job.clock)())?;
        }
        if layout.errored_state().exists() {
            return Err(set_aside(&failure).into());
        }
        if is_lost {
            self.say_what_is_not_recorded(job, layout, &said, &mut failure)
                .await;
        }
        Err(failure)
    }

    /// Terraform stores the state every twenty seconds and at its end. What it made in between and did not store when
    /// it was killed exists and is made a second time: it is named, as nobody else will.
    async fn say_what_is_not_recorded(&self, job: &Job, layout: &Layout, said: &Said, failure: &mut Failure) {
        if said.made.is_empty() {
            return;
        }
        let recorded = match self
            .plain(job, layout, "state-pull", &["state", "pull", "-no-color"])
            .await
        {
            Ok(state) => addresses::of_state(&state).unwrap_or_default(),
            // Whatever is wrong with the state, the next run says it.
            Err(_) => return,
        };
        let missing: Vec<&str> = said.made.difference(&recorded).map(String::as_str).collect();
        if let Some(fault) = failure.faults.first_mut().filter(|_| !missing.is_empty()) {
            let missing = missing.join(", ");
            let message = format!(
                "; before it was killed it made {missing} and did not come to store that in the state: they exist, \
                 and are made a second time unless they are imported"
            );
            fault.message.push_str(&message);
            bound(&mut fault.message, diagnostics::MAX_MESSAGE);
        }
    }

    /// Runs a command that changes nothing (or only a lock or a state), and gives what it wrote.
    pub(super) async fn plain(
        &self,
        job: &Job,
        layout: &Layout,
        name: &str,
        args: &[&str],
    ) -> Result<Vec<u8>, Failure> {
        self.plain_in(&layout.module(), job, layout, name, args).await
    }

    /// The same in another directory than that of the module.
    pub(super) async fn plain_in(
        &self,
        dir: &Path,
        job: &Job,
        layout: &Layout,
        name: &str,
        args: &[&str],
    ) -> Result<Vec<u8>, Failure> {
        let process = self.spawn(dir, job, layout, name, args)?;
        let silent: EventSink = Arc::new(|_| {});
        let follower = self.follower(job, layout, name, silent, false);
        let (exit, said) = follower.run(process, || {}, || {}).await;
        let stdout = layout.stdout(name);
        if exit != Exit::Code(0) {
            let secrets = Secrets::with_env(&job.spec, &self.options.env);
            let failure = verdict(None, exit, &said, &stdout, &layout.stderr(name), &secrets);
            // It may hold what nobody may read.
            remove(&stdout).map_err(|error| disk_fault("remove the output of a command", &error))?;
            return Err(failure);
        }
        let text = tokio::fs::read(&stdout).await;
        remove(&stdout).map_err(|error| disk_fault("remove the output of a command", &error))?;
        text.map_err(|error| disk_fault("read the output of a command", &error).into())
    }

    fn follower(
        &self,
        job: &Job,
        layout: &Layout,
        name: &str,
        events: EventSink,
        interrupted: bool,
    ) -> Follower {
        let cancelled: Cancelled = job.cancelled.clone();
        Follower {
            stdout: layout.stdout(name),
            events,
            cancelled,
            interrupted,
            secrets: Secrets::with_env(&job.spec, &self.options.env),
            poll: self.options.poll,
            grace: self.options.grace,
            silence: self.options.silence,
        }
    }

    fn spawn(
        &self,
        dir: &Path,
        job: &Job,
        layout: &Layout,
        name: &str,
        args: &[&str],
    ) -> Result<Process, Failure> {
        let open = |path: &Path| {
            create_private(path).map_err(|error| disk_fault("write the log of a command", &error))
        };
        let stdout = open(&layout.stdout(name))?;
        let stderr = open(&layout.stderr(name))?;
        let mut command = self.options.command();
        command
            .envs(&job.spec.env)
            .args(args)
            .current_dir(dir)
            .stdout(stdout)
            .stderr(stderr);
        // Of its own, so that what reaches this process (an interrupt at the terminal) does not reach it.
        command.process_group(0);
        let child = command.spawn().map_err(|error| {
            let message = format!("cannot run {}: {error}", self.options.binary.display());
            Fault::new(FaultClass::Environment, "EngineUnusable", message)
        })?;
        let id = child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(ProcessId::of);
        Ok(Process::Own(Box::new(child), id))
    }

    pub(super) fn remember(layout: &Layout, change: impl FnOnce(&mut super::RunRecord)) -> Result<(), Fault> {
        let missing = || {
            Fault::new(
                FaultClass::Environment,
                "WorkingDirectory",
                "the record of the run is gone",
            )
        };
        let mut record = Self::record(layout)?.ok_or_else(missing)?;
        change(&mut record);
        Self::write_record(layout, &record)
    }

    /// Writes down which lock the run holds, once the local backend says so. That of Kubernetes is known by what it
    /// says of itself.
    fn note_lock(layout: &Layout) -> bool {
        let Some(id) = locks::local_lock_id(&layout.local_lock()) else {
            return false;
        };
        Self::remember(layout, |record| record.lock_id = Some(id)).is_ok()
    }
}

/// The process of a step, if it still runs.
pub(super) fn living(layout: &Layout, step: &StepRecord) -> Option<ProcessId> {
    match &step.process {
        Some(process) => process.is_alive().then(|| process.clone()),
        None => find_in(
            &layout.module(),
            &layout.stdout(&Layout::log_name(step.step, step.attempt)),
        ),
    }
}

/// Whether a step whose process stands in no record was started nevertheless.
pub(super) fn left_traces(layout: &Layout, step: &StepRecord) -> bool {
    let stdout = layout.stdout(&Layout::log_name(step.step, step.attempt));
    stdout.metadata().is_ok_and(|meta| meta.len() > 0) || living(layout, step).is_some()
}

/// Why a command failed: by its diagnostics, else by what it wrote, else by how it ended.
fn verdict(
    step: Option<Step>,
    exit: Exit,
    said: &Said,
    stdout: &Path,
    stderr: &Path,
    secrets: &Secrets,
) -> Failure {
    let mut failure = diagnostics::failure(&said.diagnostics, step).unwrap_or(Failure { faults: Vec::new() });
    if let Some(silence) = said.silent {
        let minutes = silence.as_secs().div_ceil(60);
        let unit = if minutes == 1 { "minute" } else { "minutes" };
        let message = format!("it said nothing for {minutes} {unit} and was stopped; it is tried again");
        let fault = Fault::new(FaultClass::Transient, "NoActivity", message);
        // That it was interrupted is our doing and explains nothing.
        failure
            .faults
            .retain(|fault| fault.class != FaultClass::Interrupted);
        failure.faults.insert(0, fault);
    } else if said.interrupted
        && !failure
            .faults
            .iter()
            .any(|fault| fault.class == FaultClass::Interrupted)
    {
        failure.faults.insert(
            0,
            Fault::new(FaultClass::Interrupted, "Interrupted", diagnostics::STOPPED),
        );
    }
    if !failure.faults.is_empty() {
        return failure;
    }
    let ended = match exit {
        Exit::Unknown => Some("the process is gone and has left no verdict".to_owned()),
        Exit::Signal(signal) => Some(format!("the process was killed by signal {signal}")),
        Exit::Code(_) => None,
    };
    if let Some(how) = ended {
        return diagnostics::process_lost(&how, &said.making).into();
    }
    let read = |path: &Path| {
        // A text that is cut first may end with a part of a secret.
        let mut text = read_tail(path);
        secrets.scrub(&mut text);
        diagnostics::failure(&plain::errors(&text), step)
    };
    let failure = read(stderr).or_else(|| read(stdout)).unwrap_or_else(|| {
        let message = "the command failed and has not said why";
        Fault::new(FaultClass::Unknown, "Unclassified", message).into()
    });
    // Once more without its frame and on one line.
    secrets.scrub_failure(failure)
}

fn read_tail(path: &Path) -> String {
    use std::io::{Read, Seek, SeekFrom};
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(MAX_TEXT)))?;
        let mut text = Vec::new();
        file.take(MAX_TEXT).read_to_end(&mut text)?;
        Ok(text)
    };
    read()
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .unwrap_or_default()
}

/// What is read of `show -json <plan>`; everything else in it may hold secrets and is skipped.
#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    resource_changes: Vec<ShownResource>,
    #[serde(default)]
    output_changes: std::collections::BTreeMap<String, ShownChange>,
    applyable: Option<bool>,
}

#[derive(Deserialize)]
struct ShownResource {
    address: String,
    #[serde(default)]
    r#type: String,
    change: ShownChange,
    action_reason: Option<String>,
}

#[derive(Deserialize)]
struct ShownChange {
    #[serde(default)]
    actions: Vec<String>,
}

impl ShownChange {
    fn action(&self) -> Action {
        let has = |word: &str| self.actions.iter().any(|action| action == word);
        match (has("create"), has("delete"), has("update"), has("read")) {
            (true, true, _, _) => Action::Replace,
            (true, false, _, _) => Action::Create,
            (false, true, _, _) => Action::Delete,
            (false, false, true, _) => Action::Update,
            (false, false, false, true) => Action::Read,
            (false, false, false, false) => Action::None,
        }
    }
}

/// Reads what a saved plan would do.
pub(super) fn read_plan(text: &[u8]) -> Result<Planned, Fault> {
    let shown: Shown = serde_json::from_slice(text).map_err(|error| {
        let message = format!("the saved plan cannot be read at line {}", error.line());
        Fault::new(FaultClass::Unknown, "UnreadablePlan", message)
    })?;
    let changes: Vec<_> = shown
        .resource_changes
        .into_iter()
        .filter(|resource| resource.change.action().operations() > 0)
        .map(|resource| PlannedChange {
            action: resource.change.action(),
            address: resource.address,
            resource_type: resource.r#type,
            reason: resource
                .action_reason
                .map(|reason| reason.trim_start_matches("replace_because_").to_owned()),
        })
        .collect();
    let outputs = shown
        .output_changes
        .values()
        .any(|change| change.action() != Action::None);
    // Older versions do not say whether a plan is worth applying.
    let applyable = shown.applyable.unwrap_or(!changes.is_empty() || outputs);
    Ok(Planned { changes, applyable })
}

/// Whether the backend went away before the lock could be released.
fn could_not_unlock(failure: &Failure) -> bool {
    let mut said = failure.faults.iter().map(|fault| &fault.message);
    said.any(|message| message.contains("releasing the state lock"))
}

/// What a failure comes to whose state is set aside: nothing is lost, and the next run begins by storing it. That the
/// place for it could not be reached passes.
fn set_aside(failure: &Failure) -> Fault {
    let first = failure.faults.first().map(|fault| fault.message.as_str());
    let mut message = format!(
        "the state could not be stored; it is kept in the working directory, and the next attempt stores it before \
         anything else. {}",
        first.unwrap_or_default()
    );
    bound(&mut message, diagnostics::MAX_MESSAGE);
    Fault::new(FaultClass::Transient, "StateNotSaved", message)
}
