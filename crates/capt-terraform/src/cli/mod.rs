//! Terraform and `OpenTofu` through their command line.
//!
//! # Guarantees
//!
//! * A process writes into files, never into a pipe: it survives the death of this one, and the next one
//!   follows the same files from their beginning.
//! * Which process works on a run is written down before and after it starts. A process is believed to be
//!   alive only if its number, its start time and the boot of the machine agree.
//! * It is interrupted at most once. A second interrupt would make Terraform give up the state.
//! * It gets a cleaned environment, [`PASSED_ON`] and what the run brings, and its variables from files that only
//!   the owner can read.

mod addresses;
mod follow;
mod layout;
mod locks;
mod options;
mod plain;
mod record;
mod steps;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use capt_core::fault::{Fault, FaultClass};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::classify::LockInfo;
use crate::engine::{Engine, EngineKind, Failure, Job, Planned, ResumeAt, Resumption, Step};
use crate::run::{Changes, Operation, Output, RunEnd, RunSpec, WorkspaceId};
use crate::runs::STALE_PLAN;

use layout::{Layout, create_private, disk_fault, read_json, remove, write_json};
pub use options::{CliOptions, PASSED_ON, locate};
use record::{PlanRecord, ProcessId, ResultRecord, RunRecord, StepRecord};

/// An engine that runs a `terraform` or `tofu` binary.
#[derive(Debug, Clone)]
pub struct Cli {
    options: CliOptions,
    kind: EngineKind,
    version: String,
    /// Held by an `init` while providers are shared: Terraform does not guard their cache against another.
    cache: Arc<Mutex<()>>,
}

impl Cli {
    /// Asks the binary what it is. Fails with [`FaultClass::Environment`] if it cannot be run or is neither
    /// Terraform nor `OpenTofu`.
    pub async fn probe(options: CliOptions) -> Result<Self, Fault> {
        let (kind, version) = options::ask_version(&options).await?;
        if let Some(cache) = &options.plugin_cache {
            make_root(cache)?;
        }
        Ok(Self {
            options,
            kind,
            version,
            cache: Arc::default(),
        })
    }

    /// The options it was made with.
    pub fn options(&self) -> &CliOptions {
        &self.options
    }

    fn layout(&self, workspace: &WorkspaceId) -> Layout {
        Layout::new(&self.options.root, workspace)
    }

    fn record(layout: &Layout) -> Result<Option<RunRecord>, Fault> {
        read_json(&layout.record()).map_err(|error| disk_fault("read the record of the run", &error))
    }

    fn write_record(layout: &Layout, record: &RunRecord) -> Result<(), Fault> {
        write_json(&layout.record(), record)
            .map_err(|error| disk_fault("write the record of the run", &error))
    }

    /// Whether this version gives the messages of `init` as JSON.
    fn init_speaks_json(&self) -> bool {
        let mut numbers = self
            .version
            .split('.')
            .map(|part| part.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        match self.kind {
            EngineKind::Terraform => version >= (1, 9),
            EngineKind::OpenTofu => version >= (1, 8),
            EngineKind::Simulated => false,
        }
    }

    /// Stores a state that an earlier run could not store. Anything else first would fork it.
    async fn push_errored_state(&self, job: &Job, layout: &Layout) -> Result<(), Failure> {
        let errored = layout.errored_state();
        if !errored.exists() {
            return Ok(());
        }
        let lock_timeout = lock_timeout(layout);
        let args = ["state", "push", "-no-color", lock_timeout, "errored.tfstate"];
        self.plain(job, layout, "state-push", &args).await?;
        tracing::info!(workspace = %job.spec.workspace, "a state that could not be stored before is stored now");
        let kept = errored.with_extension(format!("tfstate.pushed-{}", job.spec.id));
        std::fs::rename(&errored, kept)
            .map_err(|error| disk_fault("set the stored state aside", &error).into())
    }

    /// Whether the verdict over the run of this record is kept.
    fn has_result(layout: &Layout, record: &RunRecord) -> Result<bool, Fault> {
        let result: Option<ResultRecord> =
            read_json(&layout.result()).map_err(|error| disk_fault("read the result of the run", &error))?;
        Ok(result.is_some_and(|result| result.id == record.spec.id))
    }

    /// Waits until the process of an earlier run has ended. What only stands in the way of a destroy, or of a run
    /// that is to stop, is asked to stop: once in its life.
    async fn outwait(
        &self,
        job: &Job,
        layout: &Layout,
        process: &ProcessId,
        mut interrupted: bool,
    ) -> Result<(), Fault> {
        tracing::info!(workspace = %job.spec.workspace, pid = process.pid, "waiting for the process of an earlier run");
        let mut kill_at = interrupted.then(|| Instant::now() + self.options.grace);
        while process.is_alive() {
            let unwanted = job.spec.operation == Operation::Destroy || job.cancelled.is_cancelled();
            if unwanted && !interrupted {
                interrupted = true;
                Self::remember(layout, |record| {
                    if let Some(step) = &mut record.step {
                        step.interrupted = true;
                    }
                })?;
                follow::interrupt(process);
                kill_at = Some(Instant::now() + self.options.grace);
            }
            if kill_at.is_some_and(|at| Instant::now() >= at) {
                follow::kill(process);
                kill_at = None;
            }
            tokio::time::sleep(self.options.poll).await;
        }
        Ok(())
    }

    fn plan_record(&self, spec: &RunSpec) -> PlanRecord {
        PlanRecord {
            run: spec.id.clone(),
            input_digest: spec.input_digest.clone(),
            engine: self.kind,
            version: self.version.clone(),
        }
    }

    /// Whether the apply of this attempt was begun before, here or in an earlier process.
    fn was_begun(layout: &Layout, job: &Job, attempt: u32) -> Result<Option<StepRecord>, Fault> {
        let record = Self::record(layout)?.filter(|record| record.spec.id == job.spec.id);
        let step = record.and_then(|record| record.step);
        Ok(step.filter(|step| step.step == Step::Apply && step.attempt == attempt))
    }
}

#[async_trait]
impl Engine for Cli {
    fn kind(&self) -> EngineKind {
        self.kind
    }

    async fn version(&self) -> Result<String, Fault> {
        Ok(self.version.clone())
    }

    async fn resume(&self, workspace: &WorkspaceId) -> Result<Option<Resumption>, Fault> {
        let layout = self.layout(workspace);
        let Some(record) = Self::record(&layout)? else {
            return Ok(None);
        };
        let result: Option<ResultRecord> =
            read_json(&layout.result()).map_err(|error| disk_fault("read the result of the run", &error))?;
        let ended = result
            .filter(|result| result.id == record.spec.id)
            .map(|result| ResumeAt::Ended(result.end));
        let at = ended.unwrap_or_else(|| match record.step {
            Some(step) => ResumeAt::Step {
                step: step.step,
                attempt: step.attempt,
                alive: steps::living(&layout, &step).is_some(),
            },
            None => ResumeAt::Step {
                step: Step::Init,
                attempt: 0,
                alive: false,
            },
        });
        Ok(Some(Resumption {
            id: record.spec.id,
            operation: record.spec.operation,
            started_at: record.started_at,
            at,
        }))
    }

    async fn recorded_spec(&self, workspace: &WorkspaceId) -> Result<Option<RunSpec>, Fault> {
        Ok(Self::record(&self.layout(workspace))?.map(|record| record.spec))
    }

    async fn settle(&self, job: &Job) -> Result<(), Failure> {
        let layout = self.layout(&job.spec.workspace);
        let Some(step) = Self::record(&layout)?.and_then(|record| record.step) else {
            return Ok(());
        };
        if let Some(process) = steps::living(&layout, &step) {
            self.outwait(job, &layout, &process, step.interrupted).await?;
        }
        locks::reap_group(&layout, &step);
        Ok(())
    }

    async fn prepare(&self, job: &Job) -> Result<(), Failure> {
        let layout = self.layout(&job.spec.workspace);
        let before = if layout.record().exists() {
            Self::record(&layout)?
        } else {
            None
        };
        if let Some(before) = &before
            && !Self::has_result(&layout, before)?
        {
            locks::remember_unseen(&layout, before, (job.clock)())?;
        }
        if let Some(before) = before.filter(|before| before.engine != self.kind) {
            let message = format!(
                "the workspace was worked on by {} {}; its state may not be readable by {}",
                before.engine, before.version, self.kind
            );
            return Err(Fault::new(FaultClass::Integrity, "EngineChanged", message).into());
        }
        layout
            .write_module(&job.spec)
            .map_err(|error| disk_fault("write the configuration", &error))?;
        // Before the new record: what an earlier run said must never count as what this one says.
        layout
            .clear_run()
            .map_err(|error| disk_fault("remove what an earlier run left", &error))?;
        let record = RunRecord {
            spec: job.spec.as_ref().clone(),
            started_at: job.started_at,
            engine: self.kind,
            version: self.version.clone(),
            step: None,
            lock_id: None,
        };
        Ok(Self::write_record(&layout, &record)?)
    }

    async fn init(&self, job: &Job) -> Result<(), Failure> {
        let layout = self.layout(&job.spec.workspace);
        // The backend is ours; whatever an earlier run had connected is nothing to migrate from.
        let mut args = vec!["init", "-input=false", "-no-color", "-reconfigure"];
        if self.init_speaks_json() {
            args.push("-json");
        }
        args.extend(job.spec.init_args.iter().map(String::as_str));
        let alone = match &self.options.plugin_cache {
            Some(_) => Some(self.cache.lock().await),
            None => None,
        };
        self.step(job, &layout, Step::Init, 0, &args).await?;
        drop(alone);
        self.push_errored_state(job, &layout).await
    }

    async fn state_is_missing(&self, job: &Job) -> Result<bool, Failure> {
        let layout = self.layout(&job.spec.workspace);
        let state = self
            .plain(job, &layout, "state-pull", &["state", "pull", "-no-color"])
            .await?;
        Ok(state.trim_ascii().is_empty())
    }

    async fn has_nothing(&self, job: &Job) -> Result<bool, Failure> {
        let layout = self.layout(&job.spec.workspace);
        if layout.errored_state().exists() {
            return Ok(false);
        }
        let written = layout
            .write_bare(&job.spec)
            .map_err(|error| disk_fault("write a configuration without content", &error))?;
        if !written {
            return Ok(false);
        }
        let bare = layout.bare();
        let init = ["init", "-input=false", "-no-color", "-reconfigure"];
        self.plain_in(&bare, job, &layout, "bare-init", &init).await?;
        let state = self
            .plain_in(&bare, job, &layout, "state-pull", &["state", "pull", "-no-color"])
            .await?;
        Ok(match addresses::of_state(&state) {
            Some(addresses) => addresses.is_empty(),
            None => state.trim_ascii().is_empty() && !job.spec.expect_state,
        })
    }

    async fn plan(&self, job: &Job) -> Result<Planned, Failure> {
        let layout = self.layout(&job.spec.workspace);
        for stale in [layout.plan(), layout.plan_record()] {
            remove(&stale).map_err(|error| disk_fault("remove an earlier plan", &error))?;
        }
        let plan = layout.plan();
        // It holds every input, and Terraform keeps the mode of a file that is there.
        create_private(&plan).map_err(|error| disk_fault("write the plan", &error))?;
        let out = format!("-out={}", plan.display());
        let lock_timeout = lock_timeout(&layout);
        let mut args = vec!["plan", "-json", "-input=false", "-no-color", lock_timeout, &out];
        match job.spec.operation {
            Operation::Destroy => args.push("-destroy"),
            Operation::Apply => {}
        }
        args.extend(job.spec.plan_args.iter().map(String::as_str));
        self.step(job, &layout, Step::Plan, 0, &args).await?;
        locks::let_go(&layout)?;
        let text = plan.to_string_lossy();
        let shown = self
            .plain(job, &layout, "show", &["show", "-json", "-no-color", &text])
            .await?;
        let planned = steps::read_plan(&shown)?;
        write_json(&layout.plan_record(), &self.plan_record(&job.spec))
            .map_err(|error| disk_fault("write down what the plan belongs to", &error))?;
        Ok(planned)
    }

    async fn apply(&self, job: &Job, attempt: u32) -> Result<Changes, Failure> {
        let layout = self.layout(&job.spec.workspace);
        let said = match Self::was_begun(&layout, job, attempt)? {
            Some(begun) if begun.process.is_some() || steps::left_traces(&layout, &begun) => {
                self.adopt(job, &layout, &begun).await?
            }
            Some(_) | None => {
                let made_for: Option<PlanRecord> = read_json(&layout.plan_record())
                    .map_err(|error| disk_fault("read what the plan belongs to", &error))?;
                if made_for != Some(self.plan_record(&job.spec)) {
                    let message = "Saved plan is stale: it was made for another input or by another engine";
                    return Err(Fault::new(FaultClass::Transient, STALE_PLAN, message).into());
                }
                let plan = layout.plan();
                let plan = plan.to_string_lossy();
                let mut args = vec!["apply", "-json", "-input=false", "-no-color", "-lock-timeout=30s"];
                args.extend(job.spec.apply_args.iter().map(String::as_str));
                args.push(&plan);
                let applied = self.step(job, &layout, Step::Apply, attempt, &args).await;
                applied.map_err(|mut failure| {
                    locks::explain_conflicts(&layout, &mut failure);
                    failure
                })?
            }
        };
        let Some(summary) = said.summary else {
            let message = "the apply has ended without its totals";
            return Err(Fault::new(FaultClass::Interrupted, "ProcessLost", message).into());
        };
        locks::forget_lost(&layout)?;
        Ok(Changes {
            add: summary.add,
            change: summary.change,
            remove: summary.remove,
        })
    }

    async fn outputs(&self, job: &Job) -> Result<BTreeMap<String, Output>, Failure> {
        let layout = self.layout(&job.spec.workspace);
        let text = self
            .plain(
                job,
                &layout,
                Step::Outputs.name(),
                &["output", "-json", "-no-color"],
            )
            .await?;
        serde_json::from_slice(&text).map_err(|error| {
            // The error speaks of a place in the text only, never of a value.
            let message = format!("the outputs cannot be read at line {}", error.line());
            Fault::new(FaultClass::Unknown, "UnreadableOutputs", message).into()
        })
    }

    async fn abandoned_lock(&self, job: &Job, failure: &Failure) -> Result<Option<LockInfo>, Fault> {
        self.left_lock(job, failure)
    }

    async fn unlock(&self, job: &Job, lock_id: &str) -> Result<(), Failure> {
        let layout = self.layout(&job.spec.workspace);
        self.plain(
            job,
            &layout,
            "force-unlock",
            &["force-unlock", "-no-color", "-force", lock_id],
        )
        .await?;
        Ok(locks::let_go(&layout)?)
    }

    async fn conclude(&self, job: &Job, end: &RunEnd) -> Result<(), Fault> {
        let layout = self.layout(&job.spec.workspace);
        let Some(mut record) = Self::record(&layout)?.filter(|record| record.spec.id == job.spec.id) else {
            return Ok(());
        };
        let result = ResultRecord {
            id: job.spec.id.clone(),
            end: end.clone(),
        };
        write_json(&layout.result(), &result)
            .map_err(|error| disk_fault("keep the result of the run", &error))?;
        // Credentials are not kept longer than they are needed, nor is the plan, which holds every input.
        record.spec.env.clear();
        record.spec.redact.clear();
        for used in [layout.plan(), layout.plan_record()] {
            remove(&used).map_err(|error| disk_fault("remove the plan", &error))?;
        }
        layout
            .clear_inputs()
            .map_err(|error| disk_fault("remove the inputs", &error))?;
        Self::write_record(&layout, &record)
    }

    fn forget(&self, workspace: &WorkspaceId) -> Result<(), Fault> {
        let layout = self.layout(workspace);
        if layout.errored_state().exists() {
            let message = "the workspace holds a state that was never stored; store it before the workspace is forgotten";
            return Err(Fault::new(FaultClass::Integrity, "UnstoredState", message));
        }
        let step = Self::record(&layout)?.and_then(|record| record.step);
        if step.is_some_and(|step| steps::living(&layout, &step).is_some()) {
            let message = "a process of an earlier run still works in the workspace";
            return Err(Fault::new(FaultClass::Dependency, "RunInProgress", message));
        }
        layout
            .discard()
            .map_err(|error| disk_fault("remove the workspace", &error))
    }
}

/// How long a lock of somebody else is waited for. One that a dead process may have left does not pass by waiting.
fn lock_timeout(layout: &Layout) -> &'static str {
    if locks::any_lost(layout) {
        "-lock-timeout=0s"
    } else {
        "-lock-timeout=30s"
    }
}

/// Whether a path can be used as the directory of runs; makes it if it is not there.
fn make_root(root: &Path) -> Result<(), Fault> {
    layout::make_dir(root).map_err(|error| disk_fault("make the directory of runs", &error))
}
