//! The steps of a run, simulated.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use capt_core::fault::{Fault, FaultClass};
use hcl::Value;
use hcl::value::Map;
use tokio::sync::watch;

use super::cloud::{Heard, Process, RunRecord, SavedPlan, SimulatedCloud, State, state_key};
use super::eval::{self, Instance, Wanted};
use super::locks::{self, Planning};
use super::{apply, inputs};
use crate::classify::LockInfo;
use crate::diagnostics;
use crate::engine::{Engine, EngineKind, Failure, Job, Planned, PlannedChange, ResumeAt, Resumption, Step};
use crate::run::{Changes, Operation, Output, RunEnd, RunSpec, WorkspaceId};
use crate::runs::STALE_PLAN;
use crate::stream::{Action, ChangeSummary, Event, Resource};

/// How long `init` and `plan` take.
const SHORT: Duration = Duration::from_millis(500);

/// How long a resource takes unless its provisioner, a script or [`Simulated::with_resource_time`] says otherwise.
const RESOURCE_TIME: Duration = Duration::from_secs(2);

/// The built-in engine.
#[derive(Debug, Clone)]
pub struct Simulated {
    cloud: SimulatedCloud,
    resource_time: Duration,
}

impl Simulated {
    /// An engine over this world.
    pub fn new(cloud: SimulatedCloud) -> Self {
        Self {
            cloud,
            resource_time: RESOURCE_TIME,
        }
    }

    /// The same engine, with another time that a resource takes by default.
    #[must_use]
    pub fn with_resource_time(mut self, time: Duration) -> Self {
        self.resource_time = time;
        self
    }

    /// The world.
    pub fn cloud(&self) -> &SimulatedCloud {
        &self.cloud
    }

    /// Lets a short step pass, and fails it if the script says so.
    async fn short(&self, job: &Job, step: Step) -> Result<(), Failure> {
        (job.events)(&Event::Other);
        if let Some(run) = self.cloud.world().run_mut(&job.spec.workspace) {
            run.step = step;
        }
        let mut cancelled = job.cancelled.clone();
        tokio::select! {
            biased;
            () = cancelled.cancelled() => return Err(interrupted().into()),
            () = tokio::time::sleep(SHORT) => {}
        }
        let scripted = self.cloud.world().script.take_failure(&[&job.spec.label], step);
        scripted.map_or(Ok(()), |scripted| Err(scripted.fault("").into()))
    }

    fn wanted(&self, job: &Job) -> Result<Wanted, Failure> {
        let spec = &job.spec;
        let mut inputs: Map<String, Value> = Map::new();
        for (name, value) in inputs::of(spec)? {
            inputs.insert(name, value);
        }
        let seed = self.cloud.world().seed(spec);
        eval::evaluate(&spec.files, "", "", &seed, &inputs)
            .map_err(|diagnostic| diagnostics::fault(&diagnostic, Some(Step::Plan)).into())
    }

    /// The process of this run's apply, begun if it was not before.
    fn process(&self, job: &Job, attempt: u32) -> Result<Process, Failure> {
        let mut world = self.cloud.world();
        let spec = &job.spec;
        let present = world.run_mut(&spec.workspace).and_then(|run| run.process.clone());
        if let Some(process) = present.filter(|process| process.attempt == attempt) {
            return Ok(process);
        }
        let plan = world
            .workspaces
            .get(&spec.workspace)
            .and_then(|workspace| workspace.plan.clone());
        let plan =
            plan.ok_or_else(|| Fault::new(FaultClass::Transient, "PlanMissing", "there is no saved plan"))?;
        let state = world.states.entry(state_key(spec)).or_default().clone();
        if plan.serial != state.serial || plan.input_digest != spec.input_digest {
            let message =
                "Saved plan is stale: the state was changed by another operation after the plan was created";
            return Err(Fault::new(FaultClass::Transient, STALE_PLAN, message).into());
        }
        let lock = world.lock_state(spec, "OperationTypeApply")?;
        match spec.operation {
            Operation::Apply => world.count(&spec.label, &format!("apply {}", spec.id), |c| c.applies += 1),
            Operation::Destroy => {
                world.count(&spec.label, &format!("destroy {}", spec.id), |c| c.destroys += 1);
            }
        }
        drop(world);
        let (say, heard) = watch::channel(Heard::default());
        let (interrupt, interrupted) = watch::channel(false);
        let apply = apply::Apply::new(self.cloud.clone(), spec.clone(), plan, lock, self.resource_time);
        // On its own, like a process: who follows it may go away.
        let abort = tokio::spawn(apply.run(say, interrupted)).abort_handle();
        let process = Process {
            attempt,
            heard,
            interrupt,
            abort,
        };
        if let Some(run) = self.cloud.world().run_mut(&spec.workspace) {
            run.process = Some(process.clone());
            run.step = Step::Apply;
        }
        self.cloud.changed();
        Ok(process)
    }
}

pub(super) fn interrupted() -> Fault {
    Fault::new(FaultClass::Interrupted, "Interrupted", diagnostics::STOPPED)
}

#[async_trait]
impl Engine for Simulated {
    fn kind(&self) -> EngineKind {
        EngineKind::Simulated
    }

    async fn version(&self) -> Result<String, Fault> {
        Ok(env!("CARGO_PKG_VERSION").to_owned())
    }

    async fn resume(&self, workspace: &WorkspaceId) -> Result<Option<Resumption>, Fault> {
        let mut world = self.cloud.world();
        Ok(world.run_mut(workspace).map(|run| Resumption {
            id: run.spec.id.clone(),
            operation: run.spec.operation,
            started_at: run.started_at,
            at: match (&run.end, &run.process) {
                (Some(end), _) => ResumeAt::Ended(end.clone()),
                (None, process) => ResumeAt::Step {
                    step: run.step,
                    attempt: process.as_ref().map_or(0, |process| process.attempt),
                    alive: process.as_ref().is_some_and(Process::is_alive),
                },
            },
        }))
    }

    async fn recorded_spec(&self, workspace: &WorkspaceId) -> Result<Option<RunSpec>, Fault> {
        Ok(self
            .cloud
            .world()
            .run_mut(workspace)
            .map(|run| run.spec.as_ref().clone()))
    }

    async fn settle(&self, job: &Job) -> Result<(), Failure> {
        let unwanted = job.spec.operation == Operation::Destroy;
        locks::outwait(&self.cloud, &job.spec.workspace, unwanted, job).await;
        Ok(())
    }

    async fn prepare(&self, job: &Job) -> Result<(), Failure> {
        let mut world = self.cloud.world();
        let record = RunRecord {
            spec: job.spec.clone(),
            started_at: job.started_at,
            step: Step::Init,
            end: None,
            process: None,
            planning: false,
            kill: watch::Sender::default(),
        };
        let known = world
            .run_mut(&job.spec.workspace)
            .is_some_and(|run| run.spec.id == job.spec.id && run.spec.input_digest == job.spec.input_digest);
        world
            .workspaces
            .entry(job.spec.workspace.clone())
            .or_default()
            .run = Some(record);
        if !known {
            world.count(&job.spec.label, &format!("run {}", job.spec.id), |counters| {
                counters.runs += 1;
            });
        }
        drop(world);
        self.cloud.changed();
        Ok(())
    }

    async fn init(&self, job: &Job) -> Result<(), Failure> {
        self.short(job, Step::Init).await?;
        // Terraform reads the configuration to find modules and providers, and stops at what it cannot read.
        super::module::Module::read(&job.spec.files, "")
            .map_err(|diagnostic| diagnostics::fault(&diagnostic, Some(Step::Init)))?;
        Ok(())
    }

    async fn state_is_missing(&self, job: &Job) -> Result<bool, Failure> {
        Ok(!self.cloud.world().states.contains_key(&state_key(&job.spec)))
    }

    async fn has_nothing(&self, job: &Job) -> Result<bool, Failure> {
        Ok(match self.cloud.world().states.get(&state_key(&job.spec)) {
            Some(state) => state.resources.is_empty(),
            None => !job.spec.expect_state,
        })
    }

    async fn plan(&self, job: &Job) -> Result<Planned, Failure> {
        self.cloud
            .world()
            .count(&job.spec.label, &format!("plan {}", job.spec.id), |counters| {
                counters.plans += 1;
            });
        let planning = Planning::begin(&self.cloud, &job.spec)?;
        tokio::select! {
            biased;
            () = planning.killed() => return Err(diagnostics::process_lost("the process was killed", &BTreeSet::new()).into()),
            planned = self.short(job, Step::Plan) => planned?,
        }
        let wanted = match job.spec.operation {
            Operation::Apply => self.wanted(job)?,
            Operation::Destroy => Wanted::default(),
        };
        let mut world = self.cloud.world();
        let state = world
            .states
            .get(&state_key(&job.spec))
            .cloned()
            .unwrap_or_default();
        let mut outputs = wanted.outputs;
        if job.spec.operation == Operation::Apply
            && let Some(scripted) = world.script.outputs_of(&job.spec.label)
        {
            for (name, value) in scripted {
                let sensitive = outputs.get(name).is_some_and(|output| output.sensitive);
                outputs.insert(
                    name.clone(),
                    Output {
                        sensitive,
                        value: value.clone(),
                    },
                );
            }
        }
        let changes = compare(&wanted.instances, &state);
        let applyable = !changes.is_empty() || outputs != state.outputs;
        world
            .workspaces
            .entry(job.spec.workspace.clone())
            .or_default()
            .plan = Some(SavedPlan {
            serial: state.serial,
            input_digest: job.spec.input_digest.clone(),
            changes: changes.clone(),
            wanted: wanted.instances,
            outputs,
        });
        drop(world);
        let mut summary = ChangeSummary {
            operation: "plan".into(),
            ..ChangeSummary::default()
        };
        for change in &changes {
            (job.events)(&Event::Planned {
                resource: resource(&change.address, &change.resource_type),
                action: change.action,
                reason: change.reason.clone(),
            });
            let counted = counted(change.action);
            summary.add += counted.add;
            summary.change += counted.change;
            summary.remove += counted.remove;
        }
        (job.events)(&Event::Summary(summary));
        Ok(Planned { changes, applyable })
    }

    async fn apply(&self, job: &Job, attempt: u32) -> Result<Changes, Failure> {
        let mut process = self.process(job, attempt)?;
        let mut cancelled = job.cancelled.clone();
        let mut seen = 0;
        loop {
            let (fresh, verdict) = {
                let heard = process.heard.borrow_and_update();
                (
                    heard.events.get(seen..).unwrap_or_default().to_vec(),
                    heard.verdict.clone(),
                )
            };
            seen += fresh.len();
            for event in &fresh {
                (job.events)(event);
            }
            if let Some(verdict) = verdict {
                return verdict;
            }
            let interrupted_before = *process.interrupt.borrow();
            let changed = tokio::select! {
                biased;
                () = cancelled.cancelled(), if !interrupted_before => {
                    process.interrupt.send_replace(true);
                    Ok(())
                }
                changed = process.heard.changed() => changed,
            };
            if changed.is_err() {
                return Err(locks::lost(&process).into());
            }
        }
    }

    async fn outputs(&self, job: &Job) -> Result<BTreeMap<String, Output>, Failure> {
        let mut world = self.cloud.world();
        if let Some(run) = world.run_mut(&job.spec.workspace) {
            run.step = Step::Outputs;
        }
        if let Some(scripted) = world.script.take_failure(&[&job.spec.label], Step::Outputs) {
            return Err(scripted.fault("").into());
        }
        Ok(world
            .states
            .get(&state_key(&job.spec))
            .map(|state| state.outputs.clone())
            .unwrap_or_default())
    }

    async fn abandoned_lock(&self, job: &Job, failure: &Failure) -> Result<Option<LockInfo>, Fault> {
        Ok(self.cloud.world().left_lock(job, failure))
    }

    async fn unlock(&self, job: &Job, lock_id: &str) -> Result<(), Failure> {
        if self.cloud.world().unlock_state(&job.spec, lock_id) {
            return Ok(());
        }
        let message = format!("Failed to unlock state: lock id {lock_id:?} does not match existing lock");
        Err(Fault::new(FaultClass::Locked, "LockMismatch", message).into())
    }

    async fn conclude(&self, job: &Job, end: &RunEnd) -> Result<(), Fault> {
        if let Some(run) = self
            .cloud
            .world()
            .run_mut(&job.spec.workspace)
            .filter(|run| run.spec.id == job.spec.id)
        {
            run.end = Some(end.clone());
        }
        self.cloud.changed();
        Ok(())
    }

    fn forget(&self, workspace: &WorkspaceId) -> Result<(), Fault> {
        let mut world = self.cloud.world();
        if let Some(gone) = world.workspaces.remove(workspace)
            && let Some(run) = gone.run
        {
            let key = state_key(&run.spec);
            // Like a file in the directory; a state in Secrets stays until it is deleted there.
            if key.starts_with("local/") {
                world.states.remove(&key);
            }
        }
        drop(world);
        self.cloud.changed();
        Ok(())
    }
}

pub(super) fn resource(address: &str, kind: &str) -> Resource {
    Resource {
        addr: address.to_owned(),
        resource_type: kind.to_owned(),
    }
}

pub(super) fn counted(action: Action) -> Changes {
    let (add, change, remove) = match action {
        Action::Create => (1, 0, 0),
        Action::Update => (0, 1, 0),
        Action::Replace => (1, 0, 1),
        Action::Delete => (0, 0, 1),
        Action::Read | Action::None => (0, 0, 0),
    };
    Changes { add, change, remove }
}

fn compare(wanted: &BTreeMap<String, Instance>, state: &State) -> Vec<PlannedChange> {
    let addresses: BTreeSet<_> = wanted.keys().chain(state.resources.keys()).collect();
    let mut changes = Vec::new();
    for address in addresses {
        let (action, reason) = match (wanted.get(address), state.resources.get(address)) {
            (Some(_), None) => (Action::Create, None),
            (Some(_), Some(made)) if made.tainted => (Action::Replace, Some("tainted")),
            (Some(wanted), Some(made)) if wanted.triggers != made.instance.triggers => {
                (Action::Replace, Some("cannot_update"))
            }
            (Some(wanted), Some(made)) if wanted.inputs != made.instance.inputs => (Action::Update, None),
            (None, Some(_)) => (Action::Delete, Some("delete_because_no_resource_config")),
            (Some(_), Some(_)) | (None, None) => continue,
        };
        let kind = wanted
            .get(address)
            .or_else(|| state.resources.get(address).map(|made| &made.instance));
        changes.push(PlannedChange {
            address: address.clone(),
            resource_type: kind.map(|instance| instance.kind.clone()).unwrap_or_default(),
            action,
            reason: reason.map(str::to_owned),
        });
    }
    changes
}
